import type { Json } from '../entry.ts'
import type { Role } from './word-spec.ts'
import type { Verb, Word } from './words.ts'

/*
 * What the bot's side and the command line use of commands: shapes only. On the bot's socket they are the bodies and the
 * answers of `POST /v1/request` and of `POST /v1/query`.
 *
 * Life of a command, as the bot sees it
 *
 * 1. The bot hands over what a person said, and nothing but what the platform said of the person: `POST /v1/request`.
 *    Core alone knows who that is, what the words mean, and whether they may.
 * 2. The answer comes at once, with the durable entry's receipt; what happens later is news of the ledger like any other
 *    (`command.…` entries), so a command's card is a fold over them: `rememberCommand` in `memory.ts`, which the bot may use.
 * 3. The same `key` again, however much later (7 days) and after whatever restarts, does nothing and is answered with how
 *    that command stands by now: `isAgain`.
 */

/** Platforms from which words are taken. */
export const PLATFORMS = ['telegram', 'discord', 'slack'] as const
export type Platform = (typeof PLATFORMS)[number]

/** Who says something, as the platform names them. On Slack `<team>/<user>`. */
export interface Speaker {
  readonly platform: Platform
  readonly user: string
  readonly chat: string
}

/** Arguments by the names of the table of words; a flag is `true`. */
export type Args = { readonly [name: string]: string | true }

/** What was said: typed text, a slash command with its options, or a button pressed. */
export type Said =
  /** With or without `/`, `/heald` and `@bot` before; at most 4,000 characters. */
  | { readonly text: string }
  | { readonly word: string; readonly args: { readonly [name: string]: unknown } }
  /** An id that core has offered. */
  | { readonly button: string }

/** The body of `POST /v1/request`, as one flat object: `{platform, user, chat, key, text | word, args | button, code?, saidMs?, waitMs?}`. */
export interface Ask {
  readonly from: Speaker
  /**
   * The same for each delivery of the same word, never for another: `telegram:<bot>:<chat>:<message>`,
   * `telegram:<bot>:cb:<id>`, `discord:<application>:<interaction>`, `slack:<app>:<trigger>`. At most 200 characters.
   */
  readonly key: string
  readonly said: Said
  /** A one-time code that the person typed beside it (a form, an option); null: none. Never recorded. */
  readonly code: string | null
  /** When it was said, by the platform's clock; left out: just now. */
  readonly saidMs?: number
  /** How long the answer may wait for the outcome, 0 to 10,000 ms. */
  readonly waitMs: number
}

/**
 * The answer of `POST /v1/request`. What is refused is an error `{error: {code, message, hint, retry}}` instead, with words
 * for the person: `command.denied` (may not), `command.stale` (the button was used, is too old or unknown), `command.many`,
 * `command.over` (it does not wait any more), `command.old` (said too long ago), `command.not-yet` (try again), `usage.…` (not understood), `….unknown`,
 * `switch.…`, `ledger.degraded` (nothing can be recorded, so nothing is done), `ledger.stalled` (whether it is recorded is not
 * known yet), `request.rate`.
 */
export type Reply =
  /** Of a word that reads, and of an order with `--dry-run`; what `data` is depends on the word, see `answers.ts`. */
  | { readonly reply: 'answer'; readonly word: Word; readonly args: Args; readonly data: unknown }
  /** Of an order, an approval or a denial: the command that it made or moved on. `isAgain`: said before, so nothing was done. */
  | { readonly reply: 'command'; readonly command: CommandView; readonly isAgain: boolean }
  /**
   * Nothing was done, since the person's own one-time code is missing: ask for it, and send the same again with `code`,
   * under another key. `command`: what it is for, where it was there already.
   */
  | { readonly reply: 'code'; readonly word: Word; readonly args: Args; readonly command: CommandView | null }

