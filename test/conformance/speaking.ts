import type { Platform } from './platform.ts'

/** A platform whose people speak to the bot, as the conformance suite of words drives it. */
export interface Speaking extends Platform {
  /** Two people, as words name them. */
  readonly people: readonly [string, string]
  /** One of the people, the first unless told, writes a command; delivered `times` times. */
  say(chat: string, text: string, times?: number, by?: 0 | 1): void
  press(chat: string, reference: string, buttonId: string, by?: 0 | 1): void
  /** What was said or pressed last is delivered once more, as by a platform that lost its confirmation. */
  again(): void
  /** What people were answered, in order, as it is shown now; refused answers are none. */
  answers(): readonly Answered[]
  /** A button of an answer is pressed. */
  pressAnswer(at: number, buttonId: string, by?: 0 | 1): void
  /** Titles of forms that were shown, in order. */
  forms(): readonly string[]
  /** Whoever was shown the newest form fills it in, and sends it. */
  fillIn(code: string): void
  /** After how many ms each word was acknowledged, in order; null: not yet. What was delivered again counts once. */
  acknowledged(): readonly (number | null)[]
  /** How often it was shown that an answer is under way, where nothing else acknowledges a word. */
  typing(): number
  /** What the platform sends again since it was not confirmed. */
  unconfirmed(): number
  /** Names in the platform's own list of commands, and how often it was written. */
  registered(): readonly string[]
  registrations(): number
  /** Somebody has typed so much of an option; what is offered. */
  guess(chat: string, word: string, option: string, begin: string): Promise<readonly string[]>
  /** Messages of people that are there, newest last. */
  written(chat: string): readonly string[]
  /** How long each request takes. */
  setLatency(ms: number): void
  readonly does: {
    /** Answers are seen by nobody else. */
    readonly privately: boolean
    readonly forms: boolean
    readonly guesses: boolean
    /** There is a list of commands that a bot writes itself. */
    readonly registers: boolean
    /** A word that is not confirmed comes again. */
    readonly again: boolean
    readonly hides: boolean
  }
}

export interface Answered {
  /** All text a person can read, without marks. */
  readonly text: string
  readonly buttons: readonly string[]
  readonly file: { readonly name: string; readonly text: string } | null
  readonly isPrivate: boolean
}
