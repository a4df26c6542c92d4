import { Refused } from './answer.ts'
import type { Entity } from './html.ts'
import type { Updates } from './updates.ts'

export interface Chat {
  readonly id: number
  readonly type: 'private' | 'group' | 'supergroup'
  readonly title: string
  readonly username: string | null
  /** Why the bot may not write there: as Telegram says it, after "Forbidden: "; null: it may. */
  barred: string | null
  /** The supergroup that this group has become. */
  movedTo: number | null
  isDeleted: boolean
  /** The bot may delete what others write. */
  isAdmin: boolean
  lastId: number
  readonly messages: Map<number, Stored>
  /** Messages that people wrote or pressed, with the newest one of that time; what is taken away stays here. */
  readonly spokenAt: Map<number, number>
}

export interface Stored {
  readonly id: number
  readonly fromBot: boolean
  readonly isSilent: boolean
  readonly isPreviewOff: boolean
  readonly replyTo: number | null
  /** What it was to reply to, even where that was gone already. */
  readonly answerTo: number | null
  readonly atMs: number
  text: string
  entities: readonly Entity[]
  keyboard: readonly (readonly Button[])[]
  isEdited: boolean
  readonly document: { readonly name: string; readonly bytes: Buffer } | null
}

export interface Button {
  readonly text: string
  readonly callback_data: string
}

export interface Person {
  readonly id: number
  readonly first_name: string
  readonly username?: string
  readonly is_bot?: boolean
}

export interface Written {
  readonly by?: Person
  readonly replyTo?: number
  /** More fields of the message, as Telegram sends them (`forward_origin`, `sender_chat`, …). */
  readonly more?: object
  readonly times?: number
}

export const ALICE: Person = { id: 5001, first_name: 'Alice', username: 'alice_ops' }

export interface World {
  readonly bot: { readonly id: number; readonly username: string }
  readonly chats: Map<number, Chat>
  readonly callbacks: Map<string, { readonly atMs: number; isAnswered: boolean; answeredMs: number | null }>
  /** What was shown to be under way, in order. */
  readonly actions: { readonly chat: number; readonly action: string }[]
  /** The bot's list of commands, and how often it was set. */
  commands: readonly { readonly command: string; readonly description: string }[]
  commandsSet: number
  addChat(id: number, type: Chat['type'], title: string, username?: string): Chat
  /** The chat that a request names, which the bot may write to; throws what Telegram answers else. */
  chatFor(named: unknown): Chat
  /** Somebody writes; the number of the message. The bot hears of it as far as its privacy mode lets it. */
  write(chat: number, text: string, how?: Written): number
  press(chat: number, message: number, data: string, by?: Person, times?: number): string
  /** The group becomes a supergroup with another id. */
  migrate(chat: number): number
}

const MOST_MESSAGES = 10_000

