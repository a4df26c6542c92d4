import { Fault } from '../fault.ts'
import type { Values } from './command.ts'
import { GLOBAL_OPTIONS } from './front.ts'
import { numberOf, textOf } from './ledger-filter.ts'

const FILTERS = 'kind svc service inc incident actor severity since until seq from to text'.split(' ')

/** The options of each word of `heald ledger`. */
export const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  list: [...FILTERS, 'limit', 'cursor', 'page'],
  show: [],
  follow: ['from'],
  verify: ['key', 'checkpoint', 'accept-gap', 'index', 'workers', 'commands'],
  checkpoint: [],
  prove: [],
  check: ['key'],
  export: [],
  archive: ['until', 'to'],
  prune: ['until', 'to', 'archive', 'no-archive', 'dry-run', 'key', 'accept-gap'],
  erase: [],
}

/** Threads of `verify`, each with memory of its own; more than a host has processors help nobody. */
export const MOST_WORKERS = 64

/** An option that a word does not take is a Fault: whoever gave it would believe that it did something. */
export function mustTake(word: string, values: Values): void {
  const isOfCommands = word === 'verify' && values.commands === true
  const taken = isOfCommands ? ['commands', 'receipt'] : (OPTIONS_OF[word] ?? [])
  const extra = Object.keys(values).find(name => !taken.includes(name) && !Object.hasOwn(GLOBAL_OPTIONS, name))
  if (extra === undefined) return
  const name = `heald ledger ${word}${isOfCommands ? ' --commands' : ''}`
  const list = taken.map(each => `--${each}`).join(', ')
  const hint = list === '' ? 'it takes none' : `it takes ${list}`
  const alone = word === 'verify' && !isOfCommands ? '; or only --commands and --receipt' : ''
  throw new Fault('usage.option', `"${name}" has no option --${extra}`, { hint: `${hint}${alone}` })
}

/** The number that an option gives, which has to be in these bounds; undefined where it is not given. */
export function numberWithin(
  name: string,
  values: Values,
  least: number,
  most = Number.POSITIVE_INFINITY,
): number | undefined {
  const number = numberOf(name, textOf(values[name]))
  if (number === undefined || (number >= least && number <= most)) return number
  const bounds = most === Number.POSITIVE_INFINITY ? `${least} at least` : `from ${least} to ${most}`
  throw new Fault('usage.number', `--${name} ${number}: it has to be ${bounds}`)
}
