import type { Entry } from '../entry.ts'
import { holds, phrasesOf, valuesOf, wordsOf } from './words.ts'

/** Which entries are wanted. What is left out does not matter. */
export interface Filter {
  /** Kinds, or families of them (`service` for all of `service.…`); one of them has to fit. */
  readonly kinds?: readonly string[]
  readonly svc?: string
  readonly inc?: string
  readonly actor?: string
  /** Of entries that name one, as those of incidents do. */
  readonly severity?: string
  /** Wall clock, ms, inclusive. */
  readonly sinceMs?: number
  readonly untilMs?: number
  /** Seqs, inclusive. */
  readonly fromSeq?: number
  readonly toSeq?: number
  /** Whole words, `"several in a row"`, `begin*`; each has to be in the kind, svc, inc, actor or a value of `data`. */
  readonly text?: string
}

/** Whether an entry is wanted; `fromSeq` and `toSeq` are the caller's. */
export function matcher(filter: Filter): (entry: Entry) => boolean {
  const { kinds, svc, inc, actor, severity } = filter
  const { sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = filter
  const phrases = phrasesOf(filter.text ?? '')
  return entry => {
    const atMs = Date.parse(entry.ts)
    if (atMs < sinceMs || atMs > untilMs) return false
    if (kinds?.length && !familiesOf(entry.kind).some(each => kinds.includes(each))) return false
    if ((svc !== undefined && entry.svc !== svc) || (inc !== undefined && entry.inc !== inc)) return false
    if (actor !== undefined && entry.actor !== actor) return false
    if (severity !== undefined && entry.data.severity !== severity) return false
    if (phrases.length === 0) return true
    const values = valuesOf(entry).map(wordsOf)
    return phrases.every(phrase => holds(values, phrase))
  }
}

/** `a.b.c`, `a.b`, `a`. */
export function familiesOf(kind: string): string[] {
  const parts = kind.split('.')
  return parts.map((_, at) => parts.slice(0, parts.length - at).join('.'))
}
