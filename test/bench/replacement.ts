import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../../core/entry.ts'
import { type BenchRow, percentile, row } from './row.ts'
import type { Site } from './site.ts'
import { count } from './size.ts'
import { msBetween } from './starts.ts'
import { type Heald, makeHeald, RESTLESS, type Supervisor, startBare } from './supervisors.ts'

/*
 * Life of one measured kill
 *
 * 1. The victim that started last is known by the line it wrote as its first act.
 * 2. The clock is read, SIGKILL is sent. The supervisor sees the exit and starts a replacement, which writes its line.
 * 3. The time between the two readings of the monotonic clock counts. Then a pause of at least 300 ms, since kills
 *    without one hide what a supervisor prepares in between.
 *
 * Ours and the peer are killed in turn, in one run, so that both have the same noise.
 */
export const PAUSE_MS = 300
const SETTLE_MS = 2000

/** Kills the victim that started last; milliseconds to the first instruction of its replacement. */
export async function killOne({ starts }: Supervisor, pid = starts.all().at(-1)?.pid ?? 0): Promise<number> {
  const before = starts.all().length
  const killedNs = starts.kill(pid)
  const replacement = (await starts.until(before + 1))[before]
  return msBetween(killedNs, replacement?.atNs ?? 0n)
}

/** kill -9 → the replacement's first instruction, one service each. */
export async function measureReplacement(site: Site): Promise<BenchRow[]> {
  const kills = count(20, 200)
  const user = 'name' in site.user ? { user: site.user.name } : {}
  const ours = makeHeald(site, 'ours', starts => ({ victim: { run: [site.victim, starts], ...user, ...RESTLESS } }))
  await ours.up()
  const peer = startBare(site, 'peer', 1, [site.victim])
  await Promise.all([ours.starts.until(1), peer.starts.until(1)])
  await sleep(SETTLE_MS)

  const times: { ours: number[]; peer: number[] } = { ours: [], peer: [] }
  for (let n = 1; n <= kills; n += 1) {
    times.ours.push(await killOne(ours))
    await sleep(PAUSE_MS)
    times.peer.push(await killOne(peer))
    await sleep(PAUSE_MS)
    if (n % 50 === 0 || n === kills) site.progress(`${n} of ${kills} kills of each`)
  }
  const recorded = await judge(ours, kills)
  const with_ = [
    'own control group',
    'name' in site.user ? `as ${site.user.name}` : site.user.missing,
    'log file',
    'recorded',
  ]
  const shares = [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p99', 0.99],
  ] as const
  return shares.map(([name, share]) =>
    row({
      what: `kill -9 to the replacement's first instruction, ${name}`,
      ours: percentile(times.ours, share),
      peer: { name: peer.name, value: percentile(times.peer, share) },
      limit: share === 0.5 ? { of: 'ratio', atMost: 0.8 } : null,
      unit: 'ms',
      note: share === 0.5 ? `${kills} kills of each in turn; ours with ${with_.join(', ')}; ${recorded}` : '',
    }),
  )
}

/** Fails unless every kill is an entry with its diagnosis, in a ledger that verifies. Says so in words. */
async function judge(ours: Heald, kills: number): Promise<string> {
  const verdict = await ours.json<{ ok: boolean; firstBad: unknown }>('ledger', 'verify')
  if (!verdict.ok) throw new Error(`the ledger does not verify: ${JSON.stringify(verdict)}`)
  const killed = new Set(ours.starts.all().map(start => start.pid))
  const exits = ours
    .entries()
    .filter((entry: Entry) => entry.kind === 'service.exited' && killed.has(Number(entry.data.pid)))
  const diagnosed = exits.filter(entry => entry.data.signal === 'SIGKILL' && entry.data.diagnosis !== '')
  if (diagnosed.length !== kills)
    throw new Error(`${diagnosed.length} of ${kills} exits are in the ledger with their diagnosis`)
  return `all ${kills} exits in the ledger with their diagnosis, which verifies`
}
