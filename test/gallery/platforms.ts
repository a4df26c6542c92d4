import { cardOf } from '../../adapters/chat/console-text.ts'
import { bodyOf, fits as fitsDiscord } from '../../adapters/chat/discord-payload.ts'
import { fitsSlack, payloadOf as slackPayload } from '../../adapters/chat/slack-payload.ts'
import { fitsTelegram, payloadOf as telegramPayload } from '../../adapters/chat/telegram-payload.ts'
import { fitsIn, textOf } from '../../adapters/chat/whatsapp-text.ts'
import type { Message } from '../../bot/message.ts'
import { parseHtml } from '../fakes/telegram/html.ts'
import { drawDiscord } from './draw-discord.ts'
import { drawSlack } from './draw-slack.ts'
import { drawTelegram } from './draw-telegram.ts'
import { drawConsole, drawWhatsApp } from './draw-text.ts'

/** A platform as the gallery shows it: the adapter's own payload, drawn in HTML. */
export interface Shown {
  readonly name: string
  readonly title: string
  fits(message: Message): boolean
  /** `answers`: it is shown as an answer to the card before it. */
  draw(message: Message, how: { readonly nowMs: number; readonly answers: boolean }): string
}

const CONSOLE = { hasColour: true, isOneChat: true, chat: 'ops' }

export const PLATFORMS: readonly Shown[] = [
  {
    ...{ name: 'telegram', title: 'Telegram', fits: fitsTelegram },
    draw(message) {
      const { html, keyboard } = telegramPayload(message)
      return drawTelegram({ ...parseHtml(html), keyboard })
    },
  },
  {
    ...{ name: 'discord', title: 'Discord', fits: fitsDiscord },
    draw: (message, { nowMs }) => drawDiscord(bodyOf(message), nowMs),
  },
  { ...{ name: 'slack', title: 'Slack', fits: fitsSlack }, draw: message => drawSlack(slackPayload(message)) },
  { ...{ name: 'whatsapp', title: 'WhatsApp', fits: fitsIn }, draw: message => drawWhatsApp(textOf(message)) },
  {
    ...{ name: 'console', title: 'A terminal', fits: () => true },
    draw: (message, { answers }) =>
      drawConsole(
        cardOf(message, { ...CONSOLE, reference: answers ? '5f1c.2' : '5f1c.1', replyTo: answers ? '5f1c.1' : null }),
      ),
  },
]
