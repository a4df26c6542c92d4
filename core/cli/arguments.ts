import { Fault } from '../fault.ts'

/** The single word that a subcommand takes; none or several are a Fault `usage.words`. */
export function oneWord(words: readonly string[], command: string, what: string): string {
  const [word, extra] = words
  if (word === undefined)
    throw new Fault('usage.words', `"heald ${command}" needs ${what}`, { hint: `Usage: heald ${command} ${what}` })
  refuseEmpty([word], `"heald ${command}" needs ${what}, and it is empty`, command, what)
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

/** The two words that a subcommand takes; fewer or more are a Fault `usage.words`. */
export function twoWords(words: readonly string[], command: string, what: string): [first: string, second: string] {
  const [first, second, extra] = words
  if (first === undefined || second === undefined)
    throw new Fault('usage.words', `"heald ${command}" needs ${what}`, { hint: `Usage: heald ${command} ${what}` })
  refuseEmpty([first, second], `"heald ${command}" needs ${what}, and one of them is empty`, command, what)
  if (extra !== undefined) {
    throw new Fault('usage.words', `"heald ${command}" takes ${what}, not also "${extra}"`, {
      hint: `"heald help ${command}" says more`,
    })
  }
  return [first, second]
}

/** The word that a subcommand may be given, or null; several are a Fault `usage.words`. */
export function optionalWord(words: readonly string[], command: string, what: string): string | null {
  return words.length === 0 ? null : oneWord(words, command, what)
}

/** What a script left empty is refused like what it left out. */
function refuseEmpty(words: readonly string[], message: string, command: string, what: string): void {
  if (words.includes('')) throw new Fault('usage.words', message, { hint: `Usage: heald ${command} ${what}` })
}