/** `approved`: it has all it needs and is about to start. */
export const COMMAND_STATES = [
  ...(['requested', 'awaiting', 'approved', 'started'] as const),
  ...(['succeeded', 'failed', 'rejected', 'expired'] as const),
] as const
export type CommandState = (typeof COMMAND_STATES)[number]

/** The facts that decide whether a command still means what it meant; `hash` is SHA-256 over them, 64 hex. */
export interface Projection {
  readonly hash: string
  readonly facts: { readonly [name: string]: Json }
}

/** What is still needed before a command starts. */
export interface Needs {
  /** Approvals of people other than who asked. */
  readonly approvals: number
  /** Each of those by a one-time code; where no approval is needed, one code of whoever may. */
  readonly code: boolean
}

export interface Approval {
  /** Id in the configuration, or `local:admin`. */
  readonly operator: string
  /** As the ledger names who it was: `telegram:1001`. */
  readonly by: string
  readonly atMs: number
}

/** A button that may be pressed once, until `expiresTs`. */
export interface Offer {
  /** Opaque, at most 64 bytes of ASCII. */
  readonly button: string
  readonly word: Word
  readonly args: Args
  /** For the button, at most 40 characters: `Roll back to release-4`. */
  readonly label: string
  readonly style: 'plain' | 'primary' | 'danger'
  /** Whoever presses it is asked for a code. */
  readonly code: boolean
  readonly expiresTs: string
}

/** A command as it stands. */
export interface CommandView {
  /** `c17`. */
  readonly id: string
  readonly verb: Verb
  readonly args: Args
  /** As a person would write it: `rollback web release-4`. */
  readonly line: string
  readonly state: CommandState
  /** Who asked, as the ledger names them, and their id in the configuration. */
  readonly by: string
  readonly operator: string
  /** `cli`, or the platform. */
  readonly via: string
  readonly requestedTs: string
  /** When it is given up if it has not started. */
  readonly expiresTs: string
  /** What is missing; null: nothing (any more). */
  readonly needs: Needs | null
  /** Until it starts, those only that count by the configuration of now. */
  readonly approvals: readonly Approval[]
  /** What it was asked against; null: it depends on nothing. */
  readonly seen: Projection | null
  /** Not run since the state had changed: how it was then. */
  readonly changedTo: Projection | null
  /** Why it failed, was turned down or given up, in words. */
  readonly why: string | null
  readonly result: Json
  /** Who may approve, with what the platforms call them, for mentions; of a command that waits. */
  readonly approvers: readonly Person[]
  /** `approve` and `deny` while it waits; `again` when the state had changed: the same order against the state of now. */
  readonly offers: readonly Offer[]
  /** Of its newest entry. */
  readonly receipt: string
  readonly seq: number
}

/** An operator of the configuration. */
export interface Person {
  readonly operator: string
  readonly role: Role
  readonly telegram: readonly string[]
  readonly discord: readonly string[]
  readonly slack: readonly string[]
}

/**
 * What `POST /v1/query` answers about commands: `{what: 'command', id}`, `{what: 'commands'}` (those not over, then the last
 * that ended, newest first, at most 50), `{what: 'offers', about}` and `{what: 'complete', type, begin}`.
 */
export interface CommandQueries {
  /** Null: there is none, or it ended long ago (the ledger has it). */
  command(id: string): Promise<CommandView | null>
  commands(): Promise<readonly CommandView[]>
  /**
   * The buttons for a card: what may be done now about an incident (its id), or a target (`target:<name>`). The same again
   * as long as nothing has changed. They become durable (`command.offered`) before they are answered. Empty where there is
   * nothing to do.
   */
  offers(about: string): Promise<readonly Offer[]>
  /** At most 25 values for an argument of this type that begin like this, for autocomplete. */
  complete(type: string, begin: string): Promise<readonly string[]>
}

/** Commands, for chats. Errors are Faults. */
export interface ChatCommands extends CommandQueries {
  /** What a person said in a chat. Resolves when all that it led to so far is durable. */
  request(ask: Ask): Promise<Reply>
}
