/**
 * Incidents as a fold over the ledger.
 *
 * Life of an incident
 * 1. `incident.opened` begins it; its id is `<svc>-<seq of the entry that began it>`. Should that entry be another one
 *    (the exit itself, or `incident.opened` was lost with a failing disk), the number in the id shows it.
 * 2. Every later entry that carries `inc` belongs to its timeline; `service.restarting` counts as an attempt. That news of
 *    it reached a chat (`channel.delivered`) is no part of it: there may be any number of those.
 * 3. `incident.escalated` may raise the severity and sharpen the cause; `incident.acked` says that a person has seen it.
 * 4. `incident.resolved` ends it, by recovery or by hand. What arrives later changes nothing, but for the end of the
 *    rollback that cured it: it is recorded last, and belongs to the timeline.
 *
 * The fold does no input or output and never throws: a ledger may hold entries of newer versions or damaged ones. It
 * is bounded: all open incidents, the last 1,000 resolved ones, at most 500 seqs each.
 */
/** The mildest first. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const
export type Severity = (typeof SEVERITIES)[number]

/** One trouble from its first sign to its end, folded from the ledger's entries. JSON keys as promised to users. */
export interface Incident {
  readonly id: string
  readonly severity: Severity
  readonly state: 'open' | 'acked' | 'resolved'
  readonly services: readonly string[]
  /** In words: "agent was killed by SIGKILL". */
  readonly cause: string
  readonly openedTs: string
  readonly resolvedTs: string | null
  readonly downMs: number | null
  /** Restarts tried. */
  readonly attempts: number
  /** Seqs of its entries, oldest first; of a long one the first 100 and the last 400. */
  readonly entries: readonly number[]
  /** How many entries it has in the ledger, kept here or not. */
  readonly entryCount: number
  /** Who acknowledged it. */
  readonly ackedBy: string | null
  readonly ackedTs: string | null
  /** How it ended, in words. */
  readonly how: string | null
}

/** What the fold reads of an entry. Everything is checked: the rest of the line may be anything. */
export interface FoldEntry {
  readonly seq: number
  readonly ts: string
  readonly kind: string
  readonly svc?: string
  readonly inc?: string
  readonly actor?: string
  readonly data: object
}

/** The folded state. Read it with `allIncidents`, `openIncidents` and `findIncident`; only `applyEntry` changes it. */
export interface Incidents {
  /** By id, in the order of opening. */
  readonly byId: Map<string, Incident>
  /** Ids of resolved ones, in the order of their end. */
  readonly resolved: string[]
}

export const KEPT_RESOLVED = 1000
export const KEPT_SEQS = 500
const KEPT_FIRST_SEQS = 100
const KEPT_SERVICES = 100
const LONGEST_ID = 200

export function emptyIncidents(): Incidents {
  return { byId: new Map(), resolved: [] }
}

/** Takes one entry into `state`, in place: a million entries are folded at a start. Entries come in order of seq. */
export function applyEntry(state: Incidents, entry: FoldEntry): void {
  if (entry?.kind === 'channel.delivered') return
  const data = fieldsOf(entry?.data)
  const id = idOf(entry?.inc) ?? idOf(data.id)
  if (id === undefined || !isSeq(entry.seq)) return
  const known = state.byId.get(id)
  const next = followIncident(known, id, entry)
  if (next === null || next === known) return
  state.byId.set(id, next)
  if (next.state === 'resolved' && known?.state !== 'resolved') forgetOld(state, id)
}

/** The incident of this id after one more of its entries; null: it has not begun, and this entry does not begin it. */
export function followIncident(known: Incident | undefined, id: string, entry: FoldEntry): Incident | null {
  const data = fieldsOf(entry.data)
  if (known === undefined) return begins(id, entry) ? opened(id, entry, data) : null
  if (known.state !== 'resolved') return step(known, entry, data)
  return AFTERWARDS.has(entry.kind) ? withEntry(known, entry) : known
}

/** Newest first. */
export function allIncidents(state: Incidents): Incident[] {
  return [...state.byId.values()].reverse()
}

