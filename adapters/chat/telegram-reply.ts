import type { Api } from 'grammy'
import type { Channel, Verdict, Word, WordAnswers } from '../../bot/channel.ts'
import type { Message } from '../../bot/message.ts'
import { payloadOf } from './telegram-payload.ts'
import type { Heard } from './telegram-word.ts'

/** Of the text below a file, in UTF-16 code units: core.telegram.org/bots/api#senddocument. */
const MOST_CAPTION = 1024
/** Where Telegram says nothing of when. */
const AGAIN_MS = 1500

export interface ReplyTools {
  readonly sdk: Pick<typeof import('grammy'), 'InputFile'>
  /** Asks Telegram for one thing; `act` answers with the reference. */
  readonly request: (act: (api: Api) => Promise<string>, reference: string | null) => Promise<Verdict>
  readonly post: Channel['post']
  readonly edit: Channel['edit']
  readonly warn: (text: string) => void
}

/** How a word is answered on Telegram: by a message that everybody in the chat sees, under the word. There are no forms. */
export function repliesTo(
  { word, messageId, callback }: Heard,
  { sdk, request, post, edit, warn }: ReplyTools,
): WordAnswers {
  const { chat } = word
  const how = { key: '', isAgain: false, isSilent: false, replyTo: String(messageId) }

  function send(message: Message, file: { name: string; text: string }): Promise<Verdict> {
    const whole = payloadOf(message)
    const { html, keyboard } = whole.units <= MOST_CAPTION ? whole : payloadOf({ ...message, blocks: [] })
    return request(async api => {
      const sent = await api.sendDocument(chat, new sdk.InputFile(Buffer.from(file.text), file.name), {
        caption: html,
        parse_mode: 'HTML',
        reply_parameters: { message_id: messageId, allow_sending_without_reply: true },
        ...(keyboard.length === 0 ? {} : { reply_markup: { inline_keyboard: keyboard } }),
      })
      return String(sent.message_id)
    }, null)
  }

  async function show(...[message, { file, isInPlace = false } = {}]: Parameters<Word['reply']>): Promise<Verdict> {
    if (isInPlace && callback !== null) {
      const verdict = await edit(chat, String(messageId), message)
      if (verdict.verdict !== 'gone') return verdict
    }
    return file === undefined ? post(chat, message, how) : send(message, file)
  }

  return {
    isPaced: true,
    askCode: null,
    showBusy: () => void request(async api => String(await api.sendChatAction(chat, 'typing')), null),
    async reply(...given) {
      const verdict = await show(...given)
      if (verdict.verdict === 'retry' && !verdict.isOpen) return verdict.afterMs ?? AGAIN_MS
      if (verdict.verdict !== 'done') warn(`an answer to ${word.name} could not be shown: ${verdict.why}`)
      return null
    },
    async hide() {
      if (callback !== null) return false
      const verdict = await request(async api => String(await api.deleteMessage(chat, messageId)), null)
      return verdict.verdict === 'done'
    },
  }
}
