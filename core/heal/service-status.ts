import type { ServiceStatus } from '../api/control.ts'
import type { Facts } from './facts.ts'
import type { Seat } from './host.ts'
import { SHOWN } from './state.ts'

const NO_CHECK = { verdict: 'none', error: null } as const

/** What people are shown of a service. */
export function statusOf(facts: Facts, incident: string | null, seat: Seat): ServiceStatus {
  const { name, phase, pid, sinceMs, restarts, attempt, report, why, spec, ran } = facts
  return {
    name,
    ...(spec.unit === undefined ? { kind: 'process' } : { kind: 'unit', unit: spec.unit }),
    state: SHOWN[phase],
    pid,
    sinceTs: new Date(sinceMs).toISOString(),
    restarts,
    attempt,
    generation: ran?.generation ?? null,
    target: spec.target ?? null,
    check:
      pid === null ? NO_CHECK : { verdict: report?.verdict?.verdict ?? 'none', error: report?.verdict?.error ?? null },
    incident,
    why: why ?? waits(facts, seat) ?? (seat.runs(spec) ? null : 'restart pending: its configuration changed'),
  }
}

function waits({ pid }: Facts, seat: Seat): string | null {
  const what = pid === null ? (seat.waitsFor?.() ?? null) : null
  return what === null ? null : `waits for ${what}`
}
