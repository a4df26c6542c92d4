import { round } from '../clock.ts'
import { type Draft, type IncidentRef, incidentId } from '../entry.ts'
import type { Severity } from '../incident/fold.ts'

/** An incident that was open when an earlier daemon ended. */
export interface OpenBefore {
  readonly id: string
  readonly severity: Severity
  readonly cause: string
  readonly openedTs: string
  readonly attempts: number
}

/**
 * The trouble a service is in: its incident, and how long it has been down. Opened by the first failure. Resolved by
 * the recovery when that was the first failure in a while, else only once the service has been stable: a service that
 * falls again and again is one incident, not a hundred. There is only one at a time.
 */
export interface Outage {
  /** What entries of this trouble carry as `inc`; undefined when all is well. */
  inc(): { inc: string | IncidentRef } | Record<string, never>
  id(): string | null
  /** Restarts tried in it by earlier daemons. */
  attemptsBefore(): number
  /**
   * Incidents of earlier daemons, oldest first, in which it was down until `wallMs`. The oldest goes on, with its age
   * and its acknowledgement; the others, and the one of this outage, join it.
   */
  join(earlier: readonly OpenBefore[], wallMs: number): void
  /** Trouble: opens an incident if none is open. `cause` in words. */
  open(severity: Severity, cause: string): void
  /** It got worse. */
  escalate(cause: string, step: string): void
  /** It went down at `monoMs` (kept when it is down already). */
  down(monoMs: number): void
  /** It is up again: milliseconds since it went down, or null when it wasn't. */
  up(monoMs: number): number | null
  /** Milliseconds it was down since the incident began, without a stretch that still lasts. */
  totalMs(): number
  /** Ends the incident, if one is open. */
  resolve(how: string, actor?: string): void
}

export function newOutage(service: string, record: (draft: Draft) => void): Outage {
  let ref: string | IncidentRef | null = null
  let severity: Severity = 'info'
  let lastCause = ''
  let attemptsBefore = 0
  let downSinceMs: number | null = null
  let downTotalMs = 0
  const inc = () => (ref === null ? {} : { inc: ref })

  function escalate(cause: string, step: string): void {
    lastCause = cause
    if (ref === null || severity === 'critical') return
    severity = 'critical'
    record({ kind: 'incident.escalated', svc: service, ...inc(), data: { severity, cause, step } })
  }

  function resolved(inc: string | IncidentRef, downMs: number, how: string, actor?: string): void {
    const by = actor === undefined ? {} : { actor }
    record({ kind: 'incident.resolved', svc: service, inc, ...by, data: { downMs, how } })
  }

  return {
    inc,
    id: () => (ref === null ? null : incidentId(ref)),
    attemptsBefore: () => attemptsBefore,
    join(earlier, wallMs) {
      const [first, ...more] = earlier
      if (first === undefined) return
      // Of an earlier daemon's outage only the wall clock knows.
      const downMs = ({ openedTs }: OpenBefore) => Math.max(0, wallMs - Date.parse(openedTs))
      const how = `goes on as ${first.id}`
      for (const each of more) resolved(each.id, downMs(each), how)
      if (ref !== null) resolved(ref, downTotalMs, how)
      const worst = [{ severity, cause: lastCause }, ...more].find(each => each.severity === 'critical')
      ref = first.id
      severity = first.severity
      attemptsBefore = earlier.reduce((sum, { attempts }) => sum + attempts, 0)
      downTotalMs = round(downTotalMs + downMs(first))
      if (worst !== undefined) escalate(worst.cause, 'a later incident joined it')
    },
    open(wanted, cause) {
      if (ref !== null) return
      severity = wanted
      lastCause = cause
      ref = { svc: service }
      record({
        kind: 'incident.opened',
        svc: service,
        inc: ref,
        opens: true,
        data: { severity, cause, services: [service] },
      })
    },
    escalate,
    down(monoMs) {
      downSinceMs ??= monoMs
    },
    up(monoMs) {
      if (downSinceMs === null) return null
      // What fell and was started again by somebody else may be told of late, with the earlier time of its start.
      const downMs = round(Math.max(0, monoMs - downSinceMs))
      downTotalMs = round(downTotalMs + downMs)
      downSinceMs = null
      return downMs
    },
    totalMs: () => downTotalMs,
    resolve(how, actor) {
      if (ref === null) return
      resolved(ref, downTotalMs, how, actor)
      ref = null
      downTotalMs = 0
      attemptsBefore = 0
      severity = 'info'
    },
  }
}
