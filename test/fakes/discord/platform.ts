import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDiscord } from '../../../adapters/chat/discord.ts'
import { commandsOf } from '../../../adapters/chat/discord-commands.ts'
import type { Channel, ChannelEvents } from '../../../bot/channel.ts'
import { SAYABLE } from '../../../bot/sayable.ts'
import type { DiscordSpec } from '../../../core/config/channel-spec.ts'
import type { Speaking } from '../../conformance/speaking.ts'
import { until } from '../../until.ts'
import { putCommands } from './commands.ts'
import { ADA, answersIn, type Person } from './interactions.ts'
import { shownText } from './markdown.ts'
import { type DiscordFake, startDiscordFake } from './server.ts'

const BOB: Person = { id: '175928847299117064', username: 'bob', global_name: 'Bob' }
const PEOPLE = [ADA, BOB] as const
const SUPPRESS_NOTIFICATIONS = 1 << 12

export interface DiscordPlatform extends Speaking {
  readonly fake: DiscordFake
  /** `readSecret`: instead of the token that is taken now. */
  open(events?: Partial<ChannelEvents>, readSecret?: () => Promise<string>): Promise<Channel>
  /** The adapter's own. */
  readonly folder: string
  /** What the adapter has warned of. */
  readonly warnings: string[]
}

/** `isNew`: no commands are registered yet; else those of an earlier process are. */
export async function discordPlatform({ isNew = false } = {}): Promise<DiscordPlatform> {
  const fake = await startDiscordFake()
  if (!isNew) {
    const { status } = putCommands(fake.world, commandsOf(SAYABLE))
    if (status !== 200) throw new Error('the commands are not taken')
    fake.world.commandsPut = 0
  }
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
        words: SAYABLE,
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
        buttons: message.components.flatMap(row => row.components.map(button => plainId(button.custom_id))),
        labels: message.components.flatMap(row => row.components.map(({ label }) => label)),
        pings: message.pings,
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
    people: [ADA.id, BOB.id],
    does: { privately: true, forms: true, guesses: true, registers: true, again: false, hides: false },
    say: (chat, text, times = 1, by = 0) => void fake.type(chat, text, times, PEOPLE[by]),
    press(chat, reference, buttonId, by = 0) {
      const message = placeOf(chat).messages.find(({ id }) => id === reference)
      const ids = message?.components.flatMap(row => row.components.map(button => button.custom_id)) ?? []
      const id = ids.find(each => plainId(each) === buttonId)
      if (id === undefined) throw new Error(`there is no button ${buttonId} to press`)
      fake.interact(chat, { kind: 'button', id, message: reference }, 1, { by: PEOPLE[by] })
    },
    again: () => fake.again(),
    answers: () =>
      answersIn(world).map(({ message, isEphemeral, file }) => ({
        ...{ text: shownText(message), isPrivate: isEphemeral, file },
        buttons: message.components.flatMap(row => row.components.map(button => plainId(button.custom_id))),
      })),
    pressAnswer(at, buttonId, by = 0) {
      const rows = answersIn(world)[at]?.message.components ?? []
      const id = rows.flatMap(row => row.components).find(each => plainId(each.custom_id) === buttonId)?.custom_id
      fake.interact(one, { kind: 'button', id: id ?? buttonId, message: at }, 1, { by: PEOPLE[by] })
    },
    forms: () => [...world.interactions.values()].flatMap(({ form }) => form?.title ?? []),
    fillIn(code) {
      const asked = [...world.interactions.values()].findLast(({ form }) => form !== null)
      const by = PEOPLE.find(({ id }) => id === asked?.user) ?? ADA
      fake.interact(asked?.channel ?? one, { kind: 'form', code }, 1, { by })
    },
    acknowledged: () => [...world.interactions.values()].map(({ acknowledgedMs }) => acknowledgedMs),
    typing: () => 0,
    unconfirmed: () => 0,
    registered: () => world.commands.map(({ name }) => name),
    registrations: () => world.commandsPut,
    async guess(chat, name, option, begin) {
      const id = fake.interact(chat, { kind: 'guess', name, option, begin })
      await until('something is offered', () => (world.interactions.get(id)?.choices ?? null) !== null, 5000)
      return world.interactions.get(id)?.choices ?? []
    },
    written: () => [],
    setLatency(ms) {
      fake.latencyMs = ms
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

/** Without the mark of a button that asks for a code first. */
function plainId(id: string): string {
  return id.replace(/^c:/, '')
}
