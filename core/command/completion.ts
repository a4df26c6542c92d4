import type { Status } from '../api/control.ts'
import { allIncidents, type Incidents } from '../incident/fold.ts'
import type { NoticeMemory } from '../notice/memory.ts'
import { type CommandMemory, openCommands } from './memory.ts'
import { WORDS } from './words.ts'

export interface CompletionOptions {
  readonly status: () => Status
  readonly incidents: Incidents
  readonly notices: NoticeMemory
  readonly memory: CommandMemory
  readonly generations: () => Promise<readonly { readonly generation: string }[]>
}

/** As many as Discord shows. */
const MOST = 25

/** Values for an argument that begin like this, the likeliest first. Never rejects. */
export function createCompletion(options: CompletionOptions): (type: string, begin: string) => Promise<string[]> {
  async function valuesOf(type: string): Promise<readonly string[]> {
    const { services, targets } = options.status()
    switch (type) {
      case 'service':
        return services.map(({ name }) => name)
      case 'services':
        return [...services.map(({ name }) => name), 'all']
      case 'target':
        return targets.map(({ name }) => name)
      case 'generation':
        return [...new Set((await options.generations()).map(({ generation }) => generation))]
      case 'incident':
        // Those that something can be done about come first.
        return allIncidents(options.incidents)
          .sort((a, b) => Number(a.state === 'resolved') - Number(b.state === 'resolved'))
          .map(({ id }) => id)
      case 'silence':
        return [...options.notices.silences.keys()]
      case 'command':
        return openCommands(options.memory).map(({ id }) => id)
      case 'word':
        return WORDS.map(({ word }) => word)
      case 'duration':
        return ['30m', '1h', '2h', '4h', '1d']
      default:
        return []
    }
  }
  return async (type, begin) => {
    const wanted = begin.trim().toLowerCase()
    try {
      return (await valuesOf(type)).filter(value => value.toLowerCase().startsWith(wanted)).slice(0, MOST)
    } catch {
      return []
    }
  }
}
