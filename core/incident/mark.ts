import { actorOf, type Draft } from '../entry.ts'
import { Fault } from '../fault.ts'
import { findIncident, type Incident, type Incidents } from './fold.ts'

/** An incident after a person's mark. */
export interface Marked extends Incident {
  /** It had been acknowledged before, by `ackedBy` at `ackedTs`: nothing was recorded. */
  readonly already?: true
}

export interface MarkOptions {
  readonly incidents: Incidents
  /** Resolves when the entry is durable and folded into `incidents`. */
  readonly append: (draft: Draft) => Promise<unknown>
  /** Records that an incident is resolved by hand; resolves as `append`. */
  readonly resolve: (incident: Incident, by: string) => Promise<void>
}

/**
 * What people say of incidents: seen, over. A second acknowledgement changes nothing. A Fault (`incident.unknown`,
 * `incident.resolved`) when there is nothing to say it of.
 */
export function marker({
  incidents,
  append,
  resolve,
}: MarkOptions): (verb: 'ack' | 'resolve', id: string, by: string) => Promise<Marked> {
  // One after another, so that of two at the same moment the second one sees what the first one did.
  let last: Promise<unknown> = Promise.resolve()

  async function mark(verb: 'ack' | 'resolve', id: string, by: string): Promise<Marked> {
    const incident = findIncident(incidents, id)
    if (incident === undefined) throw unknownIncident(id)
    if (incident.state === 'resolved')
      throw new Fault('incident.resolved', `${id} is resolved already`, { hint: `heald incident ${id} tells how` })
    if (verb === 'ack' && incident.state === 'acked') return { ...incident, already: true }
    const svc = incident.services[0]
    if (verb === 'ack')
      await append({
        kind: 'incident.acked',
        inc: id,
        actor: actorOf(by),
        data: { id, by },
        ...(svc === undefined ? {} : { svc }),
      })
    else await resolve(incident, by)
    const marked = findIncident(incidents, id)
    if (marked === undefined || marked.state === 'open')
      throw new Fault('ledger.degraded', `${verb} of ${id} could not be recorded`, { retry: 5000 })
    return marked
  }

  return (verb, id, by) => {
    const mine = last.then(() => mark(verb, id, by))
    last = mine.catch(() => {})
    return mine
  }
}

/** The id comes from outside, so no more of it is repeated than fits a line. */
export function unknownIncident(id: string): Fault {
  return new Fault('incident.unknown', `there is no incident ${JSON.stringify(id.slice(0, 100))}`, {
    hint: '"heald incidents" lists them',
  })
}
