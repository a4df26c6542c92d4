import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '../clock.ts'
import type { Daemon } from '../daemon.ts'
import type { Entry, Kind } from '../entry.ts'
import { spanOf } from '../incident/measure.ts'
import { receiptOf } from '../ledger/receipt.ts'
import type { Page } from './page.ts'
import type { Plan } from './plan.ts'
import type { Watch } from './watch.ts'

/** What every scene works with. */
export interface Stage {
  readonly daemon: Daemon
  readonly plan: Plan
  readonly page: Page
  readonly watch: Watch
  /** Aborted when the visitor has had enough. */
  readonly signal: AbortSignal
}

export interface Scene {
  readonly title: string
  /** Does its harm and tells what came of it. Resolves to whether all was healed, `null` when it can't be shown here. */
  play(stage: Stage): Promise<boolean | null>
}

/** Longest wait for anything that should take a second. */
export const PATIENCE_MS = 15_000
const LOOK_EVERY_MS = 20
const ORDER_TIMEOUT_MS = 2000

/** Harm that was done: to which process, and what is news since. */
export interface Harm {
  readonly pid: number
  /** Monotonic, by the tour's own clock. */
  readonly atMs: number
  /** First seq after it. */
  readonly seq: number
}

/** The standby is forked a little after a start, and a service that has run for a while is the usual case. */
const RUN_FOR_MS = 500

/** Waits until the agent has been well for a while and what was before no longer counts. */
export async function wellAgent({ daemon, page, signal }: Stage): Promise<number | null> {
  const deadlineMs = systemClock.monoMs() + PATIENCE_MS
  for (;;) {
    const [status] = daemon.status().services
    const hasRun = Date.now() - Date.parse(status?.sinceTs ?? '') >= RUN_FOR_MS
    if (status?.state === 'ready' && hasRun && status.attempt === 0 && status.incident === null && status.pid !== null)
      return status.pid
    if (systemClock.monoMs() > deadlineMs) {
      const why = status?.why ?? status?.check.error ?? 'nothing more is known'
      page.say('seen', `the agent is not well, it is ${status?.state ?? 'gone'}: ${why}`, 'bad')
      return null
    }
    await sleep(LOOK_EVERY_MS, undefined, { signal })
  }
}

export function killNow({ watch }: Stage, pid: number): Harm {
  const harm = { pid, seq: watch.next(), atMs: systemClock.monoMs() }
  process.kill(pid, 'SIGKILL')
  return harm
}

/** Tells the agent to do itself harm; resolves as soon as it has heard. */
export async function orderAgent({ plan, watch }: Stage, pid: number, order: 'hang' | 'leak'): Promise<Harm> {
  const seq = watch.next()
  await new Promise<void>((resolve, reject) => {
    const asking = request(`${plan.url}/${order}`, { method: 'POST', agent: false, timeout: ORDER_TIMEOUT_MS })
    asking.once('timeout', () => asking.destroy(new Error(`the agent took no order within ${ORDER_TIMEOUT_MS} ms`)))
    asking.once('error', reject)
    asking.once('response', answer => {
      answer.resume()
      resolve()
    })
    asking.end()
  })
  return { pid, seq, atMs: systemClock.monoMs() }
}

/** The next entry of a kind since the harm; when there is none, says so. */
export async function next(
  { watch, page }: Stage,
  { seq }: Pick<Harm, 'seq'>,
  kind: Kind,
  fits: (entry: Entry) => boolean = () => true,
): Promise<Entry | null> {
  const found = await watch.until(seq, entry => entry.kind === kind && fits(entry), PATIENCE_MS)
  if (found !== null) return found
  const last = watch.since(seq).at(-1)?.kind ?? 'nothing at all'
  page.say('seen', `no "${kind}" within ${spanOf(PATIENCE_MS)}; the last entry is: ${last}`, 'bad')
  return null
}

/** Milliseconds from `fromMs` (monotonic) to an entry, in words. */
export function later(entry: Entry, fromMs: number): string {
  return spanOf(Math.max(0, entry.mono / 1000 - fromMs))
}

/** How an instance's end was healed. */
interface Healing {
  readonly exited: Entry
  readonly resolved: Entry
  /** When there was a new process, and when it answered. */
  readonly words: string
}

/**
 * Waits for diagnosis, recovery and the incident's end. `byUs`: the tour killed it and knows to the microsecond when;
 * else the time of heald's own entry counts. Null when something of it did not come, which was said then.
 */
export async function healing(stage: Stage, harm: Harm, byUs: boolean): Promise<Healing | null> {
  const exited = await next(stage, harm, 'service.exited', entry => entry.data.pid === harm.pid)
  const ready = exited && (await next(stage, { seq: exited.seq }, 'service.ready'))
  const recovered = ready && (await next(stage, { seq: ready.seq }, 'service.recovered'))
  const resolved = recovered && (await next(stage, { seq: recovered.seq }, 'incident.resolved'))
  if (exited === null || ready === null || recovered === null || resolved === null) return null
  if (!byUs)
    return { exited, resolved, words: `a new process answers ${later(recovered, exited.mono / 1000)} after that` }
  // Entries are written after the restart; when the new process began, the ready one says.
  const startedMs = ready.mono / 1000 - Number(ready.data.readyMs)
  const start = `a new process ${spanOf(Math.max(0, startedMs - harm.atMs))} after the kill`
  return { exited, resolved, words: `${start}, answering after ${later(recovered, harm.atMs)}` }
}

/** Shows it with its receipt. Resolves to whether it was healed. */
export async function showHealing(stage: Stage, harm: Harm, byUs = false): Promise<boolean> {
  const { page } = stage
  const healed = await healing(stage, harm, byUs)
  if (healed === null) return false
  page.say('seen', String(healed.exited.data.diagnosis))
  page.say('healed', healed.words, 'good')
  showReceipt(stage, harm, healed.resolved)
  return true
}

/** The last entry stands for all before it: they are one chain. */
export function showReceipt({ page }: Stage, { seq }: Pick<Harm, 'seq'>, last: Entry): void {
  page.say('recorded', `entries #${seq} to #${last.seq}, receipt ${receiptOf(last.seq, last.h)}`)
}
