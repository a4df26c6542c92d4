import type { Api } from 'grammy'
import type { BotCommand } from 'grammy/types'
import type { Sayable } from '../../bot/channel.ts'
import { troubleOf } from './telegram-verdict.ts'

/** Of a command's description: core.telegram.org/bots/api#botcommand. */
const MOST_DESCRIPTION = 256

/** The words as Telegram lists them while somebody types. Those for the host alone are not listed. */
export function commandsOf(words: readonly Sayable[]): BotCommand[] {
  return words
    .filter(({ host }) => host !== true)
    .map(({ word, usage, summary }) => {
      const description = usage === '' ? summary : `${usage}: ${summary}`
      const isLong = description.length > MOST_DESCRIPTION
      return { command: word, description: isLong ? `${description.slice(0, MOST_DESCRIPTION - 1)}…` : description }
    })
}

/** Makes the list what it is to be, if it is another one. Never rejects: without it people type what help says. */
export async function registerCommands(
  api: Pick<Api, 'getMyCommands' | 'setMyCommands'>,
  words: readonly Sayable[],
  warn: (text: string) => void,
): Promise<void> {
  const wanted = commandsOf(words)
  try {
    const now = await api.getMyCommands()
    const isSame =
      now.length === wanted.length &&
      wanted.every(({ command, description }, at) => {
        return now[at]?.command === command && now[at]?.description === description
      })
    if (!isSame) await api.setMyCommands(wanted)
  } catch (error) {
    warn(`Telegram’s list of commands could not be set: ${troubleOf(error).why}`)
  }
}
