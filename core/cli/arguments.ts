import { Fault } from '../fault.ts'

/** The single word that a subcommand takes; none or several are a Fault `usage.words`. */
export function oneWord(words: readonly string[], command: string, what: string): string {
  const [word, extra] = words
  if (word === undefined)
    throw new Fault('usage.words', `"heald ${command}" needs ${what}`, { hint: `Usage: heald ${command} ${what}` })
  if (extra !== undefined) {
    throw new Fault('usage.words', `"heald ${command}" takes one ${what}, not also "${extra}"`, {
      hint: `"heald help ${command}" says more`,
    })
  }
  return word
}

/** For subcommands that take no words at all. */
export function noWords(words: readonly string[], command: string): void {
  if (words.length > 0)
    throw new Fault('usage.words', `"heald ${command}" takes no "${words[0]}"`, {
      hint: `"heald help ${command}" says more`,
    })
}
