import type { Clock } from '../clock.ts'
import type { EscalationStep } from '../config/notice-spec.ts'
import type { HostConfig } from '../config/spec.ts'
import type { Draft, Entry } from '../entry.ts'
import { messageOf } from '../fault.ts'
import type { Incident, Incidents } from '../incident/fold.ts'
import { alarm, soonestOf } from './alarm.ts'
import type { Ran } from './fallback.ts'
import { fits, kindOf } from './match.ts'
import { MOST_ESCALATIONS, type NoticeMemory, stepKey } from './memory.ts'

/**
 * Life of an escalation
 *
 * 1. A critical incident has been open for `afterMs`, nobody has done what the step waits for, and it is not silenced:
 *    `escalation.due`, once for each step. The bot tells the step's channels and reports that it has.
 * 2. Nobody confirmed within 30 s, for the bot may be dead: the fallback program gets the incident on its standard
 *    input, and a second `escalation.due` says what came of it.
 * 3. A daemon that starts finds in the ledger which steps were due and which were confirmed, and waits once more for the
 *    others. So a step is due once, and the fallback runs at least once: again, when heald ends between its run and the
 *    entry about it.
 */
export interface EscalationOptions {
  readonly clock: Clock
  readonly memory: NoticeMemory
  readonly incidents: Incidents
  readonly append: (draft: Draft) => Promise<unknown>
  /** Runs the fallback program; never rejects. */
  readonly run: (argv: readonly string[], input: string) => Promise<Ran>
  readonly warn: (text: string) => void
  /** For tests; the default is meant for use. */
  readonly confirmMs?: number
}

export interface Escalation {
  /** Looks what is due under this configuration, and again whenever something is. */
  look(config: HostConfig): void
  take(entries: readonly Entry[]): void
  release(): void
}

const CONFIRM_MS = 30_000
/** News comes in bursts: they are looked at together. */
const SOON_MS = 200
const AGAIN_MS = 30_000
const MOST_PROGRAMS = 4
const OF_INTEREST: ReadonlySet<string> = new Set([
  ...['incident.opened', 'incident.escalated', 'incident.acked', 'incident.resolved'],
  ...['silence.ended', 'escalation.due'],
])

/** One step of one incident's escalation. */
interface Case {
  readonly key: string
  readonly incident: Incident
  readonly step: number
  readonly spec: EscalationStep
}

