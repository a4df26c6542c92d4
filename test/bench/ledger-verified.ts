import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type VerifyOptions, verifyLedger } from '../../core/ledger/verify.ts'
import { type BenchRow, percentile, row } from './row.ts'
import { count } from './size.ts'

/*
 * Verifications are timed as people run them: in a process that has done nothing else. The peer's rounds stand between
 * ours, in the same process.
 */

const LIMIT = 'read + one bulk SHA-256'

const WAYS: readonly { readonly what: string; readonly how: VerifyOptions; readonly atMost: number }[] = [
  { what: 'verify the whole chain, one thread', how: { workers: 1, isOnlyChain: true }, atMost: 3.5 },
  { what: 'verify the whole chain, two workers', how: { workers: 2, isOnlyChain: true }, atMost: 1.9 },
  { what: 'verify chain, tree and checkpoints, one thread', how: { workers: 1 }, atMost: 7 },
  { what: 'verify chain, tree and checkpoints, two workers', how: { workers: 2 }, atMost: 4 },
]

/** Milliseconds of each round, by what was timed. */
type Rounds = Record<string, number[]>

/** The ledger of `entries` in `dir`, which nobody writes meanwhile. */
export function verifications(dir: string, entries: number): BenchRow[] {
  // To write back what was made just now would slow some of the rounds.
  for (const path of segmentPaths(dir)) synced(path)
  const { status, stdout } = spawnSync(process.execPath, [import.meta.filename, dir, String(count(3, 7))], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error('the ledger could not be verified')
  const rounds = JSON.parse(stdout) as Rounds
  const bytes = segmentPaths(dir).reduce((sum, path) => sum + statSync(path).size, 0)
  const note = `${entries} entries of ${Math.round(bytes / entries)} bytes, from the page cache, in a process of its own`
  const medianMs = (what: string): number => percentile(rounds[what] ?? [], 0.5)
  return WAYS.map(({ what, atMost }) =>
    row({
      ...{ what, note, ours: medianMs(what), unit: 'ms' },
      peer: { name: LIMIT, value: medianMs(LIMIT) },
      limit: { of: 'ratio', atMost },
    }),
  )
}

async function timeRounds(dir: string, times: number): Promise<Rounds> {
  const rounds: Rounds = {}
  const timed = async (what: string, work: () => unknown): Promise<void> => {
    const startMs = performance.now()
    await work()
    rounds[what] ??= []
    rounds[what].push(performance.now() - startMs)
  }
  for (let n = 0; n < times; n++) {
    await timed(LIMIT, () => bulkHash(segmentPaths(dir)))
    for (const { what, how } of WAYS) await timed(what, () => verified(dir, how))
  }
  return rounds
}

async function verified(dir: string, how: VerifyOptions): Promise<void> {
  const { ok, firstBad } = await verifyLedger(dir, how)
  if (!ok) throw new Error(`the ledger is bad: ${JSON.stringify(firstBad)}`)
}

function segmentPaths(dir: string): string[] {
  return readdirSync(join(dir, 'seg'))
    .sort()
    .map(name => join(dir, 'seg', name))
}

function synced(path: string): void {
  const fd = openSync(path, 'r')
  fsyncSync(fd)
  closeSync(fd)
}

function bulkHash(paths: readonly string[]): void {
  const buffer = Buffer.allocUnsafe(1_048_576)
  const running = createHash('sha256')
  for (const path of paths) {
    const fd = openSync(path, 'r')
    for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) running.update(buffer.subarray(0, got))
    closeSync(fd)
  }
  running.digest('hex')
}

if (import.meta.main) {
  const [dir = '', times] = process.argv.slice(2)
  process.stdout.write(JSON.stringify(await timeRounds(dir, Number(times))))
}
