import { nearest } from '../cli/suggest.ts'
import { parseDuration } from '../config/duration.ts'
import { Fault } from '../fault.ts'
import { parseReceipt } from '../ledger/receipt.ts'
import type { ArgumentSpec, ArgumentType } from './word-spec.ts'
import { WORDS } from './words.ts'

/** What may stand in an argument, and how that is said. Everything else is refused, never mended. */
interface Form {
  readonly pattern: RegExp
  readonly example: string
}

const NAME: Form = { pattern: /^[a-z0-9][a-z0-9-]{0,62}$/, example: 'web-1' }
const FORMS: { readonly [type in Exclude<ArgumentType, 'flag' | 'choice'>]: Form } = {
  service: NAME,
  target: NAME,
  operator: NAME,
  services: { pattern: /^[A-Za-z0-9_.@:*-]{1,80}$/, example: 'web-*' },
  generation: { pattern: /^(?!--)[A-Za-z0-9_.+:@/=?~-]{1,1024}$/, example: 'release-4' },
  incident: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,63}-\d{1,16}$/, example: 'agent-41' },
  silence: { pattern: /^[A-Za-z0-9_][A-Za-z0-9_.@:-]{0,127}$/, example: 'silence-3' },
  command: { pattern: /^c\d{1,15}$/, example: 'c17' },
  seq: { pattern: /^\d{1,15}$/, example: '41' },
  duration: { pattern: /^[0-9a-z.]{1,20}$/, example: '2h' },
  count: { pattern: /^([1-9]\d{0,2}|1000)$/, example: '50' },
  code: { pattern: /^\d{6}$/, example: '123456' },
  word: { pattern: /^[a-z]{1,20}$/, example: 'rollback' },
  text: { pattern: /^[^\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]{1,300}$/u, example: 'new disk' },
  filter: { pattern: /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,1000}$/u, example: 'svc:api since:2h' },
  receipts: { pattern: /^[^\p{Cf}]{1,4000}$/u, example: '#41·abcdefghijklmnopqrstuvwxyz' },
}

/** What was written for an argument, checked and in the one form that entries have; a Fault `usage.argument` otherwise. */
export function readArgument(spec: ArgumentSpec, word: string, written: string): string {
  const { type, name, choices } = spec
  if (type === 'flag') return name
  if (type === 'choice') {
    if (choices?.includes(written)) return written
    throw wrong(spec, word, written, `write one of ${choices?.join(', ')}`)
  }
  const value = plain(type, written)
  const { pattern, example } = FORMS[type]
  if (pattern.test(value)) return meant(spec, word, value)
  const { charCode, shown } = oddity(value)
  const hint = `write it like ${example}`
  if (charCode !== null) throw wrong(spec, word, written, `${hint}: ${shown} is not a plain letter or sign`)
  throw wrong(spec, word, written, hint)
}

/** The same thing written in another way. */
function plain(type: ArgumentType, written: string): string {
  const text = written.trim()
  if (type === 'command') return text.toLowerCase().replace(/^#?c?(?=\d)/, 'c')
  if (type === 'seq') return String(parseReceipt(text)?.seq ?? text.replace(/^#/, ''))
  // Telephones turn quotes into curly ones on their own.
  if (type === 'filter') return text.replaceAll(/[“”„]/g, '"')
  if (type === 'word') return text.toLowerCase().replace(/^\//, '')
  return text
}

function meant(spec: ArgumentSpec, word: string, value: string): string {
  if (spec.type === 'duration') {
    const read = parseDuration(value)
    if (!('value' in read)) throw wrong(spec, word, value, read.hint)
  }
  if (spec.type === 'word' && !WORDS.some(each => each.word === value)) throw unknownWord(value)
  return value
}

/** The first sign that is not plain ASCII: it may look exactly like one that is. */
function oddity(value: string): { readonly charCode: number | null; readonly shown: string } {
  const odd = /[^\x20-\x7e]/u.exec(value)?.[0]
  const code = odd?.codePointAt(0)
  if (odd === undefined || code === undefined) return { charCode: null, shown: '' }
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  return { charCode: code, shown: /[\p{L}\p{N}\p{P}\p{S}]/u.test(odd) ? `"${odd}" (${name})` : name }
}

function wrong({ name }: ArgumentSpec, word: string, written: string, hint: string): Fault {
  return new Fault('usage.argument', `${quoted(written)} can't be the ${name} of "${word}"`, { hint })
}

/** What somebody wrote, for an answer: short, and nothing in it steers how the answer is shown. */
export function quoted(written: string): string {
  return JSON.stringify(written.slice(0, 60).toWellFormed()).replaceAll(/[\u007f-\uffff]/g, escaped)
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
}

export function unknownWord(written: string): Fault {
  const names = WORDS.map(({ word }) => word)
  const near = nearest(written, names)
  const shown = /^[A-Za-z]{1,30}$/.test(written) ? `"${written}"` : 'that'
  return new Fault('usage.word', `there is no word ${shown}`, {
    hint: near === undefined ? 'help lists all words' : `did you mean ${near}?`,
  })
}
