import { parseDuration } from '../config/duration.ts'
import { momentMs, parseMoment } from '../config/moment.ts'
import { KINDS } from '../entry.ts'
import { Fault } from '../fault.ts'
import { SEVERITIES } from '../incident/fold.ts'
import type { Filter } from '../ledger/filter.ts'
import { parseReceipt } from '../ledger/receipt.ts'
import { phrasesOf } from '../ledger/words.ts'
import type { Context, Values } from './command.ts'
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
type Clock = Pick<Context, 'nowMs' | 'tz'>
type Term = readonly [name: Name, value: string]

/** What is written like each, for hints. */
const EXAMPLES: { readonly [term in (typeof TERMS)[Name]]: string } = {
  kind: 'exited',
  svc: 'api',
  inc: 'api-41',
  actor: 'telegram:1001',
  severity: 'warning',
  since: '2h',
  until: '2026-08-21T11:00',
  from: '100',
  to: '200',
  seq: '100..200',
}

/**
 * The filter that words describe, in a chat as on the command line: `svc:api kind:exited since:2h "out of memory"`; and
 * flags say the same: `--svc api --since 2h`. What is no such term has to be in the entry: whole words, in any case of
 * letters; `begin*`, and `"several in a row"`. `by` has the clock, and the zone in which times are written. Throws a Fault
 * (`usage.…`) that says what to write, for whatever would silently find nothing, or too much.
 */
export function filterOf(values: Values, words: readonly string[], by: Clock): Filter {
  const { text, ...others } = values
  const flags = Object.entries(others).flatMap(([name, value]) => {
    if (!Object.hasOwn(TERMS, name)) return []
    return textsOf(value).map((each): Term => [name as Name, each])
  })
  const terms: Term[] = []
  const texts: string[] = []
  for (const part of partsOf([straight(textOf(text) ?? ''), ...words.map(straight).map(asTyped)].join(' '))) {
    const term = termIn(part)
    if (term === null) texts.push(part)
    else terms.push(term)
  }
  const filter = filterFrom([...terms, ...flags], by)
  mustHoldSome(filter)
  const sought = texts.join(' ')
  if (texts.length > 0 && phrasesOf(sought).length === 0)
    throw new Fault('usage.filter', `${sought}: there is no word in that to look for`, {
      hint: 'write one with a letter or a digit in it',
    })
  return texts.length === 0 ? filter : { ...filter, text: sought }
}

/** Quotes as phones write them. */
function straight(text: string): string {
  return text.replaceAll(/[“”„]/g, '"')
}

/**
 * `name:value`, `name:"value"`, a word, or `"several in a row"`; and a time in two or three, as in `since:1h 30m`,
 * `since:2026-08-21 11:00` and `since:2026-08-21 11:00 +02:00`.
 */
