import type { SilenceOrder, SilenceStatus } from '../api/notice-control.ts'
import type { Clock } from '../clock.ts'
import { parseDuration } from '../config/duration.ts'
import type { MatchSpec } from '../config/notice-spec.ts'
import type { HostConfig } from '../config/spec.ts'
import { actorOf, type Draft } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import { alarm, soonestOf } from './alarm.ts'
import { type Plan, planMaintenance } from './maintenance.ts'
import { isLike } from './match.ts'
import { MAINTENANCE, MOST_SILENCES, type NoticeMemory, type Silence, silenceStatus } from './memory.ts'

/**
 * Life of a silence
 *
 * 1. Somebody asks for it (`silence-<n>`), or a window of maintenance begins (`maintenance-…`): `silence.created`.
 * 2. The bot pushes nothing that it fits, and escalation waits. Entries and incidents are as always.
 * 3. Its time is over, somebody ends it, or the maintenance is no longer configured: `silence.ended`, also when heald
 *    was away at that time. A window that was ended by hand does not begin again.
 */
export interface SilencesOptions {
  readonly clock: Clock
  readonly memory: NoticeMemory
  readonly append: (draft: Draft) => Promise<unknown>
  /** All that may have notices: names of services, targets, channels. */
  readonly names: () => readonly string[]
  readonly warn: (text: string) => void
}

export interface Silences {
  /** Plans the maintenance of a configuration. */
  apply(config: HostConfig): Promise<void>
  /** Begins and ends what is due, and again whenever something is. */
  look(): void
  /** Throws the Fault that `create` would be refused with. */
  check(order: SilenceOrder): void
  create(order: SilenceOrder, by: string): Promise<SilenceStatus>
  end(id: string, by: string): Promise<SilenceStatus>
  release(): void
}

const SHORTEST_MS = 1000
const LONGEST_MS = 366 * 86_400_000
const LONGEST_WHY = 300
const PATTERN = /^[A-Za-z0-9_.@:*-]{1,80}$/
const AGAIN_MS = 30_000

export function silences(options: SilencesOptions): Silences {
  const { clock, memory } = options
  let plans: readonly Plan[] = []
  let lastByHand = 0
  let isReleased = false
  /** Ids whose entry is on its way. */
  const writing = new Set<string>()
  const timer = alarm(clock, look)

  function look(): void {
    if (isReleased) return
    const nowMs = clock.wallMs()
    for (const silence of memory.silences.values()) {
      const isPlanned = !silence.id.startsWith(MAINTENANCE) || plans.some(({ prefix }) => silence.id.startsWith(prefix))
      if (silence.untilMs <= nowMs) write(silence.id, ended(silence, 'expired', 'heald'))
      else if (!isPlanned) write(silence.id, ended(silence, 'not configured', 'heald'))
    }
    for (const plan of plans) begin(plan, nowMs)
    const ends = [...memory.silences.values()].map(({ untilMs }) => untilMs)
    // What is being written is looked at when it is there.
    timer.set(soonestOf([...ends.filter(ms => ms > nowMs), ...plans.map(plan => plan.nextMs(nowMs))]))
  }

  function begin({ spec, prefix, windowAt }: Plan, nowMs: number): void {
    const window = windowAt(nowMs)
    if (window === null || memory.windows.has(window.id)) return
    // Windows that overlap follow each other.
    for (const id of memory.silences.keys()) if (id.startsWith(prefix)) return
    write(window.id, created(window.id, spec.match, window.untilMs, 'heald', spec.why))
  }

  /** Writes what is due; tried again while nothing can be recorded. */
  function write(id: string, draft: Draft): void {
    if (writing.has(id)) return
    writing.add(id)
    options.append(draft).then(
      () => {
        writing.delete(id)
        look()
      },
      (error: unknown) => {
        writing.delete(id)
        options.warn(`not recorded: ${draft.kind} ${id}: ${messageOf(error)}`)
        if (!isReleased) timer.set(clock.wallMs() + AGAIN_MS)
      },
    )
  }

  /** What a person has written, or a Fault that says what to write. */
  function matchOf(written: string): MatchSpec {
    const match = { severity: null, kinds: null }
    if (written === 'all' || written === '*') return { ...match, services: null }
    if (!PATTERN.test(written))
      throw new Fault('usage.service', `${JSON.stringify(written.slice(0, 100))} can't be the name of a service`, {
        hint: 'write a name, a part of one with * for any characters, or all',
      })
    if (!options.names().some(name => isLike(written, name)))
      throw new Fault('service.unknown', `there is no service ${JSON.stringify(written)}`, {
        hint: '"heald status" lists them',
      })
    return { ...match, services: [written] }
  }

  function checked({ service, for: long, why }: SilenceOrder): { match: MatchSpec; forMs: number } {
    const match = matchOf(service)
    const forMs = durationOf(long)
    if (why.length > LONGEST_WHY) throw new Fault('usage.why', `the reason is longer than ${LONGEST_WHY} characters`)
    if (memory.silences.size < MOST_SILENCES) return { match, forMs }
    throw new Fault('silence.many', `there are ${MOST_SILENCES} silences already`, {
      hint: 'end some with "heald unsilence ID"; "heald silences" lists them',
    })
  }

  return {
    async apply(config) {
      plans = await planMaintenance(config.notice.maintenance, config.tz, options.warn)
    },
    look,
    check: order => void checked(order),
    async create(order, by) {
      const { match, forMs } = checked(order)
      const { why } = order
      lastByHand = Math.max(lastByHand, memory.madeByHand) + 1
      const id = `silence-${lastByHand}`
      await options.append({
        ...created(id, match, clock.wallMs() + forMs, by, why),
        actor: actorOf(by),
      })
      look()
      return standing(memory, id)
    },
    async end(id, by) {
      const silence = memory.silences.get(id)
      if (silence === undefined || writing.has(id))
        throw new Fault('silence.unknown', `there is no silence ${JSON.stringify(id.slice(0, 100))}`, {
          hint: '"heald silences" lists those that stand',
        })
      // Its time may be over at this very moment.
      writing.add(id)
      await options.append({ ...ended(silence, 'by hand', by), actor: actorOf(by) }).finally(() => writing.delete(id))
      look()
      return silenceStatus(silence)
    },
    release() {
      isReleased = true
      timer.set(null)
    },
  }
}

function created(id: string, match: MatchSpec, untilMs: number, by: string, why: string): Draft {
  const untilTs = new Date(untilMs).toISOString()
  return { kind: 'silence.created', data: { id, match: jsonOf(match), untilTs, by, why } }
}

function ended({ id, match }: Silence, how: 'expired' | 'by hand' | 'not configured', by: string): Draft {
  return { kind: 'silence.ended', data: { id, match: jsonOf(match), how, by } }
}

function jsonOf({ severity, services, kinds }: MatchSpec) {
  return { severity, services, kinds }
}

function durationOf(written: string): number {
  const read = parseDuration(written)
  if ('value' in read && read.value >= SHORTEST_MS && read.value <= LONGEST_MS) return read.value
  const why = 'problem' in read ? read.problem : 'has to be from 1 s to 366 days'
  throw new Fault('usage.for', `how long ${why}`, { hint: 'write it like 30m, 2h or 1d' })
}

function standing(memory: NoticeMemory, id: string): SilenceStatus {
  const silence = memory.silences.get(id)
  if (silence !== undefined) return silenceStatus(silence)
  throw new Fault('ledger.degraded', `${id} could not be recorded`, { retry: 5000 })
}
