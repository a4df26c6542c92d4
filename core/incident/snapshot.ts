import { emptyIncidents, type Incident, type Incidents, KEPT_SEQS, SEVERITIES } from './fold.ts'

/** The folded incidents as plain JSON, for the state snapshot that bounds a start. */
export interface IncidentsJson {
  readonly v: 1
  /** In the order of opening. */
  readonly incidents: readonly Incident[]
  /** Ids of resolved ones in the order of their end. */
  readonly resolved: readonly string[]
}

export function incidentsToJson(state: Incidents): IncidentsJson {
  return { v: 1, incidents: [...state.byId.values()], resolved: [...state.resolved] }
}

/** Null when `json` does not have the shape of a snapshot: the caller then folds the ledger from its beginning. */
export function incidentsFromJson(json: unknown): Incidents | null {
  if (!isRecord(json) || json.v !== 1) return null
  const { incidents, resolved } = json
  if (!Array.isArray(incidents) || !Array.isArray(resolved)) return null
  const state = emptyIncidents()
  for (const incident of incidents) {
    if (!isIncident(incident)) return null
    // A snapshot of an older version does not say when.
    state.byId.set(incident.id, { ...incident, ackedTs: incident.ackedTs ?? null })
  }
  for (const id of resolved) {
    if (typeof id !== 'string' || state.byId.get(id)?.state !== 'resolved') return null
    state.resolved.push(id)
  }
  return state
}

function isRecord(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isIncident(value: unknown): value is Incident {
  if (!isRecord(value)) return false
  const { id, severity, state, services, cause, openedTs, resolvedTs, downMs, attempts, entries, entryCount } = value
  return (
    [id, cause, openedTs].every(text => typeof text === 'string') &&
    [resolvedTs, value.ackedBy, value.ackedTs ?? null, value.how].every(
      text => text === null || typeof text === 'string',
    ) &&
    [attempts, entryCount].every(count => Number.isSafeInteger(count)) &&
    (downMs === null || typeof downMs === 'number') &&
    SEVERITIES.some(each => each === severity) &&
    ['open', 'acked', 'resolved'].includes(state as string) &&
    Array.isArray(services) &&
    services.every(name => typeof name === 'string') &&
    Array.isArray(entries) &&
    entries.length <= KEPT_SEQS + 1 &&
    entries.every(seq => Number.isSafeInteger(seq))
  )
}
