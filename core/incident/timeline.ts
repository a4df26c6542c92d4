import type { Entry } from '../entry.ts'
import { spanOf } from './measure.ts'
import { entryInWords } from './words.ts'

/** One step of an incident, for people. The texts may hold anything a service wrote: clean them for where they go. */
export interface Step {
  readonly seq: number
  /** Time since the first entry: `+0 ms`, `+1.25 s`. */
  readonly offset: string
  readonly offsetMs: number
  readonly ts: string
  readonly kind: string
  readonly words: string
  /** The last lines that the service wrote, where they were kept. */
  readonly tail: string | null
  readonly h: string
}

/**
 * The entries of an incident, oldest first, each as one step.
 * @param tailOf the text kept aside for an entry, or null
 */
export function timeline(entries: readonly Entry[], tailOf: (entry: Entry) => string | null): Step[] {
  const first = entries[0]
  return entries.map(entry => ({
    seq: entry.seq,
    offset: first === undefined ? '' : `+${spanOf(offsetOf(first, entry))}`,
    offsetMs: first === undefined ? 0 : offsetOf(first, entry),
    ts: entry.ts,
    kind: entry.kind,
    words: entryInWords(entry),
    tail: tailOf(entry),
    h: entry.h,
  }))
}

/** By the monotonic clock, which nobody can set; across a reboot only the wall clock is left. */
function offsetOf(first: Entry, entry: Entry): number {
  const byMono = (entry.mono - first.mono) / 1000
  const byWall = Date.parse(entry.ts) - Date.parse(first.ts)
  return Math.max(0, first.boot === entry.boot ? byMono : byWall)
}
