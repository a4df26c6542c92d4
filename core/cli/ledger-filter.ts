import { parseDuration } from '../config/duration.ts'
import { KINDS } from '../entry.ts'
import { Fault } from '../fault.ts'
import { SEVERITIES } from '../incident/fold.ts'
import type { Filter } from '../ledger/filter.ts'
import { parseReceipt } from '../ledger/receipt.ts'
import { partsOf } from '../ledger/words.ts'
import type { Values } from './command.ts'
import { nearest } from './suggest.ts'

/** What can be asked for, by every name it goes by. */
const TERMS = {
  kind: 'kind',
  svc: 'svc',
  service: 'svc',
  inc: 'inc',
  incident: 'inc',
  actor: 'actor',
  severity: 'severity',
  since: 'since',
  until: 'until',
  from: 'from',
  to: 'to',
  seq: 'seq',
} as const
type Name = keyof typeof TERMS
type Term = readonly [name: Name, value: string]

/**
 * The filter that a text describes, in a chat as on the command line: `svc:api kind:exited since:2h "out of memory"`. What
 * is no such term has to be in the entry: whole words, in any case of letters; `begin*`, and `"several in a row"`. Throws a
 * Fault (`usage.…`) that says what to write.
 */
export function filterFrom(text: string, nowMs: number): Filter {
  return built([], text, nowMs)
}

/** The same from flags and words: `--svc api --since 2h oom`. A word with blanks in it was quoted, so it is a phrase. */
export function filterOf(values: Values, words: readonly string[], nowMs: number): Filter {
  const { text, ...others } = values
  const flags = Object.entries(others).flatMap(([name, value]) => {
    if (!Object.hasOwn(TERMS, name)) return []
    const given = [value].flat().filter(each => typeof each === 'string')
    return given.map((each): Term => [name as Name, each])
  })
  const said = [textOf(text) ?? '', ...words.map(word => (/\s/.test(word) && !word.includes('"') ? `"${word}"` : word))]
  return built(flags, said.join(' '), nowMs)
}

/** Flags go before what the text says of the same. */
function built(flags: readonly Term[], spoken: string, nowMs: number): Filter {
  const terms: Term[] = []
  const words: string[] = []
  for (const part of partsOf(spoken)) {
    const [, name = '', value = ''] = /^([a-z]+):(.+)$/i.exec(part) ?? []
    if (Object.hasOwn(TERMS, name.toLowerCase())) terms.push([name.toLowerCase() as Name, value])
    else words.push(mustBeText(part, name))
  }
  const filter: { -readonly [key in keyof Filter]: Filter[key] } = {}
  for (const [name, value] of [...terms, ...flags]) {
    const term = TERMS[name]
    if (term === 'kind') filter.kinds = [...(filter.kinds ?? []), ...kindsOf(value)]
    else if (term === 'severity') filter.severity = severityOf(value)
    else if (term === 'since') filter.sinceMs = timeOf(term, value, nowMs)
    else if (term === 'until') filter.untilMs = timeOf(term, value, nowMs)
    else if (term === 'from') filter.fromSeq = wholeNumber(term, value)
    else if (term === 'to') filter.toSeq = wholeNumber(term, value)
    else if (term === 'seq') Object.assign(filter, rangeOf(value))
    else filter[term] = value
  }
  return words.length === 0 ? filter : { ...filter, text: words.join(' ') }
}

/** `sevice:api` would silently find nothing. */
function mustBeText(part: string, name: string): string {
  const near = name.length < 3 ? undefined : nearest(name, Object.keys(TERMS))
  if (near === undefined) return part
  throw new Fault('usage.filter', `${part}: there is no filter "${name}"`, {
    hint: `Did you mean ${near}:${part.slice(name.length + 1)}? To look for the text itself, put it in quotes within quotes: '"${part}"'`,
  })
}

/** Kinds, families of them, and last parts of them (`exited`), each known: a mistyped one would silently find nothing. */
function kindsOf(given: string): string[] {
  const all = Object.keys(KINDS)
  const families = [...new Set(all.flatMap(kind => kind.match(/^.*(?=\.)/) ?? []))]
  const known = new Set([...all, ...families])
  return given
    .split(',')
    .filter(Boolean)
    .flatMap(kind => {
      if (known.has(kind)) return [kind]
      const tails = all.filter(each => each.split('.').at(-1) === kind.toLowerCase())
      if (tails.length > 0) return tails
      const near = nearest(kind, known)
      throw new Fault('usage.kind', `kind ${kind}: heald writes no entries of that kind`, {
        hint:
          near === undefined
            ? `The families are ${families.join(', ')}; "heald ledger list" shows whole kinds.`
            : `Did you mean kind ${near}? A word alone looks everywhere: heald ledger list ${kind}`,
      })
    })
}

function severityOf(text: string): string {
  if (SEVERITIES.some(each => each === text)) return text
  throw new Fault('usage.severity', `severity ${text}: there is no such severity`, {
    hint: `write ${SEVERITIES.join(', ')}`,
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
  return text === undefined ? undefined : wholeNumber(`--${flag}`, text)
}

function wholeNumber(name: string, text: string): number {
  if (/^#?\d{1,15}$/.test(text)) return Number(text.replace('#', ''))
  throw new Fault('usage.number', `${name} ${text}: that is not a whole number`, { hint: 'write a number such as 100' })
}

export function textOf(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function rangeOf(text: string): { fromSeq: number; toSeq?: number } {
  const found = /^#?(\d{0,15})(?:\.\.#?(\d{0,15}))?$/.exec(text)
  const [, first = '', last] = found ?? []
  if (found === null || (first === '' && !last))
    throw new Fault('usage.seq', `seq ${text}: that is not a range of entries`, {
      hint: 'write 100..200, 100.. or 100',
    })
  const fromSeq = first === '' ? 0 : Number(first)
  if (last === '') return { fromSeq }
  return { fromSeq, toSeq: last === undefined ? fromSeq : Number(last) }
}

/** `2h` ago, or a date and time in ISO 8601. */
function timeOf(name: string, text: string, nowMs: number): number {
  const span = parseDuration(text)
  if ('value' in span) return nowMs - span.value
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(atMs)) return atMs
  throw new Fault('usage.time', `${name} ${text}: that is neither a span nor a time`, {
    hint: 'write 2h, 2026-08-21 or 2026-08-21T11:00:00Z',
  })
}
