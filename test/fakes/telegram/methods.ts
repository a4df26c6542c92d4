import { type Answer, done, no, Refused, tooFast } from './answer.ts'
import { readButtons, readText, readTruth, type TextLimit } from './fields.ts'
import type { Flood } from './flood.ts'
import { addMessage, type Chat, chatView, messageView, type Stored, type World } from './world.ts'

export type Args = Readonly<Record<string, unknown>>

export interface Files {
  /** The content of the part that a field names with `attach://`, or of the field itself. */
  get(field: string): { readonly name: string; readonly bytes: Buffer } | undefined
}

interface Ground {
  readonly world: World
  readonly flood: Flood
  readonly nowMs: () => number
  /** What the real server lets pass, and does otherwise than was asked. */
  readonly note: (oddity: string) => void
}

interface Method {
  /** Posts, edits or looks for messages. */
  readonly isOfMessages?: boolean
  /** Fields that the documents name; others are taken by the real server without a word, and noted here. */
  readonly fields: readonly string[]
  run(args: Args, ground: Ground, files: Files): unknown
}

const TEXT: TextLimit = { most: 4096, empty: 'message text is empty', tooLong: 'message is too long' }
const CAPTION: TextLimit = { most: 1024, empty: null, tooLong: 'message caption is too long' }
const ANSWER_MOST = 200
/** A press is not waited for longer by the clients. */
const CALLBACK_MS = 15_000
const DELETE_MS = 48 * 3_600_000
const DOCUMENT_MOST_BYTES = 50 << 20
const ACTIONS = /^(typing|(upload|record)_(photo|video|voice|video_note)|upload_document|choose_sticker|find_location)$/
const SEND = ['chat_id', 'parse_mode', 'disable_notification', 'reply_parameters', 'reply_markup', 'protect_content']
const AT = ['chat_id', 'message_id']

