import type { Data, Entry, Json } from '../entry.ts'

/**
 * Words, as they are looked for: runs of letters and digits, in small letters. One definition for the search through the
 * files and for the index, so that both find the same.
 */
export function wordsOf(text: string): string[] {
  const plain = ASCII.test(text) ? text : text.normalize('NFC')
  return plain.toLowerCase().split(BETWEEN).filter(Boolean)
}

const ASCII = /^[\0-\x7f]*$/
const BETWEEN = /[^\p{L}\p{N}\p{M}]+/u

/** What has to be there: these words one after the other in one value. */
export interface Phrase {
  readonly words: readonly string[]
  /** The last one may go on: `exit*` finds `exited`. */
  readonly isOpen: boolean
}

/** What people write: words, `"several in a row"`, and `begin*`. */
export function phrasesOf(text: string): Phrase[] {
  return (text.match(/"[^"]*"?|[^\s"]+/g) ?? []).flatMap(part => {
    const words = wordsOf(part)
    return words.length === 0 ? [] : [{ words, isOpen: !part.startsWith('"') && part.endsWith('*') }]
  })
}

/** Whether one of the values holds the phrase. */
export function holds(values: readonly (readonly string[])[], { words, isOpen }: Phrase): boolean {
  const last = words.length - 1
  const fits = (word: string | undefined, at: number): boolean =>
    isOpen && at === last ? word?.startsWith(words[at] ?? '') === true : word === words[at]
  return values.some(value => value.some((_, from) => words.every((_each, at) => fits(value[from + at], at))))
}

/** All that can be looked for in an entry: its kind, svc, inc, actor and every value of `data` (not its keys). */
export function valuesOf({ kind, svc, inc, actor, data }: Entry): string[] {
  return [kind, ...[svc, inc, actor].filter(each => each !== undefined), ...valuesIn(data)]
}

/** Every value of `data`. Not by recursion: a forged line may be deeper than the stack. */
export function valuesIn(data: Data): string[] {
  const texts: string[] = []
  const open: (Data | readonly Json[])[] = [data]
  for (let holder = open.pop(); holder !== undefined; holder = open.pop())
    for (const value of Object.values<Json | undefined>(holder))
      if (typeof value === 'object' && value !== null) open.push(value)
      else if (value !== null && value !== undefined) texts.push(String(value))
  return texts
}
