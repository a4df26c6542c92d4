import type { CallbackQuery, Message, Update, UserFromGetMe } from 'grammy/types'
import type { Word, WordAnswers } from '../../bot/channel.ts'

/** `/cmd`, or `/cmd@bot`: core.telegram.org/bots/features#commands. */
const COMMAND = /^\/([A-Za-z0-9_]{1,64})(?:@([A-Za-z0-9_]{1,64}))?(?=\s|$)/

/** Characters of a name that are shown. */
const MOST_NAME = 64

/** A word but for how it is answered, and the message an answer is shown under. */
export interface Heard {
  readonly word: Omit<Word, keyof WordAnswers>
  readonly messageId: number
  /** To be answered, or the button turns for a while; null for a written word. */
  readonly callback: string | null
}

/** Commands have no options by name on Telegram, and there are no forms. */
const NO_FORM = { options: null, code: null } as const

/** What somebody says to this bot, or null when nobody does. */
export function heardIn(update: Update, me: UserFromGetMe): Heard | null {
  if (update.message !== undefined) return written(update.message, me)
  if (update.callback_query !== undefined) return pressed(update.callback_query, me)
  return null
}

function written(message: Message, me: UserFromGetMe): Heard | null {
  const { from, text, chat } = message
  if (from === undefined || from.is_bot || text === undefined) return null
  // Written as a group or a channel: nobody can tell by whom. Forwarded: said by somebody else, some other time.
  if (message.sender_chat !== undefined || message.forward_origin !== undefined) return null
  if (message.via_bot !== undefined || message.is_automatic_forward === true) return null
  const command = COMMAND.exec(text)
  const named = command?.[2]
  if (named !== undefined && named.toLowerCase() !== me.username.toLowerCase()) return null
  if (chat.type !== 'private') {
    if (command === null) return null
    // Who hears everything in a group would also hear what is meant for the other bots there.
    if (named === undefined && (me.can_read_all_group_messages || isToOther(message, me))) return null
  }
  // `/status@heald_bot agent` is `/status agent`.
  const plain = command === null ? text : `/${command[1]}${text.slice(command[0].length)}`
  return {
    word: {
      ...personOf(from, chat.id),
      key: `telegram:${me.id}:${chat.id}:${message.message_id}`,
      saidMs: message.date * 1000,
      button: null,
      text: plain,
      ...NO_FORM,
    },
    messageId: message.message_id,
    callback: null,
  }
}

function pressed(query: CallbackQuery, me: UserFromGetMe): Heard | null {
  if (query.message === undefined || query.data === undefined || query.from.is_bot) return null
  return {
    word: {
      ...personOf(query.from, query.message.chat.id),
      key: `telegram:${me.id}:cb:${query.id}`,
      // Nobody is told when; the button itself grows old.
      saidMs: null,
      button: query.data,
      text: '',
      ...NO_FORM,
    },
    messageId: query.message.message_id,
    callback: query.id,
  }
}

function isToOther({ reply_to_message: to }: Message, me: UserFromGetMe): boolean {
  return to?.from?.is_bot === true && to.from.id !== me.id
}

function personOf(
  { id, first_name: first, last_name: last, username }: CallbackQuery['from'],
  chat: number,
): Pick<Word, 'platform' | 'user' | 'name' | 'chat'> {
  const name = [first, last].filter(part => part !== undefined && part !== '').join(' ')
  // People choose it, so it must not turn the text around it, or fill a line.
  const plain = [...(name || username || '').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')]
    .slice(0, MOST_NAME)
    .join('')
  return { platform: 'telegram', user: String(id), name: plain || String(id), chat: String(chat) }
}
