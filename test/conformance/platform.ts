import type { Channel, ChannelEvents } from '../../bot/channel.ts'

/** A strict fake of a chat platform with the real adapter in front of it, as the conformance suite drives it. */
export interface Platform {
  readonly name: string
  /** The bot is a member of both. */
  readonly chats: readonly [string, string]
  /** The adapter, connected to the fake; `events` hears what comes in. Each call is another process's adapter. */
  open(events?: Partial<ChannelEvents>): Promise<Channel>
  /** What people see in the chat, oldest first. */
  shown(chat: string): readonly Shown[]
  /** Requests that post, edit or look for messages, so far, also refused ones. */
  requests(): number
  /** What the next post or edit meets, once. `afterMs` is for `slow down`. */
  next(trouble: Trouble, afterMs?: number): void
  /** Somebody removes a message by hand. */
  remove(chat: string, reference: string): void
  /** Somebody removes the bot from the chat, or the chat itself. */
  leave(chat: string): void
  /** The bot's token is not taken any more, until `admit`. */
  revoke(): void
  admit(): void
  /** Cuts all connections that stand, as when a network fails for a moment. */
  cut(): void
  /** Somebody writes a command to the bot (`/status agent`), the way this platform has them; delivered `times` times. */
  say(chat: string, text: string, times?: number): void
  /** Somebody presses a button of a shown message. */
  press(chat: string, reference: string, buttonId: string): void
  /** What went over the platform's own limits so far, in words; empty when nothing did. */
  breaches(): readonly string[]
  close(): Promise<void>
  /** What this platform can and can't do. */
  readonly can: {
    /** Tell a second post of the same message from a new one. */
    readonly tellTwins: boolean
    readonly buttons: boolean
    /** Post without a sound. */
    readonly silence: boolean
    /** Take commands. */
    readonly words: boolean
    readonly edit: boolean
    /** What there is no such thing as on this platform; nothing, if not said. Its tests are left out. */
    readonly never?: readonly ('slow down' | 'leave' | 'remove')[]
  }
}

export interface Shown {
  readonly reference: string
  /** All text a person can read, without marks of the platform's format, in the order it is shown. */
  readonly text: string
  readonly isSilent: boolean
  readonly replyTo: string | null
  /** Ids, in order. */
  readonly buttons: readonly string[]
  readonly isEdited: boolean
  /** What stands on the buttons, in the same order. */
  readonly labels?: readonly string[]
  /** Whom it calls with a sound, as the platform names them. */
  readonly pings?: readonly string[]
}

export type Trouble =
  /** 429 with a pause of `afterMs`. */
  | 'slow down'
  | 'error 500'
  /** The request is carried out, and the connection closed before the answer. */
  | 'answer lost'
  /** The connection stands, and nothing is ever answered; nothing is carried out. */
  | 'hang'
  /** The connection is closed before anything is carried out. */
  | 'cut'
