import { wordSpec } from '../core/command/words.ts'
import type { Guess } from './channel.ts'
import type { CoreLink } from './core-link.ts'

/** What an option of a slash command may be: by the table it has a type, and core knows what there is of that. */
export function guesser(link: Pick<CoreLink, 'complete'>): (guess: Guess) => Promise<readonly string[]> {
  return async ({ word, option, begin }) => {
    const type = wordSpec(word)?.args.find(({ name }) => name === option)?.type
    return type === undefined ? [] : link.complete(type, begin)
  }
}