const PART =
  /(?:since|until):[^\s"]+(?:[ T]\d\d?:\d\d[^\s"]*(?: (?:Z|[+-]\d\d(?::?\d\d)?)(?!\S))?| \d+[hms]+(?!\S))|[a-z]+:"[^"]*"|"[^"]*"|[^\s"]+/gi

function partsOf(text: string): string[] {
  const quotes = text.split('"').length - 1
  if (quotes % 2 === 1)
    throw new Fault('usage.filter', `${text.slice(text.lastIndexOf('"'))}: a quote is not closed`, {
      hint: 'write one at each end, like "out of memory"',
    })
  return text.replaceAll(/\s+/g, ' ').match(PART) ?? []
}

/** A shell takes the quotes away: what has blanks in it is a phrase, unless there is a term in it. */
function asTyped(word: string): string {
  const isPhrase = /\s/.test(word) && !word.includes('"') && partsOf(word).every(part => termIn(part) === null)
  return isPhrase ? `"${word}"` : word
}

/** Null: the part is text. */
function termIn(part: string): Term | null {
  const [whole, written = '', value = ''] = /^([a-z]+):(.*)$/i.exec(part) ?? []
  if (whole === undefined) return null
  const name = written.toLowerCase()
  if (Object.hasOwn(TERMS, name)) return [name as Name, value.replaceAll('"', '')]
  // `sevice:api` would silently find nothing.
  const near = name.length < 3 ? undefined : nearest(name, Object.keys(TERMS))
  if (near === undefined) return null
  throw new Fault('usage.filter', `${part}: there is no filter "${written}"`, {
    hint: `Did you mean ${near}:${value}? ${asText(part)}`,
  })
}

function asText(part: string): string {
  return `To look for the text itself, put it in quotes: "${part}"; in a shell, in quotes within quotes: '"${part}"'`
}

function filterFrom(terms: readonly Term[], by: Clock): Filter {
  const filter: { -readonly [key in keyof Filter]: Filter[key] } = {}
  const given = new Set<string>()
  for (const [name, value] of terms) {
    const term = TERMS[name]
    const values = term === 'kind' ? value.split(',') : [value]
    if (values.some(each => each.trim() === '')) throw missing(name, value)
    if (given.has(term) && !MAY_REPEAT.includes(term)) throw second(name, value)
    if (ONE_NAME.includes(term) && value.includes(',')) throw several(name, value)
    given.add(term)
    if (term === 'kind') filter.kinds = [...(filter.kinds ?? []), ...kindsOf(value)]
    else if (term === 'severity') filter.severity = severityOf(value)
    else if (term === 'since') filter.sinceMs = timeOf(term, value, by)
    else if (term === 'until') filter.untilMs = timeOf(term, value, by)
    else if (term === 'from') filter.fromSeq = wholeNumber(term, value)
    else if (term === 'to') filter.toSeq = wholeNumber(term, value)
    else if (term === 'seq') Object.assign(filter, rangeOf(value))
    else filter[term] = value
  }
  return filter
}

/** What may be said again: kinds add up, and the next page of a chat is the same words with a `to:` more, which counts. */
const MAY_REPEAT: readonly string[] = ['kind', 'to']
const ONE_NAME: readonly string[] = ['svc', 'inc', 'actor']

/** The last one would win, in silence. */
function second(name: Name, value: string): Fault {
  return new Fault('usage.filter', `"${name}:${value}": there is another ${TERMS[name]}: before it`, {
    hint: `Write one alone. ${asText(`${name}:${value}`)}`,
  })
}

/** `kind:` takes commas, so people write them here too. */
function several(name: Name, value: string): Fault {
  return new Fault('usage.filter', `"${name}:${value}": ${TERMS[name]}: takes one alone`, {
    hint: `Write one without a comma, like ${name}:${EXAMPLES[TERMS[name]]}; only kind: takes several`,
  })
}

/** A range in which nothing can be. */
function mustHoldSome({ fromSeq = 0, toSeq = Number.POSITIVE_INFINITY, sinceMs, untilMs }: Filter): void {
  if (fromSeq > toSeq)
    throw new Fault('usage.seq', `from #${fromSeq} to #${toSeq}: no entry is in that range`, {
      hint: 'write the smaller number first, like 100..200',
    })
  if (sinceMs !== undefined && untilMs !== undefined && sinceMs > untilMs)
    throw new Fault('usage.time', 'since is a moment that comes after until: no entry lies between them', {
      hint: 'write the older one as since, like since:2h until:1h',
    })
}

/** Without a value (`svc: api`) or one of several (`kind:exited,`), it would find nothing, or everything. */
function missing(name: Name, value: string): Fault {
  return new Fault('usage.filter', `"${name}:${value}": a value is missing`, {
    hint: `Write it without a blank, like ${name}:${EXAMPLES[TERMS[name]]}. ${asText(`${name}: …`)}`,
  })
}

/** Kinds, families of them, and last parts of them (`exited`), each known: a mistyped one would silently find nothing. */
function kindsOf(given: string): string[] {
  const all = Object.keys(KINDS)
  const families = [...new Set(all.flatMap(kind => kind.match(/^.*(?=\.)/) ?? []))]
  const known = new Set([...all, ...families])
  return given
    .toLowerCase()
    .split(',')
    .map(kind => kind.trim())
    .flatMap(kind => {
      if (known.has(kind)) return [kind]
      const tails = all.filter(each => each.split('.').at(-1) === kind)
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
  const severity = text.toLowerCase()
  if (SEVERITIES.some(each => each === severity)) return severity
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

/** Each of what an option was given that may be given several times. */
export function textsOf(value: Values[string]): string[] {
  return [value].flat().filter(each => typeof each === 'string')
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

/** `2h` ago, or a day, or a day and a time in ISO 8601: without a zone in it, by the clock by which times are shown. */
function timeOf(name: string, text: string, by: Clock): number {
  const span = parseDuration(text)
  if ('value' in span) return by.nowMs() - span.value
  const moment = parseMoment(text)
  if ('value' in moment) return momentMs(moment.value, by.tz)
  const why = /^\d{4}-\d\d-\d\d/.test(text) ? moment.problem : 'is neither a span nor a time'
  throw new Fault('usage.time', `${name} ${text}: that ${why}`, {
    hint: 'write 2h, 2026-08-21, 2026-08-21T11:00 (by the clock that is shown) or 2026-08-21T11:00Z',
  })
}
