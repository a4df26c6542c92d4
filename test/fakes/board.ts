import { drawDiscord } from '../gallery/draw-discord.ts'
import { drawSlack } from '../gallery/draw-slack.ts'
import { drawTelegram } from '../gallery/draw-telegram.ts'
import { drawWhatsApp } from '../gallery/draw-text.ts'
import { element, escaped, fieldsOf } from '../gallery/mark.ts'
import {
  aboutNow,
  attached,
  discordAnswers,
  discordForm,
  pressDiscordAnswer,
  pressSlackAnswer,
  slackAnswers,
  slackForm,
  type Timed,
} from './board-answers.ts'
import { type DiscordFake, startDiscordFake } from './discord/server.ts'
import { plainId, type SlackFake, startSlackFake } from './slack/fake.ts'
import { startTelegramFake, type TelegramFake } from './telegram/server.ts'
import { startWhatsAppFake, type WhatsAppFake } from './whatsapp/server.ts'

/** What a chat shows now; `html` is drawn already. */
export interface ShownMessage {
  readonly id: string
  readonly isOurs: boolean
  readonly isSilent: boolean
  readonly isEdited: boolean
  /** An answer that nobody else sees. */
  readonly isPrivate: boolean
  readonly replyTo: string | null
  readonly html: string
}

export interface ShownChat {
  readonly platform: string
  readonly id: string
  readonly title: string
  readonly messages: readonly ShownMessage[]
  /** Title of a form that stands open over it; null: none. */
  readonly form: string | null
}

/** The fakes of three platforms, and of WhatsApp if it is wanted, each with two chats, as people use them. */
export interface Board {
  readonly telegram: TelegramFake
  readonly discord: DiscordFake
  readonly slack: SlackFake
  readonly whatsapp: WhatsAppFake | null
  chats(): ShownChat[]
  /** A person writes a command. Throws for a chat that there is not. */
  say(platform: string, chat: string, text: string): void
  /** A person presses a button. Throws where there is none. */
  press(platform: string, chat: string, message: string, button: string): void
  /** The form that stands open is sent, or with null closed. Throws where there is none. */
  fillIn(platform: string, code: string | null): void
  close(): Promise<void>
}

const GROUP = -1_001_234_567_890
/** Alice, who uses the page, as Telegram names her. */
export const PERSON = 5001
const SUPPRESS_NOTIFICATIONS = 1 << 12

/** What the device of the fake WhatsApp is linked to: a group and a person. */
const WHATSAPP_CHATS = { group: '120363012345678901@g.us', person: '15550002222@c.us' }

