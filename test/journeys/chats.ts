import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Platform } from '../conformance/platform.ts'
import type { Speaking } from '../conformance/speaking.ts'
import { discordPlatform } from '../fakes/discord/platform.ts'
import { startSlackPlatform } from '../fakes/slack/platform.ts'
import { startTelegramPlatform } from '../fakes/telegram/platform.ts'
import { cmdline, killQuietly } from './leftovers.ts'
import { type ConfigInput, makeStand, NODE, ROOT, type Stand } from './stand.ts'

/** A stand with the real bot, and the three platforms as strict fakes, one chat at each. */
export type Chats = Awaited<ReturnType<typeof makeChats>>

export async function makeChats(t: TestContext, installed: Parameters<typeof makeStand>[1] = {}) {
  const stand: Stand = await makeStand(t, installed)
  const [telegram, discord, slack] = await Promise.all([
    startTelegramPlatform(),
    discordPlatform(),
    startSlackPlatform(),
  ])
  const all: readonly Speaking[] = [telegram, discord, slack]
  t.after(() => Promise.all(all.map(platform => platform.close())))
  // The bot has none of the marks that services have: it gets the variables that its channels name, and no other.
  stand.onEnd(() => {
    for (const name of readdirSync('/proc').filter(each => /^\d+$/.test(each)))
      if (cmdline(Number(name)).includes(join(stand.state, 'bot.sock'))) killQuietly(Number(name))
  })
  const chatOf = (platform: Platform) => platform.chats[platform === telegram ? 1 : 0]
  const env = {
    TELEGRAM_TOKEN: telegram.fake.token,
    DISCORD_TOKEN: discord.fake.world.token,
    SLACK_BOT_TOKEN: slack.fake.workspace.botToken,
    SLACK_APP_TOKEN: slack.fake.workspace.appToken,
  }

  function configure(config: ConfigInput, more: { telegram?: object; discord?: object; slack?: object } = {}): void {
    stand.configure({
      channels: {
        telegram: {
          ...{ token: { env: 'TELEGRAM_TOKEN' }, apiRoot: telegram.fake.apiRoot, chats: [Number(chatOf(telegram))] },
          ...more.telegram,
        },
        discord: {
          ...{ token: { env: 'DISCORD_TOKEN' }, apiUrl: discord.fake.apiUrl, channels: [chatOf(discord)] },
          ...more.discord,
        },
        slack: {
          ...{ botToken: { env: 'SLACK_BOT_TOKEN' }, appToken: { env: 'SLACK_APP_TOKEN' } },
          ...{ apiUrl: slack.fake.apiUrl, channels: [chatOf(slack)] },
          ...more.slack,
        },
      },
      ...config,
    })
  }

  /** Starts the daemon, and waits until the bot works on all platforms. */
  async function up(platforms: readonly Platform[] = all) {
    const daemon = await stand.up({ env })
    await areUp(platforms)
    return daemon
  }

  /** Starts a bot of its own, as a unit is, that reaches heald by `socket`, and waits until it works. */
  async function startBot(socket: string) {
    const argv = [NODE, join(ROOT, 'heald.js'), 'bot', '--folder', join(stand.root, 'bot'), '--socket', socket]
    const bot = stand.start(argv, { env })
    await areUp(all)
    return bot
  }

  async function areUp(platforms: readonly Platform[]): Promise<void> {
    await stand.wait(
      'the channels are up',
      async () => {
        // A child of a daemon that was killed just now may have answered in its place: there is no status then.
        const status = await stand.status().catch(() => null)
        return platforms.every(({ name }) => status?.channels.some(each => each.name === name && each.state === 'up'))
      },
      40_000,
    )
  }

  const shown = (platform: Platform) => platform.shown(chatOf(platform))
  return {
    ...{ stand, telegram, discord, slack, all, chatOf, configure, up, startBot, shown, env },
    /** Cards and pings at this platform, each as its text. */
    texts: (platform: Platform) => shown(platform).map(({ text }) => text),
    /** Waits until every platform shows exactly what `isSo` wants. */
    async everywhere(what: string, isSo: (texts: readonly string[]) => boolean, withinMs = 90_000) {
      for (const platform of all) {
        await stand
          .wait(`${what} on ${platform.name}`, () => isSo(shown(platform).map(({ text }) => text)), withinMs)
          .catch(error => {
            const texts = shown(platform).map(({ text }) => text.slice(0, 900))
            throw new Error(`${error instanceof Error ? error.message : error}\nshown:\n${texts.join('\n---\n')}`)
          })
      }
    },
    withinLimits() {
      for (const platform of all) assert.deepEqual(platform.breaches(), [], platform.name)
    },
  }
}
