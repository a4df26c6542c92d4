import type { WordSpec } from '../core/command/word-spec.ts'
import type { ChannelSpec, SecretSpec } from '../core/config/channel-spec.ts'
import type { Message } from './message.ts'

/**
 * One chat platform, as the outbox uses it. An adapter translates and gives a verdict; it never retries, queues, paces
 * or cuts: the outbox does. The SDK's own retries are off.
 */
export interface Channel {
  readonly name: string
  /** What the platform lets through, as far as it says. The outbox keeps to it; a platform may still say `retry`. */
  pace(chat: string): readonly Window[]
  /** Whether the platform takes the message as it is (length, number of blocks). Pure and quick. */
  fits(message: Message): boolean
  /**
   * Posts a new message. Never rejects; resolves within `DEADLINE_MS`. Calls for different chats may run at once. May be
   * called again with the same `key` and `isAgain`, when it is not known what came of the first: where the platform can
   * tell, there is then still only one message, and its reference is the answer.
   */
  post(chat: string, message: Message, how: PostHow): Promise<Verdict>
  /** Puts `message` in the place of what `reference` names; wakes nobody. Doing it twice changes nothing. */
  edit(chat: string, reference: string, message: Message): Promise<Verdict>
  /**
   * From now on no word is taken, nor confirmed: a platform that sends again does so to the next process, and the others tell
   * people that nobody has answered. Posts and answers go on. Never throws. Left out by a channel without words.
   */
  deafen?(): void
  /** Ends the connection, within a few seconds. Later calls answer `retry`. Safe to call twice, never rejects. */
  close(): Promise<void>
}

/** For one request at a platform, its answer and all. */
export const DEADLINE_MS = 10_000

/** At most `count` requests in any `perMs`; over `all` chats of the channel, or this one; `of` one kind only, or both. */
export interface Window {
  readonly count: number
  readonly perMs: number
  readonly over: 'chat' | 'all'
  readonly of?: 'post' | 'edit'
}

export interface PostHow {
  /** Names this message, never used for another: at most 25 of `A-Za-z0-9_-`. */
  readonly key: string
  /** It may be there already: an earlier try was not answered, or this process ended before it was. */
  readonly isAgain: boolean
  /** No sound, as far as the platform can. */
  readonly isSilent: boolean
  /** Reference of the message this one is shown as an answer to. One that is gone is no reason to fail. */
  readonly replyTo: string | null
}

/** `why`: in words for people, without secrets, at most 300 characters. */
export type Verdict =
  /** At the platform. `reference`: names the message for good, at most 200 characters. */
  | { readonly verdict: 'done'; readonly reference: string }
  /** The message to edit is not there any more, or too old to be changed: post it anew. */
  | { readonly verdict: 'gone'; readonly why: string }
  /**
   * Not now. `afterMs`: what the platform asked for; null: it said nothing. `of`: who has to wait. `isOpen`: it is not
   * known whether the message was taken (no answer came), else it surely was not.
   */
  | {
      readonly verdict: 'retry'
      readonly afterMs: number | null
      readonly of: 'chat' | 'channel'
      readonly isOpen: boolean
      readonly why: string
    }
  /**
   * Trying again is of no use before somebody changes something. `of`: what does not work: this content, this chat (not
   * a member, deleted), or the whole channel (token).
   */
  | { readonly verdict: 'refused'; readonly of: 'message' | 'chat' | 'channel'; readonly why: string }

/** What a channel tells on its own. Called in any turn, also often with the same. */
export interface ChannelEvents {
  /**
   * Whether people's words come in, and posts can go out. `isFinal`: it stays down until somebody changes something (the
   * token is wrong, another poller is at work); the adapter tries again now and then all the same.
   */
  onState(state: { readonly isUp: boolean; readonly isFinal: boolean; readonly why: string }): void
  /**
   * Somebody wrote to the bot, pressed a button or filled in a form. Resolves when what was said is durable or answered; a
   * platform that sends again what nobody confirms is told only then, or as late as it can wait.
   */
  onWord(word: Word): void | Promise<void>
  /** What an argument may be that begins like this, for autocomplete. Left out, and for a chat that is not ours: nothing. */
  onGuess?(guess: Guess): Promise<readonly string[]>
}

