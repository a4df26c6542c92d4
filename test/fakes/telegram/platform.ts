import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTelegram } from '../../../adapters/chat/telegram.ts'
import type { Channel, ChannelEvents } from '../../../bot/channel.ts'
import type { Platform } from '../../conformance/platform.ts'
import { startTelegramFake, type TelegramFake, type TelegramFakeOptions } from './server.ts'

export interface TelegramPlatform extends Platform {
  readonly fake: TelegramFake
  readonly warnings: readonly string[]
  /** What the adapter finds where its token is kept. */
  readonly secret: { read: () => Promise<string> }
}

const GROUP = -1_001_234_567_890
const PERSON = 5001

/** The fake with the adapter in front of it. `chats`: a supergroup, and a person. */
export async function startTelegramPlatform(options: TelegramFakeOptions = {}): Promise<TelegramPlatform> {
  const fake = await startTelegramFake(options)
  const { world } = fake
  world.addChat(GROUP, 'supergroup', 'Operations')
  world.addChat(PERSON, 'private', 'Alice')
  const folder = await mkdtemp(join(tmpdir(), 'heald-telegram-'))
  const warnings: string[] = []
  const secret = { read: async () => fake.token }
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
          readSecret: () => secret.read(),
          warn: text => void warnings.push(text),
          folder,
        },
      ),
    shown: chat =>
      [...chatAt(chat).messages.values()]
        .filter(({ fromBot }) => fromBot)
        .map(({ id, text, isSilent, replyTo, keyboard, isEdited }) => ({
          ...{ reference: String(id), text, isSilent, isEdited },
          replyTo: replyTo === null ? null : String(replyTo),
          buttons: keyboard.flat().map(({ callback_data }) => callback_data),
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
    say(chat, text, times = 1) {
      const { type } = chatAt(chat)
      world.write(Number(chat), type === 'private' ? text : atBot(text, world.bot.username), { times })
    },
    press: (chat, reference, id) => void world.press(Number(chat), Number(reference), id),
    breaches: fake.breaches,
    async close() {
      await fake.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** `/status agent` → `/status@heald_bot agent`, as the clients write it in groups. */
function atBot(text: string, username: string): string {
  return text.replace(/^(\/\w+)/, `$1@${username}`)
}
