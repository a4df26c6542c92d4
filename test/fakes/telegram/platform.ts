import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTelegram } from '../../../adapters/chat/telegram.ts'
import type { Channel, ChannelEvents } from '../../../bot/channel.ts'
import { SAYABLE } from '../../../bot/sayable.ts'
import type { Speaking } from '../../conformance/speaking.ts'
import { startTelegramFake, type TelegramFake, type TelegramFakeOptions } from './server.ts'
import { ALICE, type Person, type Stored } from './world.ts'

export interface TelegramPlatform extends Speaking {
  readonly fake: TelegramFake
  readonly warnings: readonly string[]
  /** What the adapter finds where its token is kept. */
  readonly secret: { read: () => Promise<string> }
}

const GROUP = -1_001_234_567_890
const PERSON = 5001
const BOB: Person = { id: 5002, first_name: 'Bob' }
const PEOPLE = [ALICE, BOB] as const

/** The fake with the adapter in front of it. `chats`: a supergroup, and a person. */
export async function startTelegramPlatform(options: TelegramFakeOptions = {}): Promise<TelegramPlatform> {
  const fake = await startTelegramFake(options)
  const { world } = fake
  world.addChat(GROUP, 'supergroup', 'Operations')
  world.addChat(PERSON, 'private', 'Alice')
  const folder = await mkdtemp(join(tmpdir(), 'heald-telegram-'))
  const warnings: string[] = []
  const secret = { read: async () => fake.token }
  /** Messages of the bot that answer to what somebody wrote or pressed. What calls people replies to a card, and is none. */
  const answered = () =>
    [...world.chats.values()].flatMap(({ id: chat, messages, spokenAt }) =>
      [...messages.values()].flatMap(message => {
        const spokenId = message.fromBot ? spokenAt.get(message.answerTo ?? 0) : undefined
        return spokenId !== undefined && message.id > spokenId ? [{ chat, message }] : []
      }),
    )
  const chatAt = (chat: string) => {
    const found = world.chats.get(Number(chat))
    if (found === undefined) throw new Error(`no chat ${chat}`)
    return found
  }
  return {
    name: 'telegram',
    fake,
    warnings,
    secret,
    chats: [String(GROUP), String(PERSON)],
    can: { tellTwins: false, buttons: true, silence: true, words: true, edit: true },
    open: (events: Partial<ChannelEvents> = {}): Promise<Channel> =>
      openTelegram(
        {
          ...{ kind: 'telegram', token: { env: 'TOKEN' }, apiRoot: fake.apiRoot, chats: [String(GROUP)] },
          ...{ quietHours: null, digest: null },
        },
        {
          events: { onState: () => {}, onWord: () => {}, ...events },
          words: SAYABLE,
          readSecret: () => secret.read(),
          warn: text => void warnings.push(text),
          folder,
        },
      ),
    shown: chat =>
      [...chatAt(chat).messages.values()]
        .filter(({ fromBot }) => fromBot)
        .map(message => ({
          ...{ reference: String(message.id), text: message.text, isSilent: message.isSilent },
          ...{ isEdited: message.isEdited, buttons: buttonsOf(message) },
          replyTo: message.replyTo === null ? null : String(message.replyTo),
          labels: message.keyboard.flat().map(({ text }) => text),
          pings: message.entities.flatMap(({ user }) => (user === undefined ? [] : [String(user)])),
        })),
    requests: fake.messageCalls,
    next: (trouble, afterMs) => fake.next('message', trouble, afterMs),
    remove: (chat, reference) => void chatAt(chat).messages.delete(Number(reference)),
    leave(chat) {
      const left = chatAt(chat)
      left.barred = left.type === 'private' ? 'bot was blocked by the user' : 'bot was kicked from the supergroup chat'
    },
    revoke: () => fake.takeOnly(''),
    admit: () => fake.takeOnly(fake.token),
    cut: fake.cut,
    people: [String(ALICE.id), String(BOB.id)],
    does: { privately: false, forms: false, guesses: false, registers: true, again: true, hides: false },
    say(chat, text, times = 1, by = 0) {
      const { type } = chatAt(chat)
      const line = type === 'private' ? text : atBot(text, world.bot.username)
      world.write(Number(chat), line, { times, by: PEOPLE[by] })
    },
    press: (chat, reference, id, by = 0) => void world.press(Number(chat), Number(reference), id, PEOPLE[by]),
    again: () => fake.updates.again(),
    answers: () =>
      answered().map(({ message }) => ({
        ...{ text: message.text, buttons: buttonsOf(message), isPrivate: false },
        file:
          message.document === null
            ? null
            : { name: message.document.name, text: message.document.bytes.toString('utf8') },
      })),
    pressAnswer(at, id, by = 0) {
      const found = answered()[at]
      if (found === undefined) throw new Error(`there is no answer ${at}`)
      world.press(found.chat, found.message.id, id, PEOPLE[by])
    },
    forms: () => [],
    fillIn() {
      throw new Error('there are no forms on Telegram')
    },
    acknowledged: () => [...world.callbacks.values()].map(({ answeredMs }) => answeredMs),
    typing: () => world.actions.length,
    unconfirmed: () => fake.updates.waiting,
    registered: () => world.commands.map(({ command }) => command),
    registrations: () => world.commandsSet,
    guess: async () => [],
    written: chat => [...chatAt(chat).messages.values()].flatMap(({ fromBot, text }) => (fromBot ? [] : [text])),
    setLatency(ms) {
      fake.latencyMs = ms
    },
    breaches: fake.breaches,
    async close() {
      await fake.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function buttonsOf({ keyboard }: Stored): string[] {
  return keyboard.flat().map(({ callback_data }) => callback_data)
}

/** `/status agent` → `/status@heald_bot agent`, as the clients write it in groups. */
function atBot(text: string, username: string): string {
  return text.replace(/^(\/\w+)/, `$1@${username}`)
}
