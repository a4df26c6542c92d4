import type { ServiceStatus } from '../api/control.ts'
import type { Clock } from '../clock.ts'
import { actorOf, type Draft } from '../entry.ts'
import type { Incident } from './fold.ts'

export interface ResolveTools {
  readonly supervisor: {
    statuses(): readonly ServiceStatus[]
    service(name: string): { resolve(by: string): void }
  }
  /** Resolves when all that happened so far is durable. */
  readonly recorded: () => Promise<void>
  readonly append: (draft: Draft) => Promise<unknown>
  readonly clock: Clock
}

/** Ends an incident by hand: with the service it goes on in, else by an entry of its own. */
export function resolver(tools: ResolveTools): (incident: Incident, by: string) => Promise<void> {
  const { supervisor, clock } = tools
  return async (incident, by) => {
    const service = incident.services[0]
    const isCurrent = supervisor.statuses().some(({ name, incident: id }) => name === service && id === incident.id)
    if (isCurrent && service !== undefined) {
      supervisor.service(service).resolve(by)
      await tools.recorded()
      return
    }
    const downMs = Math.max(0, clock.wallMs() - Date.parse(incident.openedTs))
    await tools.append({
      kind: 'incident.resolved',
      inc: incident.id,
      actor: actorOf(by),
      data: { id: incident.id, downMs, how: 'by hand' },
    })
  }
}
