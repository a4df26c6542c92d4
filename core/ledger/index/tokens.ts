import type { Entry } from '../../entry.ts'
import { type Filter, familiesOf } from '../filter.ts'
import { phrasesOf, valuesOf, wordsOf } from '../words.ts'

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

/** All tokens of an entry, for the table. */
export function tokensOf(entry: Entry): string {
  const { kind, svc, inc, actor, data } = entry
  const { severity } = data
  const tokens = familiesOf(kind).map(family => fieldToken('kind', family))
  if (svc !== undefined) tokens.push(fieldToken('svc', svc))
  if (inc !== undefined) tokens.push(fieldToken('inc', inc))
  if (actor !== undefined) tokens.push(fieldToken('actor', actor))
  if (typeof severity === 'string') tokens.push(fieldToken('severity', severity))
  const words = new Set(valuesOf(entry).flatMap(wordsOf))
  return [...tokens, ...words].join(' ')
}

/** The question for the table; '' when the filter asks for no field and no word. It finds all that fits, and may find more. */
export function questionOf({ kinds = [], svc, inc, actor, severity, text = '' }: Filter): string {
  const field = (name: keyof typeof FIELD, value: string | undefined) =>
    value === undefined ? [] : [quoted(fieldToken(name, value))]
  const parts = [
    ...(kinds.length === 0 ? [] : [`(${kinds.map(kind => quoted(fieldToken('kind', kind))).join(' OR ')})`]),
    ...field('svc', svc),
    ...field('inc', inc),
    ...field('actor', actor),
    ...field('severity', severity),
    ...phrasesOf(text).flatMap(({ words, isOpen }) =>
      words.map((word, at) => quoted(word) + (isOpen && at === words.length - 1 ? '*' : '')),
    ),
  ]
  return parts.join(' AND ')
}

/** Nothing that a token is made of can end the quotes. */
function quoted(token: string): string {
  return `"${token}"`
}
