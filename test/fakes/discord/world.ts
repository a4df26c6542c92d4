import type { Registered } from './commands.ts'

/** What there is on the fake: one application with its bot, in one server with some text channels. */
export interface World {
  token: string
  /** Nobody's token is taken. */
  isRevoked: boolean
  readonly application: string
  readonly bot: string
  readonly guild: string
  readonly channels: Map<string, Place>
  /** Of all interactions, by id. */
  readonly interactions: Map<string, Interaction>
  /** What went over a limit, or could have pinged somebody, in words. */
  readonly breaches: string[]
  /** Privileged intents that the owner has enabled, as bits. */
  privileged: number
  /** Slash commands of the application, and how often they were overwritten. */
  commands: readonly Registered[]
  commandsPut: number
  /** A new id, in order of time: "Snowflakes" of the documentation. */
  newId(): string
}

export interface Place {
  readonly id: string
  readonly messages: Stored[]
  /** The bot may see it. Else: the channel does not exist any more, or the bot has no access. */
  access: 'member' | 'deleted' | 'none'
}

export interface Stored {
  readonly id: string
  readonly author: string
  content: string
  embeds: Embed[]
  components: Row[]
  readonly flags: number
  readonly replyTo: string | null
  readonly nonce: string | null
  createdMs: number
  isEdited: boolean
  /** Of edits since it is older than an hour. */
  lateEdits: number
  /** Whom it rang for. */
  readonly pings: readonly string[]
}

export interface Embed {
  readonly title?: string
  readonly description?: string
  readonly color?: number
  readonly fields?: readonly { readonly name: string; readonly value: string }[]
  readonly footer?: { readonly text: string }
}

export interface Row {
  readonly components: readonly { readonly custom_id: string; readonly label: string }[]
}

export interface Interaction {
  readonly id: string
  readonly token: string
  readonly type: 2 | 3 | 4 | 5
  readonly channel: string
  readonly user: string
  readonly createdMs: number
  /** The message whose button was pressed: in a channel, or an answer. */
  readonly source: Pick<Stored, 'content' | 'embeds' | 'components'> | null
  /** When the first answer came, since the interaction. */
  acknowledgedMs: number | null
  /** An answer is to come; of a button, in the place of its message. */
  isDeferred: boolean
  /** Answers that people see, oldest first; ephemeral ones only by who asked. */
  readonly answers: Answer[]
  /** A form was the answer. */
  form: { readonly id: string; readonly title: string; isOver: boolean } | null
  /** What was offered for half a command. */
  choices: readonly string[] | null
}

export interface Answer {
  message: Pick<Stored, 'content' | 'embeds' | 'components'>
  isEphemeral: boolean
  file: { readonly name: string; readonly text: string } | null
}

const EPOCH_MS = 1_420_070_400_000n

export function newWorld(token: string): World {
  let count = 0n
  const newId = () => {
    count = (count + 1n) & 0xfffn
    return String(((BigInt(Date.now()) - EPOCH_MS) << 22n) | count)
  }
  const channels = [newId(), newId()].map((id): [string, Place] => [id, { id, messages: [], access: 'member' }])
  return {
    ...{ token, isRevoked: false, application: newId(), bot: newId(), guild: newId(), newId },
    ...{ channels: new Map(channels), interactions: new Map(), breaches: [], privileged: 0 },
    ...{ commands: [], commandsPut: 0 },
  }
}
