import type { Entry } from '../../entry.ts'
import { type Filter, familiesOf } from '../filter.ts'
import { phrasesOf, valuesIn, wordsOf } from '../words.ts'

/*
 * What the index holds of an entry: its words, and one token for each field that can be asked for. The tokenizer of the
 * table (`ascii`) takes runs of ASCII letters and digits and of all that is not ASCII; words are such runs. A field's token
 * begins with a sign that no word can hold, and its other signs are moved to where nothing separates.
 */

const FIELD = { kind: '\ue001', svc: '\ue002', inc: '\ue003', actor: '\ue004', severity: '\ue005' } as const

function fieldToken(field: keyof typeof FIELD, value: string): string {
  const moved = value.replace(/[\0-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]/g, char =>
    String.fromCharCode(0xe100 + char.charCodeAt(0)),
  )
  return FIELD[field] + moved
}

/** The same few fields come again and again: the tokens of each, and its words. */
const MOST_KEPT = 4096
const kept = { kind: new Map<string, string>(), svc: new Map(), inc: new Map(), actor: new Map() }

function keptTokens(field: keyof typeof kept, value: string): string {
  const known: Map<string, string> = kept[field]
  let tokens = known.get(value)
  if (tokens === undefined) {
    const all = field === 'kind' ? familiesOf(value) : [value]
    tokens = [...all.map(each => fieldToken(field, each)), ...wordsOf(value)].join(' ')
    if (known.size >= MOST_KEPT) known.clear()
    known.set(value, tokens)
  }
  return tokens
}

/** What the table's tokenizer parts and makes small in the same way itself. */
const PLAIN = /^[\x01-\x7f]*$/

/** All tokens of an entry, for the table. */
export function tokensOf({ kind, svc, inc, actor, data }: Entry): string {
  let tokens = keptTokens('kind', kind)
  if (svc !== undefined) tokens += ` ${keptTokens('svc', svc)}`
  if (inc !== undefined) tokens += ` ${keptTokens('inc', inc)}`
  if (actor !== undefined) tokens += ` ${keptTokens('actor', actor)}`
  const { severity } = data
  if (typeof severity === 'string') tokens += ` ${fieldToken('severity', severity)}`
  const text = valuesIn(data).join('\n')
  return `${tokens} ${PLAIN.test(text) ? text : wordsOf(text).join(' ')}`
}

/** More words, or kinds, than that are left to the look at each entry. */
const MOST_ASKED = 64

/** The question for the table; '' when the filter asks for no field and no word. It finds all that fits, and may find more. */
export function questionOf({ kinds = [], svc, inc, actor, severity, text = '' }: Filter): string {
  const field = (name: keyof typeof FIELD, value: string | undefined) =>
    value === undefined ? [] : [quoted(fieldToken(name, value))]
  const words = phrasesOf(text).flatMap(({ words: all, isOpen }) =>
    all.map((word, at) => quoted(word) + (isOpen && at === all.length - 1 ? '*' : '')),
  )
  const hasKinds = kinds.length > 0 && kinds.length <= MOST_ASKED
  const parts = [
    ...(hasKinds ? [`(${kinds.map(kind => quoted(fieldToken('kind', kind))).join(' OR ')})`] : []),
    ...field('svc', svc),
    ...field('inc', inc),
    ...field('actor', actor),
    ...field('severity', severity),
    ...words.slice(0, MOST_ASKED),
  ]
  return parts.join(' AND ')
}

/** Nothing that a token is made of can end the quotes. */
function quoted(token: string): string {
  return `"${token}"`
}
