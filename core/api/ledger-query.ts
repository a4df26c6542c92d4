import { Fault } from '../fault.ts'
import type { Filter } from '../ledger/filter.ts'

/** What is looked for in the ledger, as it stands in a path: `?kind=service&svc=api&since=1700000000000&limit=50`. */
export interface LedgerQuery {
  readonly filter: Filter
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string
}

/** Lines as they stand in the ledger, newest first, and what else a page says. */
export interface LinesFound {
  readonly lines: readonly string[]
  readonly next: string | null
  readonly bad: readonly { readonly seq: number; readonly why: string }[]
}

const TEXTS = ['svc', 'inc', 'actor', 'severity', 'text'] as const
const NUMBERS = { since: 'sinceMs', until: 'untilMs', from: 'fromSeq', to: 'toSeq' } as const
const NAMES = ['kind', ...TEXTS, ...Object.keys(NUMBERS), 'limit', 'cursor']
const LIMIT = 50

export function queryToText({ filter, limit, cursor }: LedgerQuery): string {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) })
  for (const kind of filter.kinds ?? []) query.append('kind', kind)
  for (const name of TEXTS) if (filter[name] !== undefined) query.set(name, filter[name])
  for (const [name, key] of Object.entries(NUMBERS)) if (filter[key] !== undefined) query.set(name, String(filter[key]))
  return query.toString()
}

/** A Fault (`request.query`) for what is not understood: passed over, it would find too much. */
export function queryFrom(query: URLSearchParams): LedgerQuery {
  const unknown = [...query.keys()].find(name => !NAMES.includes(name))
  if (unknown !== undefined)
    throw new Fault('request.query', `${JSON.stringify(unknown.slice(0, 100))} is not known here`, {
      hint: `known: ${NAMES.join(', ')}`,
    })
  const filter: { -readonly [key in keyof Filter]: Filter[key] } = {}
  if (query.has('kind')) filter.kinds = query.getAll('kind')
  for (const name of TEXTS) {
    const text = query.get(name)
    if (text !== null) filter[name] = text
  }
  for (const [name, key] of Object.entries(NUMBERS)) {
    const value = query.get(name)
    if (value !== null) filter[key] = numberIn(name, value)
  }
  const [limit, cursor] = [query.get('limit'), query.get('cursor')]
  return {
    filter,
    limit: limit === null ? LIMIT : Math.max(1, numberIn('limit', limit)),
    ...(cursor === null ? {} : { cursor: String(numberIn('cursor', cursor)) }),
  }
}

function numberIn(name: string, text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Fault('request.query', `"${name}" has to be a whole number`)
}
