import { join } from 'node:path'
import { request } from '../../core/api/client.ts'
import type { CommandView, Offer, Reply, Said, Speaker } from '../../core/command/port.ts'
import type { Stand } from './stand.ts'

/** A client on the bot's socket, in the place of the bot: it says what people would, and whatever else it likes. */
export interface ChatClient {
  /** Anything at any path: what somebody who took the bot over would try. */
  post(path: string, body: object): Promise<unknown>
  say(from: Speaker, said: string | Said, more?: { key?: string; code?: string; waitMs?: number }): Promise<Reply>
  command(id: string): Promise<CommandView | null>
  offers(about: string): Promise<readonly Offer[]>
  /** A key that no word had before. */
  key(from: Speaker): string
}

export const TELEGRAM_CHAT = '-100'
export const DISCORD_CHANNEL = '112233445566778899'

/** Two channels that are never reached: nobody starts a bot, so the test may be it. */
export const CHATS = {
  channels: {
    telegram: { token: { env: 'HEALD_MARK' }, chats: [Number(TELEGRAM_CHAT)], apiRoot: 'http://127.0.0.1:9' },
    discord: { token: { env: 'HEALD_MARK' }, channels: [DISCORD_CHANNEL], apiUrl: 'http://127.0.0.1:9' },
  },
  bot: { run: 'unit' },
} as const

export const telegram = (user: number): Speaker => ({ platform: 'telegram', user: String(user), chat: TELEGRAM_CHAT })
export const discord = (user: number): Speaker => ({ platform: 'discord', user: String(user), chat: DISCORD_CHANNEL })

const TIMEOUT_MS = 30_000

export function chatClient(stand: Pick<Stand, 'state'>): ChatClient {
  const socket = join(stand.state, 'bot.sock')
  let words = 0
  const post = (path: string, body: object) => request(socket, 'POST', path, body, { timeoutMs: TIMEOUT_MS })
  const key = ({ platform, chat }: Speaker) => {
    words += 1
    return `${platform}:bot:${chat}:${process.pid}-${words}`
  }
  return {
    post,
    key,
    async say(from, said, more = {}) {
      const what = typeof said === 'string' ? { text: said } : said
      return (await post('/v1/request', { ...from, key: key(from), ...what, ...more })) as Reply
    },
    command: async id => (await post('/v1/query', { what: 'command', id })) as CommandView | null,
    offers: async about => (await post('/v1/query', { what: 'offers', about })) as readonly Offer[],
  }
}

/** The command of a reply. */
export function commandIn(reply: Reply): CommandView {
  if (reply.reply === 'command') return reply.command
  throw new Error(`no command, but: ${JSON.stringify(reply)}`)
}
