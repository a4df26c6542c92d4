import type { Subcommand } from './command.ts'

/** What may stand in one place of an argument line: one of these words, or something of a kind (`SERVICE`, `FILE`). */
export type Place = { readonly choices: readonly string[] } | { readonly kind: string }

export interface Usage {
  /** The verbs of the subcommand, as of `heald ledger`, each with what may follow it; empty: it has none. */
  readonly verbs: ReadonlyMap<string, Place | null>
  /** What its first word is where it has no verbs; null: it takes none. */
  readonly first: Place | null
  /** Each option, long and with its dashes, and what its value is; null: it takes none. */
  readonly options: ReadonlyMap<string, Place | null>
}

/** `--report md|html`, in brackets or not. */
const OPTION = /\[?--([a-z-]+)(?: ([A-Za-z|]+))?\]?/g

/** Reads the usage line of a row: what people see there is what a shell completes. */
export function usageOf({ usage, options }: Pick<Subcommand, 'usage' | 'options'>): Usage {
  const shown = new Map([...usage.matchAll(OPTION)].map(([, name = '', value]) => [name, value]))
  const verbs = new Map<string, Place | null>()
  let first: Place | null = null
  for (const part of usage.replaceAll(OPTION, '').split(' | ')) {
    const [word = '', next] = part
      .replaceAll(/[[\]…]/g, '')
      .split(' ')
      .filter(text => text !== '')
    if (/^[a-z-]+$/.test(word)) verbs.set(word, placeOf(next))
    else first ??= placeOf(word)
  }
  const all = Object.entries(options).map(([name, { type }]): [string, Place | null] => [
    `--${name}`,
    // Some take the configuration as a word, and show that alone.
    type === 'boolean' ? null : (placeOf(shown.get(name) ?? (name === 'config' ? 'FILE' : '')) ?? { kind: 'VALUE' }),
  ])
  return { verbs, first, options: new Map(all) }
}

function placeOf(word: string | undefined): Place | null {
  if (word === undefined || word === '') return null
  return word.includes('|') ? { choices: word.split('|') } : { kind: word }
}
