import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { request } from '../../core/api/client.ts'
import { sizeOf } from '../../core/ledger/index/catch-up.ts'
import { indexPath, isBusy, openDatabase, removeIndex } from '../../core/ledger/index/database.ts'
import type { Inside } from './holds-inside.ts'
import { killOne, PAUSE_MS } from './replacement.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { type Heald, makeHeald, RESTLESS } from './supervisors.ts'

/*
 * Life of the proof that nothing asked of a ledger holds up what heals
 *
 * 1. A real heald is started over the long ledger, with services of which one is killed again and again.
 * 2. Meanwhile people ask everything of its ledger, twice, by socket and command line: first while the search index is made
 *    anew, then beside searches.
 * 3. The same number of kills follows in peace. Both times it was looked at from inside how long the event loop was held.
 */

const INSIDE = pathToFileURL(join(import.meta.dirname, 'holds-inside.ts')).href
const SETTLE_MS = 2000
const LOOK_EVERY_MS = 100
const TOLD_WITHIN_MS = 5000
const INDEXED_WITHIN_MS = 120_000
const SEARCHES = [
  '/v1/ledger/list?svc=api',
  '/v1/ledger/list?text=sigkill',
  '/v1/ledger/list?kind=key.rotated',
] as const

/** What kills met meanwhile. */
interface Phase {
  /** Milliseconds from each kill to the first instruction of the replacement. */
  readonly healedMs: readonly number[]
  readonly inside: Inside
}

/** A healing daemon over the ledger of `entries` in `dir`, which nobody else has open. */
export async function healingBeside(dir: string, entries: number, site: Site): Promise<BenchRow[]> {
  removeIndex(indexPath(dir))
  const told = join(site.root, 'holds')
  writeFileSync(told, '')
  const env = { NODE_OPTIONS: `--import=${INSIDE}`, HEALD_BENCH_HOLDS: told }
  const calm = { run: ['sleep', '100000'] }
  const heald = makeHeald(
    site,
    'beside',
    starts => ({ victim: { run: [site.victim, starts], ...RESTLESS }, calm, calmer: calm }),
    { env },
  )
  mkdirSync(heald.state, { mode: 0o700 })
  symlinkSync(dir, join(heald.state, 'ledger'))
  await heald.up()
  await heald.starts.until(1)
  // It is done once the ledger's past is known: a start is not what is looked at.
  await heald.json('reload')
  await sleep(SETTLE_MS)
  await seenInside(heald, told)

  let isDone = false
  const asking = everythingAsked(heald, dir, entries).finally(() => {
    isDone = true
  })
  const [beside] = await Promise.all([killed(heald, told, () => isDone), asking])
  const alone = await killed(heald, told, many => many >= beside.healedMs.length)
  await heald.down()
  return rowsOf(beside, alone)
}

function rowsOf(beside: Phase, alone: Phase): BenchRow[] {
  const asked =
    'the index made anew, searches, and twice verify, prove, check, export, checkpoints and a new key, of a heald with three services'
  const name = 'the same without'
  const slowest = ({ healedMs }: Phase) => Math.max(...healedMs)
  const processor = ({ inside }: Phase) => inside.hold.processorMs.toFixed(1)
  const start = ({ inside }: Phase) => inside.startMs.toFixed(1)
  const middle = ({ healedMs }: Phase) => percentile(healedMs, 0.5).toFixed(1)
  return [
    row({
      what: 'everything asked of the ledger of a daemon that heals: longest hold of its event loop',
      ours: beside.inside.hold.ms,
      peer: { name, value: alone.inside.hold.ms },
      limit: { of: 'ours', atMost: 10 },
      unit: 'ms',
      note: `${asked}; ${processor(beside)} ms of processor time at most in one go, ${processor(alone)} ms without; to start what a restart needs held it ${start(beside)} ms at most, ${start(alone)} ms without, and is not in the figure`,
    }),
    row({
      what: 'kill to replacement meanwhile, slowest',
      ours: slowest(beside),
      peer: { name, value: slowest(alone) },
      limit: null,
      unit: 'ms',
      note: `of ${beside.healedMs.length} kills each; p50 ${middle(beside)} ms, ${middle(alone)} ms without`,
    }),
  ]
}

/** Kills one service again and again until `isEnough`, which hears how many kills there were. */
async function killed(heald: Heald, told: string, isEnough: (many: number) => boolean): Promise<Phase> {
  const healedMs: number[] = []
  while (!isEnough(healedMs.length)) {
    healedMs.push(await killOne(heald))
    await sleep(PAUSE_MS)
  }
  return { healedMs, inside: await seenInside(heald, told) }
}

/** As the daemon saw it, since it was asked last. */
async function seenInside(heald: Heald, told: string): Promise<Inside> {
  const lines = () => readFileSync(told, 'utf8').split('\n').slice(0, -1)
  const before = lines().length
  process.kill(heald.pid(), 'SIGUSR2')
  return await within(TOLD_WITHIN_MS, 'how long the event loop was held', () => {
    const line = lines()[before]
    return line === undefined ? null : (JSON.parse(line) as Inside)
  })
}

async function everythingAsked(heald: Heald, dir: string, entries: number): Promise<void> {
  // What stands at the end is found soon without an index, and has one made.
  await search(heald, SEARCHES[0])
  const made = within(INDEXED_WITHIN_MS, 'the index', () => isIndexed(dir, entries))
  await Promise.all([made, commands(heald, entries, join(dir, '../exported-one'))])
  let isDone = false
  const asked = commands(heald, entries, join(dir, '../exported-two')).finally(() => {
    isDone = true
  })
  const searching = async () => {
    for (let n = 0; !isDone; n++) await search(heald, SEARCHES[n % SEARCHES.length] ?? SEARCHES[0])
  }
  await Promise.all([searching(), asked])
}

async function commands(heald: Heald, entries: number, exported: string): Promise<void> {
  const run = (...words: string[]) => heald.json<{ ok?: boolean; receipt?: string }>(...words)
  await run('ledger', 'checkpoint')
  const { receipt = '' } = await run('ledger', 'prove', String(entries >> 1))
  await run('ledger', 'check', receipt)
  const { ok } = await run('ledger', 'verify')
  if (ok !== true) throw new Error('the ledger is bad')
  await run('ledger', 'export', exported)
  await run('keygen')
  await run('ledger', 'checkpoint')
}

async function search({ socket }: Heald, path: string): Promise<void> {
  await request(socket, 'GET', path, undefined, { timeoutMs: 20_000 })
}

/** True once the index reaches the end of what was there before; null while another process has it. */
async function isIndexed(dir: string, entries: number): Promise<true | null> {
  if (!existsSync(indexPath(dir))) return null
  try {
    const db = await openDatabase(indexPath(dir), { busyMs: 0 })
    const size = sizeOf(db)
    db.close()
    return size >= entries ? true : null
  } catch (error) {
    if (isBusy(error)) return null
    throw error
  }
}

async function within<T>(ms: number, what: string, look: () => T | null | Promise<T | null>): Promise<T> {
  const endMs = performance.now() + ms
  for (;;) {
    const found = await look()
    if (found !== null) return found
    if (performance.now() > endMs) throw new Error(`waited ${ms / 1000} s for ${what}`)
    await sleep(LOOK_EVERY_MS)
  }
}
