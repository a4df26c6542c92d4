import type { ServiceSpec } from '../../core/config/spec.ts'
import type { Health, Patient } from '../../core/heal/patient.ts'
import type { Ran } from '../../core/heal/ran.ts'

/** A service that is as a test says. */
export interface FakePatient extends Patient {
  /** Changes how it is, and lets who heeds it look. */
  is(change: Partial<Health> & { readonly ran?: Ran | string | null }): void
  /** What was asked of it, in order. */
  readonly asked: string[]
  /** Called when it is started anew: how it is from then on; left out: ready, at once. */
  onRenew: () => Partial<Health>
  /** Which generation it is started with. */
  generation: string
  path: string | null
  /** Since when it is ready, monotonic. */
  readyMs: number
  incident: string | undefined
  /** How many heed it. */
  heeded(): number
}

export function serviceSpec(name: string, more: Partial<ServiceSpec> = {}): ServiceSpec {
  const probe = {
    check: { kind: 'tcp', host: '127.0.0.1', port: 1 },
    ...{ everyMs: 1000, timeoutMs: 500, failures: 3, successes: 1, startupMs: 30_000 },
  } as const
  return {
    ...{ name, run: ['sleep', '1000'], cwd: '/', env: {}, dependsOn: [], probes: { liveness: probe } },
    restart: { firstMs: 0, baseMs: 10, capMs: 100, resetAfterMs: 1000 },
    crashLoop: { failures: 3, withinMs: 60_000 },
    stop: { signal: 'SIGTERM', timeoutMs: 1000 },
    ...{ limits: {}, logs: { maxBytes: 1000, keep: 1 }, critical: false, target: 'app' },
    ...more,
  }
}

/** It is ready, with many passes, and runs `ran`: a name alone is what older versions noted. */
export function fakePatient(name: string, ran: Ran | string | null, more: Partial<ServiceSpec> = {}): FakePatient {
  const waiters = new Set<() => void>()
  const well: Health = {
    ...{ state: 'ready', passes: 1000, isInconclusive: false, why: '', isTroubled: false },
    ...{ failed: null, refusal: null, readySinceMs: 0 },
  }
  let health = well
  let runs = typeof ran === 'string' ? { generation: ran, path: null } : ran
  function renewed(word: string): void {
    patient.asked.push(word)
    if (health.state === 'stopped' || (health.state === 'down' && word.startsWith('renew'))) return
    runs = { generation: patient.generation, path: patient.path }
    patient.is({ ...well, ...patient.onRenew() })
  }
  const patient: FakePatient = {
    name,
    spec: () => serviceSpec(name, more),
    health: () => health,
    ran: () => runs,
    renew: how => renewed(`renew ${how ?? ''}`.trim()),
    revive: how => renewed(`revive ${how}`),
    heed(look) {
      waiters.add(look)
      return () => void waiters.delete(look)
    },
    doubt(sinceMs) {
      if (patient.readyMs >= sinceMs) runs = null
    },
    inc: () => (patient.incident === undefined ? {} : { inc: patient.incident }),
    escalate: (cause, step) => void patient.asked.push(`escalate ${step}: ${cause}`),
    is({ ran, ...change }) {
      health = { ...health, ...change }
      if (ran !== undefined) runs = typeof ran === 'string' ? { generation: ran, path: null } : ran
      for (const look of [...waiters]) look()
    },
    asked: [],
    onRenew: () => ({}),
    generation: runs?.generation ?? '',
    path: runs?.path ?? null,
    readyMs: 0,
    incident: undefined,
    heeded: () => waiters.size,
  }
  return patient
}
