import type { ProbeSpec, SwitchSpec, TargetSpec } from '../../../core/config/spec.ts'

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS

export function targetSpec(more: Partial<TargetSpec> = {}): TargetSpec {
  return {
    ...{ name: 'app', kind: 'releases', path: '/srv/app', running: '', activate: [], activationDeadlineMs: 60_000 },
    ...{ blameWindowMs: DAY_MS, irreversible: false, keepGood: 3, checks: [] },
    ...more,
  }
}

export function switchSpec(more: Partial<SwitchSpec> = {}): SwitchSpec {
  return { probationMs: 10_000, passes: 3, deadManMs: 130_000, budget: { perHour: 2, perDay: 4 }, ...more }
}

export function probeSpec(more: Partial<ProbeSpec> = {}): ProbeSpec {
  return {
    check: { kind: 'tcp', host: '127.0.0.1', port: 1 },
    ...{ everyMs: 1000, timeoutMs: 500, failures: 3, successes: 1, startupMs: 30_000 },
    ...more,
  }
}