export function escalation(options: EscalationOptions): Escalation {
  const { clock, memory, incidents, confirmMs = CONFIRM_MS } = options
  let config: HostConfig | null = null
  let cancelSoon: (() => void) | null = null
  const timer = alarm(clock, lookAgain)
  /** When an open incident was first seen here, monotonic: the wall clock may be set. By its id. */
  let seenMs = new Map<string, number>()
  /** Since when a confirmation is waited for, monotonic. */
  const waitingMs = new Map<string, number>()
  /** Steps that were due while nothing could be recorded. */
  const unrecorded = new Set<string>()
  /** Steps whose program has run, until the entry about it is durable. */
  const told = new Map<string, Draft>()
  const writing = new Set<string>()
  const running = new Set<string>()

  function lookAgain(): void {
    if (config === null) return
    const seen = new Map<string, number>()
    const dues: (number | null)[] = []
    for (const incident of incidents.byId.values()) {
      if (incident.state === 'resolved' || incident.severity !== 'critical') continue
      seen.set(incident.id, seenMs.get(incident.id) ?? clock.monoMs())
      if (isSilenced(incident)) continue
      for (const [step, spec] of config.notice.escalation.entries()) {
        if (spec.unless === 'acked' && incident.state === 'acked') continue
        const each = { key: stepKey(incident.id, step), incident, step, spec }
        dues.push(lookAt(each, config, seen.get(incident.id) ?? 0))
      }
    }
    seenMs = seen
    for (const key of [...waitingMs.keys(), ...unrecorded]) forget(key)
    timer.set(soonestOf(dues))
  }

  /** Drops what is remembered of steps whose incident is over. */
  function forget(key: string): void {
    if (seenMs.has(key.slice(0, key.lastIndexOf(' ')))) return
    waitingMs.delete(key)
    unrecorded.delete(key)
  }

  function isSilenced({ severity, services }: Incident): boolean {
    const about = { kind: kindOf(services[0]), severity, services }
    for (const { match } of memory.silences.values()) if (fits(match, about)) return true
    return false
  }

  /** When to look at it again, wall clock; null: when there is news. */
  function lookAt(each: Case, { notice, host }: HostConfig, firstSeenMs: number): number | null {
    const { key, incident, spec } = each
    const known = memory.escalations.get(key)
    const nowMs = clock.wallMs()
    if (known === undefined) {
      const waitMs = Math.min(Date.parse(incident.openedTs) - nowMs, firstSeenMs - clock.monoMs()) + spec.afterMs
      if (waitMs > 0) return nowMs + waitMs
      writeDue(each)
      if (!unrecorded.has(key)) return null
    } else if (known.isConfirmed || known.hasFallenBack) return null
    const unwritten = told.get(key)
    if (unwritten !== undefined) {
      if (known !== undefined) writeTold(key, unwritten)
      return null
    }
    if (notice.fallback.length === 0 || running.has(key)) return null
    if (!waitingMs.has(key)) waitingMs.set(key, clock.monoMs())
    const leftMs = (waitingMs.get(key) ?? 0) + confirmMs - clock.monoMs()
    if (leftMs > 0) return nowMs + leftMs
    // Whoever ends makes room for the next.
    if (running.size < MOST_PROGRAMS) void fallBack(each, notice.fallback, host)
    return null
  }

  function writeDue({ key, incident, step, spec }: Case): void {
    // Of more, the oldest would be forgotten and become due again.
    const isFull = memory.escalations.size + writing.size >= MOST_ESCALATIONS
    if (writing.has(key) || isFull) return
    writing.add(key)
    options.append(dueEntry(incident, step, spec.to, { fallback: false })).then(
      () => {
        writing.delete(key)
        unrecorded.delete(key)
        waitingMs.delete(key)
        soon()
      },
      (error: unknown) => {
        writing.delete(key)
        if (!unrecorded.has(key)) options.warn(`${incident.id} is to be escalated: ${messageOf(error)}`)
        // Nobody can be told by the ledger, so the fallback program has to do it.
        unrecorded.add(key)
        later()
      },
    )
  }

  async function fallBack({ key, incident, step, spec }: Case, argv: readonly string[], host: string): Promise<void> {
    running.add(key)
    const { entries: _, ...about } = incident
    const what = `nobody confirmed within ${confirmMs / 1000} s that the escalation was told to anybody`
    const ran = await options.run(argv, `${JSON.stringify({ host, incident: about, step, to: spec.to, what })}\n`)
    running.delete(key)
    if (!ran.isOk) options.warn(`the fallback program failed for ${incident.id}: ${ran.why}`)
    const result = { fallback: true, result: ran.isOk ? 'ok' : 'failed', why: ran.why, tookMs: ran.tookMs }
    const tail = ran.output === '' ? {} : { tail: ran.output }
    const draft = { ...dueEntry(incident, step, spec.to, result), ...tail }
    told.set(key, draft)
    writeTold(key, draft)
    lookAgain()
  }

  function writeTold(key: string, draft: Draft): void {
    if (writing.has(key)) return
    writing.add(key)
    options.append(draft).then(
      () => {
        writing.delete(key)
        told.delete(key)
      },
      () => {
        writing.delete(key)
        later()
      },
    )
  }

  function soon(): void {
    if (config === null || cancelSoon !== null) return
    cancelSoon = clock.after(SOON_MS, () => {
      cancelSoon = null
      lookAgain()
    })
  }

  /** While nothing can be recorded. */
  function later(): void {
    if (config !== null) timer.set(clock.wallMs() + Math.min(AGAIN_MS, confirmMs))
  }

  return {
    look(next) {
      config = next
      lookAgain()
    },
    take(entries) {
      if (entries.some(({ kind }) => OF_INTEREST.has(kind))) soon()
    },
    release() {
      config = null
      cancelSoon?.()
      timer.set(null)
    },
  }
}

function dueEntry(incident: Incident, step: number, to: readonly string[], more: Draft['data']): Draft {
  const [svc] = incident.services
  const data = { incident: incident.id, step, to, ...more }
  return { kind: 'escalation.due', inc: incident.id, ...(svc === undefined ? {} : { svc }), data }
}