export function createWorld(
  bot: World['bot'],
  updates: Updates,
  { nowMs, isPrivate }: { nowMs: () => number; isPrivate: boolean },
): World {
  const chats = new Map<number, Chat>()
  const callbacks: World['callbacks'] = new Map()
  let callbackId = 4_382_000_000_000_000n
  const chatAt = (id: number): Chat => {
    const chat = chats.get(id)
    if (chat === undefined) throw new Error(`the fake has no chat ${id}`)
    return chat
  }

  /** core.telegram.org/bots/features#privacy-mode. */
  function isHeard(chat: Chat, text: string, replyTo: number | null): boolean {
    if (!isPrivate || chat.type === 'private') return true
    const command = /^\/\w+(?:@(\w+))?/.exec(text)
    if (command?.[1] !== undefined) return command[1].toLowerCase() === bot.username.toLowerCase()
    if (replyTo !== null && chat.messages.get(replyTo)?.fromBot) return true
    // A command without a name goes to the bot that wrote last; this one is the only one in its chats.
    return command !== null && [...chat.messages.values()].some(({ fromBot }) => fromBot)
  }

  return {
    bot,
    chats,
    callbacks,
    actions: [],
    commands: [],
    commandsSet: 0,
    addChat(id, type, title, username) {
      const empty = { barred: null, movedTo: null, isDeleted: false, isAdmin: false, lastId: 0 }
      const none = { messages: new Map(), spokenAt: new Map() }
      const chat: Chat = { id, type, title, username: username ?? null, ...empty, ...none }
      chats.set(id, chat)
      return chat
    },
    chatFor(named) {
      const text = String(named ?? '')
      if (text === '') throw new Refused(400, 'Bad Request: chat_id is empty')
      const chat = text.startsWith('@')
        ? [...chats.values()].find(({ username }) => username === text.slice(1))
        : /^-?\d+$/.test(text)
          ? chats.get(Number(text))
          : undefined
      if (chat === undefined || chat.isDeleted) throw new Refused(400, 'Bad Request: chat not found')
      if (chat.movedTo !== null) {
        const said = 'Bad Request: group chat was upgraded to a supergroup chat'
        throw new Refused(400, said, { migrate_to_chat_id: chat.movedTo })
      }
      if (chat.barred !== null) throw new Refused(403, `Forbidden: ${chat.barred}`)
      return chat
    },
    write(id, text, { by = ALICE, replyTo, more = {}, times = 1 } = {}) {
      const chat = chatAt(id)
      const isHeardHere = isHeard(chat, text, replyTo ?? null)
      const stored = addMessage(chat, {
        ...{
          fromBot: false,
          isSilent: false,
          isPreviewOff: false,
          replyTo: replyTo ?? null,
          answerTo: null,
          atMs: nowMs(),
          document: null,
        },
        ...{ text, entities: [], keyboard: [] },
      })
      chat.spokenAt.set(stored.id, stored.id)
      const message = {
        message_id: stored.id,
        date: Math.floor(nowMs() / 1000),
        chat: chatView(chat),
        from: { is_bot: false, ...by },
        text,
        ...(replyTo === undefined ? {} : { reply_to_message: replyView(chat, replyTo, bot) }),
        ...more,
      }
      if (isHeardHere) updates.add({ message }, times)
      return stored.id
    },
    press(id, messageId, data, by = ALICE, times = 1) {
      const chat = chatAt(id)
      const shown = chat.messages.get(messageId)
      if (!shown?.keyboard.some(row => row.some(({ callback_data }) => callback_data === data))) {
        throw new Error(`no button ${data} is shown at message ${messageId}`)
      }
      if (!chat.spokenAt.has(messageId)) chat.spokenAt.set(messageId, chat.lastId)
      callbackId += 1n
      const callback = String(callbackId)
      callbacks.set(callback, { atMs: nowMs(), isAnswered: false, answeredMs: null })
      const message = messageView(chat, shown, bot)
      const query = { id: callback, from: { is_bot: false, ...by }, message, chat_instance: '77', data }
      updates.add({ callback_query: query }, times)
      return callback
    },
    migrate(id) {
      const chat = chatAt(id)
      chat.movedTo = -1_009_000_000_000 - Math.abs(id)
      this.addChat(chat.movedTo, 'supergroup', chat.title)
      return chat.movedTo
    },
  }
}

export function addMessage(chat: Chat, message: Omit<Stored, 'id' | 'isEdited'>): Stored {
  if (chat.messages.size >= MOST_MESSAGES) throw new Error('the fake keeps no more messages')
  chat.lastId += 1
  const stored: Stored = { ...message, id: chat.lastId, isEdited: false }
  chat.messages.set(stored.id, stored)
  return stored
}

function replyView(chat: Chat, id: number, bot: World['bot']): object {
  const to = chat.messages.get(id)
  return to === undefined ? { message_id: id } : messageView(chat, to, bot)
}

export function chatView({ id, type, title, username }: Chat): object {
  const named = type === 'private' ? { first_name: title } : { title }
  return { id, type, ...named, ...(username === null ? {} : { username }) }
}

/** A message as the Bot API shows it. */
export function messageView(chat: Chat, message: Stored, bot: World['bot']): object {
  const { id, atMs, text, entities, keyboard, replyTo, document, isEdited } = message
  const to = replyTo === null ? undefined : chat.messages.get(replyTo)
  const body =
    document === null
      ? { text, entities }
      : {
          caption: text,
          document: { file_id: `file-${chat.id}-${id}`, file_name: document.name, file_size: document.bytes.length },
        }
  return {
    message_id: id,
    from: message.fromBot ? { id: bot.id, is_bot: true, first_name: 'heald', username: bot.username } : ALICE,
    chat: chatView(chat),
    date: Math.floor(atMs / 1000),
    ...body,
    ...(isEdited ? { edit_date: Math.floor(Date.now() / 1000) } : {}),
    ...(keyboard.length === 0 ? {} : { reply_markup: { inline_keyboard: keyboard } }),
    ...(to === undefined ? {} : { reply_to_message: { message_id: to.id, chat: chatView(chat) } }),
  }
}
