import { type Draft, type IncidentRef, incidentId } from '../entry.ts'
import type { Severity } from '../incident/fold.ts'

/** An incident that was open when an earlier daemon ended. */
export interface OpenBefore {
  readonly id: string
  readonly severity: Severity
  readonly openedTs: string
  readonly attempts: number
}

/**
 * The trouble a service is in: its incident, and how long it has been down. Opened by the first failure. Resolved by
 * the recovery when that was the first failure in a while, else only once the service has been stable: a service that
 * falls again and again is one incident, not a hundred.
 */
export interface Outage {
  /** What entries of this trouble carry as `inc`; undefined when all is well. */
  inc(): { inc: string | IncidentRef } | Record<string, never>
  id(): string | null
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

export function newOutage(
  service: string,
  record: (draft: Draft) => void,
  before: OpenBefore | null,
  nowWallMs: () => number,
): Outage {
  let ref: string | IncidentRef | null = before?.id ?? null
  let severity: Severity = before?.severity ?? 'info'
  let downSinceMs: number | null = null
  // Of an earlier daemon's outage only the wall clock knows.
  let downTotalMs = before === null ? 0 : Math.max(0, nowWallMs() - Date.parse(before.openedTs))
  const inc = () => (ref === null ? {} : { inc: ref })

  return {
    inc,
    id: () => (ref === null ? null : incidentId(ref)),
    open(wanted, cause) {
      if (ref !== null) return
      severity = wanted
      ref = { svc: service }
      record({
        kind: 'incident.opened',
        svc: service,
        inc: ref,
        opens: true,
        data: { severity, cause, services: [service] },
      })
    },
    escalate(cause, step) {
      if (ref === null || severity === 'critical') return
      severity = 'critical'
      record({ kind: 'incident.escalated', svc: service, ...inc(), data: { severity, cause, step } })
    },
    down(monoMs) {
      downSinceMs ??= monoMs
    },
    up(monoMs) {
      if (downSinceMs === null) return null
      const downMs = round(monoMs - downSinceMs)
      downTotalMs = round(downTotalMs + downMs)
      downSinceMs = null
      return downMs
    },
    totalMs: () => downTotalMs,
    resolve(how, actor) {
      if (ref === null) return
      record({
        kind: 'incident.resolved',
        svc: service,
        ...inc(),
        ...(actor === undefined ? {} : { actor }),
        data: { downMs: downTotalMs, how },
      })
      ref = null
      downTotalMs = 0
      severity = 'info'
    },
  }
}

/** Milliseconds to the microsecond: more digits say nothing. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
