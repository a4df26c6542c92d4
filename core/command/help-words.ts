import type { Role } from './word-spec.ts'
import { usageOf, WORDS, wordSpec } from './words.ts'

/** A word as help tells of it. */
export interface WordHelp {
  readonly word: string
  /** `rollback TARGET [TO] [--dry-run]`. */
  readonly usage: string
  readonly summary: string
  /** The least role by default; null: anybody. */
  readonly role: Role | null
  readonly args: readonly { readonly name: string; readonly help: string; readonly optional: boolean }[]
  readonly examples: readonly string[]
}

/** All words that are said in chats, or one; the word was checked. */
export function helpFor(word: string | null): readonly WordHelp[] {
  const specs = word === null ? WORDS.filter(({ host }) => host !== true) : [wordSpec(word)]
  return specs.flatMap(spec => {
    if (spec === undefined) return []
    const args = spec.args.map(({ name, help, optional = false }) => ({ name, help, optional }))
    const { summary, role, examples } = spec
    return [{ word: spec.word, usage: `${spec.word} ${usageOf(spec)}`.trim(), summary, role, args, examples }]
  })
}
