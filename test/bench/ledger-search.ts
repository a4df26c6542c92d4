import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../../core/clock.ts'
import type { Filter } from '../../core/ledger/filter.ts'
import { indexPath, removeIndex } from '../../core/ledger/index/database.ts'
import { indexReader } from '../../core/ledger/index/reader.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import type { Ledger } from '../../core/ledger/ledger.ts'
import { listEntries } from '../../core/ledger/list.ts'
import { type Hold, holds } from './holds.ts'
import { type Commands, commandsBeside } from './ledger-commands.ts'
import { open } from './ledger-open.ts'
import { bareIndex } from './ledger-peers.ts'
import { type BenchRow, percentile, row } from './row.ts'
import { count } from './size.ts'

const LIMIT = 50
const HOLD = { of: 'ours', atMost: 10 } as const

/**
 * The ledger in `dir` as a daemon searches it, and how long that holds the daemon up. By a process of its own, as small as a
 * daemon: to start another one holds for as long as its memory is large.
 */
export async function searches(dir: string): Promise<BenchRow[]> {
  const child = fork(import.meta.filename, [dir])
  const ended = once(child, 'exit')
  const [told] = (await Promise.race([once(child, 'message'), ended])) as [BenchRow[] | number | null]
  await ended
  if (Array.isArray(told)) return told
  throw new Error('the process that searches failed')
}

async function searched(dir: string): Promise<BenchRow[]> {
  const ledger = await open(dir, false)
  await ledger.settled()
  const { size } = ledger.head()
  const before = process.memoryUsage.rss()
  removeIndex(indexPath(dir))
  const reader = indexReader({ dir, clock: systemClock, size: () => size })
  const hold = holds()
  const madeMs = await timed(() => reader.catchUp(size))
  const madeHold = hold.longest()
  const times: number[] = []
  for (let n = 0; n < count(200, 3000); n++) {
    const filter = question(n, size)
    times.push(await timed(() => reader.find(filter, { limit: LIMIT })))
  }
  const askedHold = hold.longest()
  await reader.close()
  const left = (process.memoryUsage.rss() - before) / 1e6
  const one = await byWord(ledger, dir, size)
  const commands = await commandsBeside(stateOf(dir))
  hold.longest()
  await besideCommands(ledger, dir, commands)
  const beside = hold.longest()
  commands.end()
  hold.end()
  await ledger.close(10_000)
  const verifiedMs = await timed(async () => {
    if ((await verifyIndex(dir))?.ok !== true) throw new Error('the index is wrong')
  })
  const bare = await bareIndex(dir, join(dir, '../bare.db'))
  const bareTimes = times.map((_, n) => bare.ask(question(n, size), LIMIT))
  bare.close()
  const plain = (what: string, ours: number, unit: string, limit: BenchRow['limit'], note: string) =>
    row({ what, ours, unit, limit, note, peer: null })
  const held = (what: string, { ms, processorMs }: Hold, note: string) => {
    const most = `${processorMs.toFixed(1)} ms of processor time at most in one go`
    return plain(`${what}: longest hold of the event loop`, ms, 'ms', HOLD, `${note}; ${most}`)
  }
  const asked = `${times.length} questions of six kinds, ${LIMIT} entries a page, each line read from its segment and checked; p50 ${percentile(times, 0.5).toFixed(2)} ms`
  return [
    row({
      ...{ what: 'search index made anew', ours: madeMs / 1000, unit: 's', note: `of ${size} entries` },
      peer: { name: 'SQLite alone, given their words', value: bare.madeMs / 1000 },
      limit: { of: 'ours', atMost: 12 },
    }),
    held('the same', madeHold, `in a process of its own, which leaves ${left.toFixed(1)} MB in the daemon`),
    row({
      ...{ what: 'search, p99', ours: percentile(times, 0.99), unit: 'ms', note: asked },
      peer: { name: 'SQLite alone, without the lines', value: percentile(bareTimes, 0.99) },
      limit: { of: 'ours', atMost: 5 },
    }),
    held('the same', askedHold, 'the answers are taken apart there'),
    one,
    held(
      'verify, prove, check, export, checkpoints and a new key, of a ledger alone',
      beside,
      'nothing is healed meanwhile',
    ),
    plain('search index verified', verifiedMs / 1000, 's', null, 'derived anew and compared, as "verify --index" does'),
  ]
}

function question(n: number, size: number): Filter {
  const word = String(Math.floor((size * n * 0.618) % size))
  const kinds: readonly Filter[] = [
    { text: word },
    { svc: 'api' },
    { kinds: ['service.exited'], svc: 'api', text: `sigkill ${word}` },
    { kinds: ['key.rotated'] },
    { svc: 'api', text: `"${word} signal"` },
    { sinceMs: 0, text: 'no-such-word' },
  ]
  return kinds[n % kinds.length] ?? {}
}

/** One entry anywhere by a word in it, beside reading the files until it is found. */
async function byWord(ledger: Ledger, dir: string, size: number): Promise<BenchRow> {
  const ours: number[] = []
  const files: number[] = []
  for (let n = 1; n <= count(3, 5); n++) {
    const filter = { text: String(Math.floor((size * n * 0.618) % size)) }
    await ledger.find(filter, { limit: 1 })
    for (let again = 0; again < 20; again++) ours.push(await timed(() => ledger.find(filter, { limit: 1 })))
    files.push(await timed(() => listEntries(dir, filter, { limit: 1 })))
  }
  return row({
    what: 'search for one entry by a word in it, p50',
    ours: percentile(ours, 0.5),
    peer: { name: 'reading the files', value: percentile(files, 0.5) },
    limit: null,
    unit: 'ms',
    note: '',
  })
}

/** The folder of a state that has the ledger in `dir`. */
function stateOf(dir: string): string {
  const state = join(dir, '../state')
  mkdirSync(state)
  symlinkSync(dir, join(state, 'ledger'))
  return state
}

/** What people do with a ledger, at the cost of who writes it: what of it is the ledger's own, without a heald around it. */
async function besideCommands(ledger: Ledger, dir: string, commands: Commands): Promise<void> {
  const seq = ledger.head().size >> 1
  await ledger.checkpoint()
  const { receipt } = JSON.parse(await commands.run('prove', String(seq), '--json')) as { receipt: string }
  await commands.run('check', receipt)
  await commands.run('verify')
  await commands.run('export', join(dir, '../exported'))
  await ledger.rotateKey('local:admin')
  await ledger.append({ kind: 'config.applied', data: { sha256: 'x' } })
  await ledger.checkpoint()
  await sleep(100)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now()
  await work()
  return performance.now() - startMs
}

if (import.meta.main) {
  const [dir = ''] = process.argv.slice(2)
  process.send?.(await searched(dir), () => process.disconnect())
}
