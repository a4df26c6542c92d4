import { parseDuration } from '../config/duration.ts'
import { KINDS } from '../entry.ts'
import { Fault } from '../fault.ts'
import type { Filter } from '../ledger/list.ts'
import { parseReceipt } from '../ledger/receipt.ts'
import type { Values } from './command.ts'
import { nearest } from './suggest.ts'

/**
 * The filter that flags and words describe: `--kind service.exited --svc api --since 2h oom`. Words have to be in the
 * entry, in any case of letters. Throws a Fault (`usage.…`) that says what to write.
 */
export function filterOf(values: Values, words: readonly string[], nowMs: number): Filter {
  const { kind, svc, service, inc, incident, actor, since, until, from, to, seq, text } = values
  const kinds = kindsOf([kind].flat().filter(each => typeof each === 'string'))
  const range = typeof seq === 'string' ? rangeOf(seq) : {}
  return {
    ...(kinds.length === 0 ? {} : { kinds }),
    ...optional('svc', textOf(svc ?? service)),
    ...optional('inc', textOf(inc ?? incident)),
    ...optional('actor', textOf(actor)),
    ...optional('sinceMs', timeOf('since', textOf(since), nowMs)),
    ...optional('untilMs', timeOf('until', textOf(until), nowMs)),
    ...optional('fromSeq', numberOf('from', textOf(from))),
    ...optional('toSeq', numberOf('to', textOf(to))),
    ...range,
    ...optional('text', [textOf(text), ...words].filter(Boolean).join(' ') || undefined),
  }
}

/** Kinds, and families of them, each known: a mistyped one would silently find nothing. */
function kindsOf(given: readonly string[]): string[] {
  const kinds = given.flatMap(each => each.split(',')).filter(Boolean)
  const all = Object.keys(KINDS)
  const families = [...new Set(all.flatMap(kind => kind.match(/^.*(?=\.)/) ?? []))]
  const known = new Set([...all, ...families])
  const unknown = kinds.find(kind => !known.has(kind))
  if (unknown === undefined) return kinds
  const tail = all.find(kind => kind.split('.').at(-1) === unknown.toLowerCase())
  const near = nearest(unknown, known) ?? tail
  throw new Fault('usage.kind', `--kind ${unknown}: heald writes no entries of that kind`, {
    hint:
      near === undefined
        ? `The families are ${families.join(', ')}; "heald ledger list" shows whole kinds.`
        : `Did you mean --kind ${near}? A word alone looks everywhere: heald ledger list ${unknown}`,
  })
}

/** A seq as people write it: `41`, `#41`, or a receipt. */
export function seqFrom(text: string): number {
  const receipt = parseReceipt(text)
  if (receipt !== null) return receipt.seq
  const found = /^#?(\d{1,15})$/.exec(text.trim())
  if (found === null)
    throw new Fault('usage.seq', `"${text}" is not the number of an entry`, {
      hint: 'write it like 41 or #41; "heald ledger list" shows them',
    })
  return Number(found[1])
}

export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^#?\d{1,15}$/.test(text)) return Number(text.replace('#', ''))
  throw new Fault('usage.number', `--${flag} ${text}: that is not a whole number`, {
    hint: `write it like --${flag} 100`,
  })
}

export function textOf(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function rangeOf(text: string): Pick<Filter, 'fromSeq' | 'toSeq'> {
  const found = /^#?(\d{0,15})(?:\.\.#?(\d{0,15}))?$/.exec(text)
  const [, first = '', last] = found ?? []
  if (found === null || (first === '' && !last))
    throw new Fault('usage.seq', `--seq ${text}: that is not a range of entries`, {
      hint: 'write --seq 100..200, --seq 100.. or --seq 100',
    })
  const fromSeq = first === '' ? 0 : Number(first)
  if (last === '') return { fromSeq }
  return { fromSeq, toSeq: last === undefined ? fromSeq : Number(last) }
}

/** `2h` ago, or a date and time in ISO 8601. */
function timeOf(flag: string, text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined
  const span = parseDuration(text)
  if ('value' in span) return nowMs - span.value
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(atMs)) return atMs
  throw new Fault('usage.time', `--${flag} ${text}: that is neither a span nor a time`, {
    hint: `write --${flag} 2h, --${flag} 2026-08-21 or --${flag} 2026-08-21T11:00:00Z`,
  })
}

function optional<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [key in K]?: V })
}
