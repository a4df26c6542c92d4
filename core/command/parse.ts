import { Fault } from '../fault.ts'
import { quoted, readArgument, unknownWord } from './argument.ts'
import type { Args } from './port.ts'
import type { ArgumentSpec, WordSpec } from './word-spec.ts'
import { usageOf, wordSpec } from './words.ts'

/** What somebody said, understood. */
export interface Spoken {
  readonly spec: WordSpec
  readonly args: Args
  /** A one-time code that stood among the arguments; it is kept apart since it is never recorded. */
  readonly code: string | null
}

const LONGEST = 4000
const REST = new Set(['text', 'filter', 'receipts'])

/**
 * Reads a line as people type it: `/rollback web`, `rollback web`, `/heald rollback web`. Bounded, and strict: what is not
 * exactly one of the words with its arguments is a Fault `usage.…` that says what to write instead.
 */
export function parseText(text: string): Spoken {
  if (text.length > LONGEST)
    throw new Fault('usage.long', `that has ${text.length} characters, and ${LONGEST} are the most`, {
      hint: 'put less into one message',
    })
  const line = text.trim().replace(/^\/?heald(@\w+)?\s+/i, '')
  const [, word = '', rest = ''] = /^\/?([^\s@]*)(?:@\w+)?\s*(.*)$/su.exec(line) ?? []
  const spec = wordSpec(word.toLowerCase())
  if (spec === undefined) throw unknownWord(word)
  // What Telegram sends by itself when somebody opens the chat with the bot.
  if (spec.word === 'start' && rest === '') return { spec: wordSpec('help') ?? spec, args: {}, code: null }
  if (/[\r\n]/.test(line) && !spec.args.some(({ type }) => type === 'receipts'))
    throw new Fault('usage.lines', `"${spec.word}" takes one line`, { hint: usageLine(spec) })
  return spoken(spec, positional(spec, rest))
}

/** The same from a slash command with its options, by name. */
export function parseOptions(word: string, options: { readonly [name: string]: unknown }): Spoken {
  const spec = wordSpec(word)
  if (spec === undefined) throw unknownWord(word)
  const written = new Map<ArgumentSpec, string>()
  for (const [name, value] of Object.entries(options)) {
    const arg = spec.args.find(each => each.name === name)
    if (arg === undefined) throw usage(spec, `"${spec.word}" has no ${quoted(name)}`)
    if (value === undefined || value === null || value === '' || value === false) continue
    const isText = typeof value === 'string' || typeof value === 'number'
    if (!isText && !(value === true && arg.type === 'flag'))
      throw usage(spec, `the ${name} of "${spec.word}" has to be a text`)
    const text = String(value)
    if (text.length > LONGEST) throw usage(spec, `the ${name} of "${spec.word}" is longer than ${LONGEST} characters`)
    written.set(arg, text)
  }
  return spoken(spec, written)
}

/** Which part of a line is which argument. Flags may stand anywhere before the rest of a line that is taken whole. */
function positional(spec: WordSpec, line: string): Map<ArgumentSpec, string> {
  const written = new Map<ArgumentSpec, string>()
  const wanted = spec.args.filter(({ type }) => type !== 'flag')
  let rest = line.trim()
  while (rest !== '') {
    const [token = ''] = /^\S+/u.exec(rest) ?? []
    const flag = flagIn(spec, token)
    const arg = flag ?? wanted[0]
    if (arg === undefined) throw usage(spec, `"${spec.word}" takes no ${quoted(token)}`)
    if (flag === undefined) wanted.shift()
    const isRest = REST.has(arg.type)
    written.set(arg, isRest ? rest : token)
    rest = isRest ? '' : rest.slice(token.length).trim()
  }
  return written
}

/** Telephones turn two dashes into one long one on their own. */
function flagIn(spec: WordSpec, token: string): ArgumentSpec | undefined {
  const name = token.replace(/^[—–]/u, '--')
  if (!name.startsWith('--')) return undefined
  const flag = spec.args.find(arg => arg.type === 'flag' && `--${arg.name}` === name)
  if (flag === undefined && !spec.args.some(({ type }) => REST.has(type)))
    throw usage(spec, `"${spec.word}" has no ${quoted(name)}`)
  return flag
}

function spoken(spec: WordSpec, written: ReadonlyMap<ArgumentSpec, string>): Spoken {
  const args: Record<string, string | true> = {}
  let code: string | null = null
  for (const arg of spec.args) {
    const text = written.get(arg)
    if (text === undefined) {
      if (arg.optional === true) continue
      throw usage(spec, `"${spec.word}" needs ${arg.name.toUpperCase()}: ${arg.help}`)
    }
    const value = readArgument(arg, spec.word, text)
    if (arg.type === 'code') code = value
    else args[arg.name] = arg.type === 'flag' ? true : value
  }
  return { spec, args, code }
}

/** As a person would write it, without the code: `rollback web release-4`. */
export function lineOf(word: string, args: Args): string {
  const spec = wordSpec(word)
  const parts = (spec?.args ?? []).flatMap(({ name, type }) => {
    const value = args[name]
    return value === undefined ? [] : [type === 'flag' ? `--${name}` : String(value)]
  })
  return [word, ...parts].join(' ')
}

function usageLine(spec: WordSpec): string {
  return `write: ${`${spec.word} ${usageOf(spec)}`.trim()}`
}

function usage(spec: WordSpec, message: string): Fault {
  return new Fault('usage.words', message, { hint: usageLine(spec) })
}
