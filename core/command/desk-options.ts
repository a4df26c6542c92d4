import type { Clock } from '../clock.ts'
import type { SecretSpec } from '../config/channel-spec.ts'
import type { PeopleSpec } from '../config/people-spec.ts'
import type { Draft } from '../entry.ts'
import type { Deeds } from './deeds.ts'
import type { Identity } from './identity.ts'
import type { CommandMemory } from './memory.ts'
import type { Args, CommandQueries, Platform, Speaker } from './port.ts'
import type { Verb, Word } from './words.ts'

export interface DeskOptions {
  readonly clock: Clock
  /** Filled in place by the fold. */
  readonly memory: CommandMemory
  /** Resolves when the entry is durable and folded. */
  readonly append: (draft: Draft) => Promise<unknown>
  readonly people: () => PeopleSpec
  /** Chats of the configuration: words are taken in these only. */
  readonly chats: (platform: Platform) => readonly string[]
  readonly readSecret: (secret: SecretSpec) => Promise<string>
  readonly deeds: Deeds
  /** Answers words that only read. */
  readonly read: (asked: Asked) => Promise<unknown>
  /** What may be done about an incident or a target, whether it can be done now or not. */
  readonly offerable: (about: string) => readonly { readonly word: Verb; readonly args: Args }[]
  readonly complete: CommandQueries['complete']
  /** A Fault while nothing can be recorded. */
  readonly mustRecord: () => void
  /** Resolves when all services are taken up and the ledger's past is known. */
  readonly whenReady: () => Promise<unknown>
  /** Whether the past is really known: where it can't be read nobody knows what was done already. */
  readonly isKnown: () => boolean
  readonly warn: (text: string) => void
  /** For tests: how ids of buttons are made. */
  readonly mint?: () => string
}

/** A word that only reads, said by somebody who may. */
export interface Asked {
  readonly word: Word
  readonly args: Args
  /** Null: somebody who is not known, who may ask only who they are, and for help. */
  readonly who: Identity | null
  readonly from: Speaker
}