/** Not resolved, newest first. */
export function openIncidents(state: Incidents): Incident[] {
  return allIncidents(state).filter(incident => incident.state !== 'resolved')
}

export function findIncident(state: Incidents, id: string): Incident | undefined {
  return state.byId.get(id)
}

const RANK = { info: 0, warning: 1, critical: 2 } as const satisfies Record<Severity, number>

/** The highest severity among open incidents; null when there is none. */
export function worstOpen(state: Incidents): Severity | null {
  let worst: Severity | null = null
  for (const { state: its, severity } of state.byId.values()) {
    if (its !== 'resolved' && (worst === null || RANK[severity] > RANK[worst])) worst = severity
  }
  return worst
}

function begins(id: string, entry: FoldEntry): boolean {
  return entry.kind === 'incident.opened' || (id.endsWith(`-${entry.seq}`) && entry.kind !== 'incident.resolved')
}

function opened(id: string, entry: FoldEntry, data: Fields): Incident {
  const first: Incident = {
    id,
    severity: 'warning',
    state: 'open',
    services: typeof entry.svc === 'string' ? [entry.svc] : [],
    cause: textOf(data.diagnosis) ?? 'not known',
    openedTs: textOf(entry.ts) ?? EPOCH,
    resolvedTs: null,
    downMs: null,
    attempts: 0,
    entries: [],
    entryCount: 0,
    ackedBy: null,
    ackedTs: null,
    how: null,
  }
  return step(first, entry, data)
}

function step(incident: Incident, entry: FoldEntry, data: Fields): Incident {
  const next = withEntry(incident, entry)
  switch (entry.kind) {
    case 'incident.opened': {
      const services = texts(data.services)
      return {
        ...next,
        severity: severityOf(data.severity) ?? incident.severity,
        cause: textOf(data.cause) ?? incident.cause,
        services: services.length === 0 ? incident.services : services,
      }
    }
    case 'service.restarting':
      return { ...next, attempts: incident.attempts + 1 }
    case 'incident.escalated': {
      const severity = severityOf(data.severity) ?? incident.severity
      const raised = RANK[severity] > RANK[incident.severity] ? severity : incident.severity
      return { ...next, severity: raised, cause: textOf(data.cause) ?? incident.cause }
    }
    case 'incident.acked':
      return {
        ...next,
        state: 'acked',
        ackedBy: textOf(data.by) ?? textOf(entry.actor) ?? 'somebody',
        ackedTs: textOf(entry.ts) ?? EPOCH,
      }
    case 'incident.resolved': {
      const how = textOf(data.how) ?? null
      return { ...next, state: 'resolved', resolvedTs: textOf(entry.ts) ?? EPOCH, downMs: msOf(data.downMs), how }
    }
    default:
      return next
  }
}

const AFTERWARDS: ReadonlySet<string> = new Set(['rollback.verified', 'generation.quarantined'])

function withEntry(incident: Incident, { seq }: FoldEntry): Incident {
  return { ...incident, entries: withSeq(incident.entries, seq), entryCount: incident.entryCount + 1 }
}

function withSeq(entries: readonly number[], seq: number): readonly number[] {
  if (entries.length < KEPT_SEQS) return [...entries, seq]
  return [...entries.slice(0, KEPT_FIRST_SEQS), ...entries.slice(KEPT_FIRST_SEQS + 1), seq]
}

function forgetOld(state: Incidents, resolvedId: string): void {
  state.resolved.push(resolvedId)
  if (state.resolved.length <= KEPT_RESOLVED) return
  const oldest = state.resolved.shift()
  if (oldest !== undefined) state.byId.delete(oldest)
}

type Fields = { readonly [key: string]: unknown }
const EPOCH = '1970-01-01T00:00:00.000Z'

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_ID ? value : undefined
}

function isSeq(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function texts(value: unknown): string[] {
  if (!Array.isArray(value)) return []
  return value.filter(item => typeof item === 'string').slice(0, KEPT_SERVICES)
}

function msOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? Math.abs(value) : null
}

function severityOf(value: unknown): Severity | undefined {
  return value === 'info' || value === 'warning' || value === 'critical' ? value : undefined
}
