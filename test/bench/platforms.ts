import type { Platform } from '../conformance/platform.ts'
import type { Speaking } from '../conformance/speaking.ts'
import { discordPlatform } from '../fakes/discord/platform.ts'
import { startSlackPlatform } from '../fakes/slack/platform.ts'
import { startTelegramPlatform } from '../fakes/telegram/platform.ts'
import type { Site } from './site.ts'
import type { Heald } from './supervisors.ts'

/** The strict fakes of three platforms, with one chat at each, and what a daemon is configured with for them. */
export interface Platforms {
  readonly all: readonly Speaking[]
  readonly config: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string>>
  readonly chatOf: (platform: Platform) => string
  readonly shown: (platform: Platform) => ReturnType<Platform['shown']>
  /** Waits until the daemon's bot works on all of them. */
  ready(heald: Heald): Promise<void>
}

const READY_MS = 60_000

export async function startPlatforms(site: Site): Promise<Platforms> {
  const [telegram, discord, slack] = await Promise.all([
    startTelegramPlatform(),
    discordPlatform(),
    startSlackPlatform(),
  ])
  const all: readonly Speaking[] = [telegram, discord, slack]
  site.defer(async () => void (await Promise.all(all.map(platform => platform.close()))))
  const chatOf = (platform: Platform) => platform.chats[platform.name === 'telegram' ? 1 : 0]
  return {
    ...{ all, chatOf },
    config: {
      channels: {
        telegram: { token: { env: 'TELEGRAM' }, apiRoot: telegram.fake.apiRoot, chats: [Number(chatOf(telegram))] },
        discord: { token: { env: 'DISCORD' }, apiUrl: discord.fake.apiUrl, channels: [chatOf(discord)] },
        slack: {
          ...{ botToken: { env: 'SLACK_BOT' }, appToken: { env: 'SLACK_APP' } },
          ...{ apiUrl: slack.fake.apiUrl, channels: [chatOf(slack)] },
        },
      },
    },
    env: {
      TELEGRAM: telegram.fake.token,
      DISCORD: discord.fake.world.token,
      SLACK_BOT: slack.fake.workspace.botToken,
      SLACK_APP: slack.fake.workspace.appToken,
    },
    shown: platform => platform.shown(chatOf(platform)),
    async ready(heald) {
      const endMs = performance.now() + READY_MS
      while (performance.now() < endMs) {
        const { channels } = await heald.status()
        if (channels.length === all.length && channels.every(({ state }) => state === 'up')) return
        await new Promise(resolve => setTimeout(resolve, 200))
      }
      throw new Error(`the channels were not up within ${READY_MS / 1000} s`)
    },
  }
}
