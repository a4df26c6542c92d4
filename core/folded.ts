import type { Data, Entry } from './entry.ts'
import { type Memory, remember } from './heal/memory.ts'
import { applyEntry, emptyIncidents, type Incidents } from './incident/fold.ts'
import { incidentsFromJson, incidentsToJson } from './incident/snapshot.ts'

/** All that a daemon has to know of the past, folded from the ledger; `state.json` holds it at each rotation. */
export interface Folded {
  readonly incidents: Incidents
  readonly memory: Memory
  /** The next seq to fold. */
  nextSeq: number
}

export function emptyFolded(): Folded {
  return { incidents: emptyIncidents(), memory: {}, nextSeq: 0 }
}

/** Takes one entry in, in place. Entries that were folded already change nothing. */
export function fold(folded: Folded, entry: Entry): void {
  if (entry.seq < folded.nextSeq) return
  applyEntry(folded.incidents, entry)
  remember(folded.memory, entry)
  folded.nextSeq = entry.seq + 1
}

export function foldedToJson(folded: Folded): Data {
  // The snapshot is JSON by construction; the round trip drops what JSON has no word for.
  return JSON.parse(
    JSON.stringify({ incidents: incidentsToJson(folded.incidents), memory: folded.memory, nextSeq: folded.nextSeq }),
  )
}

/** Null when `json` is not such a snapshot: the ledger is then folded from its beginning. */
export function foldedFromJson(json: unknown): Folded | null {
  if (typeof json !== 'object' || json === null) return null
  const { incidents, memory, nextSeq } = json as { incidents?: unknown; memory?: unknown; nextSeq?: unknown }
  const restored = incidentsFromJson(incidents)
  if (restored === null || typeof memory !== 'object' || memory === null || typeof nextSeq !== 'number') return null
  return { incidents: restored, memory: { ...memory } as Memory, nextSeq }
}
