import type { ServiceStatus } from '../api/control.ts'
import type { Facts } from './facts.ts'
import { SHOWN } from './state.ts'

const NO_CHECK = { verdict: 'none', error: null } as const

/** What people are shown of a service. `isStale`: what runs was started as something else than is described now. */
export function statusOf(facts: Facts, incident: string | null, isStale: boolean): ServiceStatus {
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
    why: why ?? (isStale ? 'restart pending: its configuration changed' : null),
  }
}