/** Methods of core.telegram.org/bots/api#available-methods, but those of polling. */
export const METHODS: Readonly<Record<string, Method>> = {
  getme: {
    fields: [],
    run: (_, { world: { bot } }) => ({
      ...{ id: bot.id, is_bot: true, first_name: 'heald', username: bot.username, can_join_groups: true },
      ...{ can_read_all_group_messages: false, supports_inline_queries: false, has_main_web_app: false },
    }),
  },
  sendmessage: {
    isOfMessages: true,
    fields: [...SEND, 'text', 'entities', 'link_preview_options', 'message_thread_id'],
    run(args, ground) {
      const text = readText(args.text, args.parse_mode, TEXT, ground.note)
      return post(args, ground, { ...text, document: null })
    },
  },
  senddocument: {
    isOfMessages: true,
    fields: [...SEND, 'document', 'caption', 'message_thread_id', 'disable_content_type_detection'],
    run(args, ground, files) {
      const document = files.get('document')
      if (document === undefined) throw new Refused(400, 'Bad Request: there is no document in the request')
      if (document.bytes.length === 0) throw new Refused(400, 'Bad Request: file must be non-empty')
      if (document.bytes.length > DOCUMENT_MOST_BYTES) throw new Refused(413, 'Request Entity Too Large')
      return post(args, ground, { ...readText(args.caption, args.parse_mode, CAPTION, ground.note), document })
    },
  },
  editmessagetext: {
    isOfMessages: true,
    fields: [...AT, 'text', 'parse_mode', 'entities', 'link_preview_options', 'reply_markup'],
    run(args, ground) {
      const text = readText(args.text, args.parse_mode, TEXT, ground.note)
      return change(args, ground, { ...text, keyboard: readButtons(args.reply_markup) })
    },
  },
  editmessagereplymarkup: {
    isOfMessages: true,
    fields: [...AT, 'reply_markup'],
    run: (args, ground) => change(args, ground, { keyboard: readButtons(args.reply_markup) }),
  },
  deletemessage: {
    isOfMessages: true,
    fields: AT,
    run(args, { world, nowMs }) {
      const chat = world.chatFor(args.chat_id)
      const message = chat.messages.get(Number(args.message_id))
      if (message === undefined) throw new Refused(400, 'Bad Request: message to delete not found')
      // Its own, and what comes in in a private chat; in a group as an administrator who may.
      const isAllowed = message.fromBot || chat.type === 'private' || chat.isAdmin
      if (!isAllowed || (nowMs() - message.atMs > DELETE_MS && !chat.isAdmin))
        throw new Refused(400, "Bad Request: message can't be deleted")
      chat.messages.delete(message.id)
      return true
    },
  },
  answercallbackquery: {
    fields: ['callback_query_id', 'text', 'show_alert', 'url', 'cache_time'],
    run(args, { world, nowMs }) {
      const callback = world.callbacks.get(String(args.callback_query_id))
      if (callback === undefined || nowMs() - callback.atMs > CALLBACK_MS) {
        const said = 'query is too old and response timeout expired or query ID is invalid'
        throw new Refused(400, `Bad Request: ${said}`)
      }
      if (String(args.text ?? '').length > ANSWER_MOST) throw new Refused(400, 'Bad Request: MESSAGE_TOO_LONG')
      callback.isAnswered = true
      callback.answeredMs ??= nowMs() - callback.atMs
      return true
    },
  },
  sendchataction: {
    fields: ['chat_id', 'message_thread_id', 'action', 'business_connection_id'],
    run(args, { world }) {
      const chat = world.chatFor(args.chat_id)
      if (!ACTIONS.test(String(args.action ?? '')))
        throw new Refused(400, 'Bad Request: wrong parameter action in request')
      world.actions.push({ chat: chat.id, action: String(args.action) })
      return true
    },
  },
  setmycommands: {
    fields: ['commands', 'scope', 'language_code'],
    run(args, { world }) {
      const commands: unknown = typeof args.commands === 'string' ? JSON.parse(args.commands) : args.commands
      if (!Array.isArray(commands)) throw new Refused(400, "Bad Request: can't parse commands: expected an Array")
      if (commands.length > 100) throw new Refused(400, 'Bad Request: BOT_COMMANDS_TOO_MUCH')
      for (const { command, description } of commands as { command?: unknown; description?: unknown }[]) {
        if (!/^\/?[a-z0-9_]{1,32}$/.test(String(command))) throw new Refused(400, 'Bad Request: BOT_COMMAND_INVALID')
        const words = String(description ?? '')
        if (words.length < 1 || words.length > 256) {
          throw new Refused(400, 'Bad Request: BOT_COMMAND_DESCRIPTION_INVALID')
        }
      }
      world.commands = commands.map(({ command, description }) => ({
        command: String(command).replace(/^\//, ''),
        description: String(description),
      }))
      world.commandsSet += 1
      return true
    },
  },
  getmycommands: { fields: ['scope', 'language_code'], run: (_, { world }) => world.commands },
  getchat: {
    fields: ['chat_id'],
    run: (args, { world }) => ({
      ...chatView(world.chatFor(args.chat_id)),
      accent_color_id: 0,
      max_reaction_count: 11,
    }),
  },
}

/** Runs a method; the answer is what Telegram would say. */
export function answerTo(name: string, args: Args, ground: Ground, files: Files): Answer {
  const method = METHODS[name]
  if (method === undefined) return no(404, 'Not Found: method not found')
  for (const field of Object.keys(args)) {
    if (!method.fields.includes(field)) ground.note(`${name} has no field ${field}`)
  }
  try {
    return done(method.run(args, ground, files))
  } catch (error) {
    if (error instanceof Refused) return error.answer
    throw error
  }
}

/** Throws when too much is sent; the flood control comes last, after all that is wrong with a request. */
function takePlace(chat: Chat, { flood }: Ground): void {
  const seconds = flood.take(chat.id, chat.type !== 'private')
  if (seconds !== null) throw tooFast(seconds)
}

function post(args: Args, ground: Ground, body: Pick<Stored, 'text' | 'entities' | 'document'>): object {
  const { world, nowMs } = ground
  const keyboard = readButtons(args.reply_markup)
  const chat = world.chatFor(args.chat_id)
  const reply = replyIn(args.reply_parameters, chat)
  takePlace(chat, ground)
  const isSilent = readTruth(args.disable_notification)
  const isPreviewOff = isPreviewOffIn(args.link_preview_options)
  const more = { keyboard, isSilent, isPreviewOff, ...reply }
  const stored = addMessage(chat, { ...body, ...more, fromBot: true, atMs: nowMs() })
  return messageView(chat, stored, world.bot)
}

function isPreviewOffIn(given: unknown): boolean {
  const options: unknown = typeof given === 'string' ? JSON.parse(given) : given
  return typeof options === 'object' && options !== null && 'is_disabled' in options && readTruth(options.is_disabled)
}

function replyIn(given: unknown, chat: Chat): Pick<Stored, 'replyTo' | 'answerTo'> {
  if (given === undefined || given === null) return { replyTo: null, answerTo: null }
  const reply: unknown = typeof given === 'string' ? JSON.parse(given) : given
  const { message_id: id, allow_sending_without_reply: isForgiving } = reply as Record<string, unknown>
  if (typeof id !== 'number')
    throw new Refused(400, "Bad Request: can't parse reply parameters: message_id is expected")
  if (chat.messages.has(id)) return { replyTo: id, answerTo: id }
  if (readTruth(isForgiving)) return { replyTo: null, answerTo: id }
  throw new Refused(400, 'Bad Request: message to be replied not found')
}

function change(args: Args, ground: Ground, to: Partial<Pick<Stored, 'text' | 'entities' | 'keyboard'>>): object {
  const { world } = ground
  const chat = world.chatFor(args.chat_id)
  if (!/^\d+$/.test(String(args.message_id ?? ''))) {
    throw new Refused(400, 'Bad Request: message identifier is not specified')
  }
  const stored = chat.messages.get(Number(args.message_id))
  if (stored === undefined) throw new Refused(400, 'Bad Request: message to edit not found')
  if (!stored.fromBot) throw new Refused(400, "Bad Request: message can't be edited")
  takePlace(chat, ground)
  const next = { text: stored.text, entities: stored.entities, keyboard: stored.keyboard, ...to }
  const before = JSON.stringify([stored.text, stored.entities, stored.keyboard])
  if (JSON.stringify([next.text, next.entities, next.keyboard]) === before) {
    const said = 'message is not modified: specified new message content and reply markup are exactly the same as a'
    throw new Refused(400, `Bad Request: ${said} current content and reply markup of the message`)
  }
  Object.assign(stored, next, { isEdited: true })
  return messageView(chat, stored, world.bot)
}
