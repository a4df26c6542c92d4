import type { ServiceState } from '../api/control.ts'
import { type Clock, round } from '../clock.ts'
import type { Service } from './service.ts'

/** What a service came to by an order. */
export interface Acted {
  readonly state: ServiceState
  readonly pid: number | null
  readonly tookMs: number
}

/** Starts, stops and restarts services for people. `recorded` resolves when all that happened so far is durable. */
export function orderedOn(
  supervisor: { service(name: string): Pick<Service, 'start' | 'stop' | 'restart' | 'status'> },
  { clock, recorded }: { readonly clock: Clock; readonly recorded: () => Promise<void> },
): (verb: 'start' | 'stop' | 'restart', name: string, by: string) => Promise<Acted> {
  return async (verb, name, by) => {
    const service = supervisor.service(name)
    const fromMs = clock.monoMs()
    await service[verb](by)
    await recorded()
    const { state, pid } = service.status()
    return { state, pid, tookMs: round(clock.monoMs() - fromMs) }
  }
}
