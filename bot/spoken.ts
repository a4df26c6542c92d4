import { lineOf, parseOptions, parseText } from '../core/command/parse.ts'
import type { Ask, Platform, Said } from '../core/command/port.ts'
import type { Word } from './channel.ts'
import type { Links } from './links.ts'

/** A word as core is asked it, and how its answer is to be shown. */
export interface Spoken {
  readonly said: Said
  /** As typed, without the code; '' for a button of core's, and what is not understood. */
  readonly line: string
  readonly page: number
  readonly isInPlace: boolean
  /** It changes nothing, so nothing is lost with it. */
  readonly isReading: boolean
  /** A code stands in it, where others can see it. */
  readonly hasCode: boolean
}

/** Core alone decides what a word means: this only looks at it. */
export function spokenIn({ button, text, options, code }: Word, links: Links): Spoken {
  const base = { page: 1, isInPlace: false, isReading: false, hasCode: false }
  if (button !== null) {
    const linked = links.read(button)
    if (linked === null || linked.line === '') return { ...base, said: { button }, line: '' }
    const { line, page, isInPlace } = linked
    return { ...base, ...lookAt({ text: line }), said: { text: line }, page, isInPlace }
  }
  const said: Said = options === null ? { text: relined(text) } : { word: options.word, args: optionsOf(options.args) }
  const looked = lookAt(said)
  return { ...base, said, ...looked, hasCode: looked.hasCode && options === null && code === null }
}

function lookAt(said: Said): Pick<Spoken, 'line' | 'isReading' | 'hasCode'> {
  try {
    const spoken = 'text' in said ? parseText(said.text) : 'word' in said ? parseOptions(said.word, said.args) : null
    if (spoken === null) return { line: '', isReading: false, hasCode: false }
    const { spec, args, code } = spoken
    const isReading = spec.does === 'reads' || args['dry-run'] === true
    return { line: lineOf(spec.word, args), isReading, hasCode: code !== null }
  } catch {
    // It may be an order all the same, of which heald says what is wrong with it; a code may stand in it too.
    return { line: '', isReading: false, hasCode: 'text' in said && /(^|\s)\d{6}(\s|$)/.test(said.text) }
  }
}

/** A full receipt that came as one line, as from a field of a slash command, gets its lines back. */
function optionsOf(args: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  const { receipts } = args
  return typeof receipts === 'string' ? { ...args, receipts: relined(receipts) } : args
}

const FIRST = 'c2sp.org/tlog-proof@v1'

function relined(text: string): string {
  const at = text.indexOf(FIRST)
  if (at < 0 || text.includes('\n')) return text
  const words = text.slice(at).split(/\s+/)
  const sign = words.indexOf('—')
  const [first = '', extra = '', line = '', index = '', seq = '', ...rest] = words
  if (sign < 0 || extra !== 'extra' || index !== 'index') return text
  const hashes = rest.slice(0, sign - 8)
  const note = words.slice(sign - 3, sign)
  const head = [first, `extra ${line}`, `index ${seq}`, ...hashes].join('\n')
  return `${text.slice(0, at)}${head}\n\n${note.join('\n')}\n\n${words.slice(sign).join(' ')}\n`
}

export function askOf({ platform, user, chat, key, code, saidMs }: Word, { said }: Spoken, waitMs: number): Ask {
  const when = saidMs === null ? {} : { saidMs }
  return { from: { platform: platform as Platform, user, chat }, key, said, code, ...when, waitMs }
}