export interface Word {
  readonly platform: 'telegram' | 'discord' | 'slack' | 'whatsapp'
  /** Of the person, as the platform names it; on Slack `<team>/<user>`. */
  readonly user: string
  /** What the person is called, for people only. */
  readonly name: string
  readonly chat: string
  /** The same for each delivery of the same word: `telegram:<bot>:<chat>:<message>`, `telegram:<bot>:cb:<id>`. */
  readonly key: string
  /** When it was said, by the platform's clock; null: just now, for the platform keeps nothing for later. */
  readonly saidMs: number | null
  /** Id of the button, or what was written. */
  readonly button: string | null
  readonly text: string
  /** A slash command with its options by name, where the platform has them; null: typed text, or a button. */
  readonly options: { readonly word: string; readonly args: { readonly [name: string]: unknown } } | null
  /** A one-time code that was typed into a form. */
  readonly code: string | null
  /** Its answer is a post like any other: it has to wait for the chat's turn. */
  readonly isPaced: boolean
  /**
   * Shows the answer to whom asked, where they asked. Bounded; never rejects; may be called again, for more. Resolves to
   * null: it is shown, or never will be, which the adapter has warned of. Else it surely is not: after how many ms it may be
   * tried again.
   */
  reply(message: Message, how?: ReplyHow): Promise<number | null>
  /**
   * Asks for a one-time code in a form; what is filled in comes as a word of its own, with this button and the code. False:
   * no form could be shown. Null: this platform has none, or it is too late for one.
   */
  readonly askCode: ((form: CodeForm) => Promise<boolean>) | null
  /** Shows for some seconds that an answer is on its way; null: the platform does so by itself, or can't. Never throws. */
  readonly showBusy: (() => void) | null
  /** Takes what was written out of the chat, where the bot may; false: it is still there. Bounded; never rejects. */
  hide(): Promise<boolean>
}

export interface ReplyHow {
  /** A file to keep, beside the message. */
  readonly file?: Attachment
  /** It takes the place of the message whose button was pressed. */
  readonly isInPlace?: boolean
}

export interface Attachment {
  /** Of letters, digits, dashes and dots. */
  readonly name: string
  readonly text: string
}

export interface CodeForm {
  /** The button that the code is for. */
  readonly button: string
  /** At most 40 characters. */
  readonly title: string
}

/** Half a slash command. */
export interface Guess {
  readonly chat: string
  readonly word: string
  /** The option that is being filled in, and what stands there so far. */
  readonly option: string
  readonly begin: string
}

/** A word as the platform's list of commands shows it. */
export interface Sayable extends WordSpec {
  /** What stands behind it: `TARGET [TO] [--dry-run]`. */
  readonly usage: string
}

export interface ChannelTools {
  readonly events: ChannelEvents
  /** What people can say, for the platform's own lists of commands. Left out: those are left as they are. */
  readonly words?: readonly Sayable[]
  /** Reads a secret anew; rejects with a reason for people that does not hold it. */
  readonly readSecret: (secret: SecretSpec) => Promise<string>
  /** Trouble that stops nothing. */
  readonly warn: (text: string) => void
  /** A folder of this channel's own, 0700, for what a session needs (WhatsApp). */
  readonly folder: string
}

/**
 * Begins to connect and answers at once; what comes of it is told by `events.onState`. The connection is kept up, and made
 * anew after any trouble with growing pauses, for ever. The SDK is loaded only here. Rejects only when the SDK is not
 * installed, or the configuration can't work at all, with a reason and a hint for people.
 */
export type OpenChannel<Spec extends ChannelSpec = ChannelSpec> = (spec: Spec, tools: ChannelTools) => Promise<Channel>

/** Of a word, how it is answered. */
export type WordAnswers = Pick<Word, 'isPaced' | 'reply' | 'askCode' | 'showBusy' | 'hide'>
