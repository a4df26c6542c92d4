import type { Subcommand } from './command.ts'
import { type Place, usageOf } from './usage.ts'

/** What a shell may propose: words that stand, names that only the daemon knows, or what is on the disk. */
export type Proposal =
  | { readonly choices: readonly string[] }
  | { readonly names: 'services' | 'targets' | 'incidents' | 'silences' | 'commands' }
  | { readonly disk: 'files' | 'folders' }

/** One subcommand, as shells complete it. */
export interface Completed {
  readonly name: string
  readonly summary: string
  /** Long options with what their values may be; `value` undefined: the option takes none, null: nobody knows. */
  readonly options: readonly { readonly flag: string; readonly value: Proposal | null | undefined }[]
  /** Its first word. */
  readonly first: Proposal | null
  /** Where its first word is a verb: the word after that. */
  readonly second: readonly { readonly verb: string; readonly proposal: Proposal }[]
}

export function completed(table: readonly Subcommand[]): Completed[] {
  const names = table.map(({ name }) => name)
  return table.map(row => {
    const { verbs, first, options } = usageOf(row)
    const propose = (place: Place | null) => proposalOf(row.name, place, names)
    return {
      name: row.name,
      summary: row.summary.replace(/\.$/, ''),
      options: [...options].map(([flag, place]) => ({ flag, value: place === null ? undefined : propose(place) })),
      first: verbs.size > 0 ? { choices: [...verbs.keys()] } : propose(first),
      second: [...verbs].flatMap(([verb, place]) => {
        const proposal = propose(place)
        return proposal === null ? [] : [{ verb, proposal }]
      }),
    }
  })
}

/** Whose id a subcommand takes, where it is not an incident's. */
const IDS: Readonly<Record<string, 'silences' | 'commands'>> = {
  unsilence: 'silences',
  approve: 'commands',
  deny: 'commands',
}

function proposalOf(command: string, place: Place | null, commands: readonly string[]): Proposal | null {
  if (place === null || 'choices' in place) return place
  switch (place.kind) {
    case 'SERVICE':
      return { names: 'services' }
    case 'TARGET':
      return { names: 'targets' }
    case 'ID':
      return { names: IDS[command] ?? 'incidents' }
    case 'NAME':
      return { choices: commands }
    case 'DIR':
      return { disk: 'folders' }
    case 'FILE':
    case 'RECEIPT':
      return { disk: 'files' }
    default:
      return null
  }
}
