import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDiscord } from '../../../adapters/chat/discord.ts'
import type { Channel, ChannelEvents } from '../../../bot/channel.ts'
import type { DiscordSpec } from '../../../core/config/channel-spec.ts'
import type { Platform } from '../../conformance/platform.ts'
import { shownText } from './markdown.ts'
import { type DiscordFake, startDiscordFake } from './server.ts'

const SUPPRESS_NOTIFICATIONS = 1 << 12

export interface DiscordPlatform extends Platform {
  readonly fake: DiscordFake
  /** `readSecret`: instead of the token that is taken now. */
  open(events?: Partial<ChannelEvents>, readSecret?: () => Promise<string>): Promise<Channel>
  /** The adapter's own. */
  readonly folder: string
  /** What the adapter has warned of. */
  readonly warnings: string[]
}

export async function discordPlatform(): Promise<DiscordPlatform> {
  const fake = await startDiscordFake()
  const { world, desk, gateway } = fake
  const [one = '', other = ''] = world.channels.keys()
  const opened: Channel[] = []
  const warnings: string[] = []
  const folder = mkdtempSync(join(tmpdir(), 'heald-discord-'))
  const placeOf = (chat: string) => {
    const place = world.channels.get(chat)
    if (place === undefined) throw new Error(`there is no channel ${chat}`)
    return place
  }
  return {
    ...{ name: 'discord', fake, folder, warnings, chats: [one, other] },
    async open(events: Partial<ChannelEvents> = {}, readSecret = async () => world.token) {
      const spec: DiscordSpec = {
        kind: 'discord',
        token: { env: 'DISCORD_TOKEN' },
        apiUrl: fake.apiUrl,
        chats: [one, other],
        quietHours: null,
        digest: null,
      }
      const channel = await openDiscord(spec, {
        events: { onState: () => {}, onWord: () => {}, ...events },
        readSecret,
        warn: text => void warnings.push(text),
        folder,
      })
      opened.push(channel)
      return channel
    },
    shown: chat =>
      placeOf(chat).messages.map(message => ({
        ...{ reference: message.id, text: shownText(message), replyTo: message.replyTo, isEdited: message.isEdited },
        isSilent: (message.flags & SUPPRESS_NOTIFICATIONS) !== 0,
        buttons: message.components.flatMap(row => row.components.map(button => button.custom_id)),
      })),
    requests: () => desk.requests,
    next(trouble, afterMs = 0) {
      desk.trouble = { is: trouble, afterMs }
    },
    remove(chat, reference) {
      const { messages } = placeOf(chat)
      const index = messages.findIndex(message => message.id === reference)
      if (index >= 0) messages.splice(index, 1)
    },
    leave(chat) {
      placeOf(chat).access = 'none'
    },
    revoke() {
      world.isRevoked = true
      gateway.end(4004)
    },
    admit() {
      world.isRevoked = false
    },
    cut: () => fake.cut(),
    say(chat, text, times = 1) {
      const [name = '', ...values] = text.replace(/^\//, '').split(' ')
      const options = values.map((value, index) => ({ name: `o${index}`, type: 3, value }))
      fake.interact(chat, { kind: 'command', name, options }, times)
    },
    press(chat, reference, buttonId) {
      const message = placeOf(chat).messages.find(({ id }) => id === reference)
      const isThere = message?.components.some(row => row.components.some(button => button.custom_id === buttonId))
      if (isThere !== true) throw new Error(`there is no button ${buttonId} to press`)
      fake.interact(chat, { kind: 'button', id: buttonId, message: reference })
    },
    breaches: () => world.breaches,
    async close() {
      for (const channel of opened) await channel.close()
      await fake.close()
      rmSync(folder, { recursive: true, force: true })
    },
    can: { tellTwins: true, buttons: true, silence: true, words: true, edit: true },
  }
}
