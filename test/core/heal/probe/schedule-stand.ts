import type { ProbeSpec, ServiceSpec } from '../../../../core/config/spec.ts'
import { type ProbeEvent, type Report, startProbes } from '../../../../core/heal/probe/schedule.ts'
import type { Verdict } from '../../../../core/heal/probe/verdict.ts'
import { fakeClock } from '../../../fakes/clock.ts'

export const SPEC: ProbeSpec = {
  check: { kind: 'tcp', host: '127.0.0.1', port: 1 },
  everyMs: 1000,
  timeoutMs: 200,
  failures: 3,
  successes: 1,
  startupMs: 10_000,
}
export const LIVENESS: ProbeSpec = { ...SPEC, check: { kind: 'tcp', host: 'live', port: 1 } }
export const READINESS: ProbeSpec = { ...SPEC, check: { kind: 'tcp', host: 'ready', port: 1 } }

export type Answer = 'pass' | 'fail' | 'inconclusive' | 'silent' | 'never' | 'throw'

export interface Asked {
  readonly host: string
  readonly atMs: number
}

/** Probes against a service whose answers a test chooses, on a clock that it moves. */
export function stand(probes: ServiceSpec['probes'], answer: (host: string, nowMs: number) => Answer, phase = 0.25) {
  const clock = fakeClock(0)
  const asked: Asked[] = []
  const reports: (Report & { atMs: number })[] = []
  const events: [ProbeEvent, number][] = []
  let inFlight = 0
  const most: Record<string, number> = {}
  const running: Record<string, number> = {}
  const aborted: string[] = []
  const started = startProbes(probes, {
    clock,
    phase,
    async run(check, timeoutMs, signal): Promise<Verdict> {
      const host = check.kind === 'tcp' ? check.host : ''
      signal.addEventListener('abort', () => aborted.push(host))
      asked.push({ host, atMs: clock.monoMs() })
      running[host] = (running[host] ?? 0) + 1
      most[host] = Math.max(most[host] ?? 0, running[host])
      inFlight += 1
      try {
        const how = answer(host, clock.monoMs())
        if (how === 'throw') throw new Error('the check is broken')
        if (how === 'never') await new Promise(() => {})
        if (how === 'silent') await clock.sleep(timeoutMs)
        const verdict = how === 'silent' ? 'fail' : how === 'never' ? 'inconclusive' : how
        return { verdict, error: verdict === 'pass' ? null : how, tookMs: 0 }
      } finally {
        inFlight -= 1
        running[host] = (running[host] ?? 1) - 1
      }
    },
    onVerdict(report) {
      reports.push({ ...report, atMs: clock.monoMs() })
      if (report.event !== null) events.push([report.event, clock.monoMs()])
    },
  })
  return { clock, asked, reports, events, most, aborted, probes: started, inFlight: () => inFlight }
}
