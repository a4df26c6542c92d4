import type { Json } from '../entry.ts'
import type { Command } from './memory.ts'
import type { Args, Projection } from './port.ts'
import type { Verb } from './words.ts'

/** What orders do. The port through which commands reach services, targets and the rest; every error is a Fault. */
export interface Deeds {
  /**
   * The facts that decide what the order means now, exactly (for a rollback: to which path); null: it means the same in any
   * state. Changes nothing. Rejects where it can't be given: an unknown name (`….unknown`), or no way to do it now.
   */
  facts(verb: Verb, args: Args): Promise<Projection['facts'] | null>
  /**
   * Does it, once and for all, to the end: called at most once for a command, after its `command.started` is durable.
   * `seen` says what it was asked against, so that it is done to exactly that. Rejects with `switch.changed` where what is
   * to be switched stands otherwise by then: nothing was done.
   */
  perform(command: Command): Promise<Done>
  /**
   * What became of a command that an earlier daemon had started, by what the ledger and the world say; null: its doing is
   * still under way, ask again when there is news. Never does anything.
   */
  found(command: Command): Found | null
}

export interface Done {
  /** As whoever asked on the host gets it. */
  readonly raw: unknown
  /** Done, but it did not lead where it should. */
  readonly isGood: boolean
  readonly why: string | null
  /** For the ledger: short. */
  readonly result: Json
}

export interface Found {
  readonly isGood: boolean
  /** In words. */
  readonly why: string
}