/** @param ports of Telegram, Discord and Slack, and of WhatsApp if it is wanted; they have to be free */
export async function openBoard(
  [telegramPort, discordPort, slackPort]: readonly [number, number, number],
  whatsAppPort: number | null,
): Promise<Board> {
  const telegram = await startTelegramFake({ port: telegramPort })
  telegram.world.addChat(GROUP, 'supergroup', 'Operations')
  telegram.world.addChat(PERSON, 'private', 'Alice')
  const discord = await startDiscordFake({ port: discordPort })
  const slack = await startSlackFake({ port: slackPort })
  const whatsapp = whatsAppPort === null ? null : await openWhatsApp(whatsAppPort)
  /** What people wrote where the fake itself does not keep it. */
  const said: { readonly chat: string; readonly text: string; readonly atMs: number }[] = []

  /** Where something was done last, by platform: a form stands there. */
  const usedIn = new Map<string, string>()
  const formIn = (platform: string, chat: string, form: { readonly title: string } | null) =>
    form !== null && usedIn.get(platform) === chat ? form.title : null

  const saidIn = (chat: string): Timed[] =>
    said.flatMap((one, index) => (one.chat === chat ? [{ ...plain(`said ${index}`, one.text), atMs: one.atMs }] : []))

  return {
    ...{ telegram, discord, slack, whatsapp },
    chats: () => [
      ...telegramChats(telegram),
      ...[...discord.world.channels.values()].map(({ id, messages }, index) => ({
        ...{ platform: 'discord', id, title: index === 0 ? '#ops' : '#night' },
        form: formIn('discord', id, discordForm(discord)),
        messages: inOrder([
          ...saidIn(id),
          ...discordAnswers(discord, id),
          ...messages.map(message => ({
            ...{ id: message.id, isOurs: true, isEdited: message.isEdited, replyTo: message.replyTo },
            isPrivate: false,
            isSilent: (message.flags & SUPPRESS_NOTIFICATIONS) !== 0,
            ...{ html: drawDiscord(message, aboutNow()), atMs: message.createdMs },
          })),
        ]),
      })),
      ...[...slack.workspace.rooms.values()].map(({ id, messages }, index) => ({
        ...{ platform: 'slack', id, title: index === 0 ? '#ops' : '#night' },
        form: formIn('slack', id, slackForm(slack)),
        messages: inOrder([
          ...saidIn(id),
          ...slackAnswers(slack, id),
          ...messages.map(message => ({
            ...{ id: message.ts, isOurs: message.isOurs, isSilent: false, isEdited: message.editedTs !== null },
            isPrivate: false,
            ...{ replyTo: message.threadTs, html: drawSlack(message), atMs: Number(message.ts) * 1000 },
          })),
        ]),
      })),
      ...(whatsapp === null ? [] : whatsAppChats(whatsapp)),
    ],
    say(platform, chat, text) {
      usedIn.set(platform, chat)
      const atMs = Date.now()
      if (platform === 'telegram') {
        const group = Number(chat) === GROUP
        telegram.world.write(Number(chat), group ? text.replace(/^(\/\w+)/, `$1@${telegram.world.bot.username}`) : text)
        return
      }
      if (platform === 'discord' && discord.world.channels.has(chat)) {
        discord.type(chat, text)
      } else if (platform === 'slack' && slack.workspace.rooms.has(chat)) {
        slack.sockets.send('slash_commands', slack.commandOf(chat, text.replace(/^\//, '')))
      } else throw new Error(`there is no chat ${chat} on ${platform}`)
      said.push({ chat, text, atMs })
    },
    press(platform, chat, message, button) {
      usedIn.set(platform, chat)
      if (platform === 'telegram') telegram.world.press(Number(chat), Number(message), button)
      else if (platform === 'discord') {
        if (!pressDiscordAnswer(discord, chat, message, button))
          discord.interact(chat, { kind: 'button', id: button, message })
      } else if (!pressSlackAnswer(slack, message, plainId(button)))
        slack.sockets.send('interactive', slack.pressOf(chat, message, plainId(button)))
    },
    fillIn(platform, code) {
      const [onDiscord, onSlack] = [discordForm(discord), slackForm(slack)]
      if (platform === 'discord' && onDiscord !== null) {
        if (code === null) onDiscord.isOver = true
        else discord.interact(usedIn.get(platform) ?? '', { kind: 'form', code })
      } else if (platform === 'slack' && onSlack !== null) {
        if (code === null) onSlack.isSubmitted = true
        else slack.sockets.send('interactive', slack.submissionOf(code))
      } else throw new Error('there is no form to fill in')
    },
    async close() {
      await Promise.all([telegram.close(), discord.close(), slack.close(), whatsapp?.close()])
    },
  }
}

function telegramChats({ world }: TelegramFake): ShownChat[] {
  return [...world.chats.values()].map(({ id, title, messages }) => ({
    ...{ platform: 'telegram', id: String(id), title, form: null },
    messages: [...messages.values()].map(message => ({
      ...{ id: String(message.id), isOurs: message.fromBot, isSilent: message.isSilent, isEdited: message.isEdited },
      ...{ isPrivate: false, replyTo: message.replyTo === null ? null : String(message.replyTo) },
      html: drawTelegram(message) + attached(fileOf(message.document)),
    })),
  }))
}

function fileOf(document: { readonly name: string; readonly bytes: Buffer } | null) {
  return document === null ? null : { name: document.name, text: document.bytes.toString('utf8') }
}

/** Its telephone scans the first code by itself. */
async function openWhatsApp(port: number): Promise<WhatsAppFake> {
  const fake = await startWhatsAppFake({ port })
  const { group, person } = WHATSAPP_CHATS
  fake.account.chats.set(group, { id: group, name: 'Night shift', participants: [fake.account.me, person] })
  fake.account.chats.set(person, { id: person, name: 'Alice', participants: [] })
  fake.scan()
  return fake
}

function whatsAppChats({ account }: WhatsAppFake): ShownChat[] {
  return [...account.chats.values()].map(({ id, name }) => ({
    ...{ platform: 'whatsapp', id, title: name, form: null },
    messages: [...account.messages.values()]
      .filter(({ chat, isRevoked }) => chat === id && !isRevoked)
      .map(({ key, body, quoted, isEdited }) => ({
        ...{
          id: key,
          isOurs: true,
          isSilent: false,
          isEdited,
          isPrivate: false,
          replyTo: quoted,
          html: drawWhatsApp(body),
        },
      })),
  }))
}

function plain(id: string, text: string): ShownMessage {
  const html = element('div', 'text', escaped(text))
  return { ...{ id, isOurs: false, isSilent: false, isEdited: false, isPrivate: false, replyTo: null }, html }
}

function inOrder(messages: readonly Timed[]): ShownMessage[] {
  return [...messages].sort((a, b) => a.atMs - b.atMs).map(({ atMs: _, ...message }) => message)
}

/** What somebody did on the page, as it comes in; throws for what can't be done. */
export function perform(board: Board, raw: unknown): void {
  const { platform, chat, text, message, button, code } = fieldsOf(raw)
  if (typeof platform !== 'string' || typeof chat !== 'string') throw new Error('which chat?')
  if (typeof text === 'string') board.say(platform, chat, text)
  else if (typeof message === 'string' && typeof button === 'string') board.press(platform, chat, message, button)
  else if (typeof code === 'string' || code === null) board.fillIn(platform, code)
  else throw new Error('neither words nor a button nor a form')
}
