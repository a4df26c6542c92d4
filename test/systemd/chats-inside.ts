import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { checkConfig } from '../../core/config/load.ts'
import { BOT_CREDENTIALS, CREDENTIALS } from '../../core/install/credentials.ts'
import { filesOf } from '../../core/install/files.ts'
import { planOf } from '../../core/install/plan.ts'
import type { Platform } from '../conformance/platform.ts'
import { ABLE } from '../core/config/folder.ts'
import { discordPlatform } from '../fakes/discord/platform.ts'
import { startSlackPlatform } from '../fakes/slack/platform.ts'
import { startTelegramPlatform } from '../fakes/telegram/platform.ts'
import { until } from '../until.ts'
import { bridge } from './bridge.ts'
import { INSTALLED, INSTALLED_NODE, type Machine } from './machine.ts'

/** The fake platforms, and the bot of a machine as a unit of its own, confined as `heald install` confines it. */
export interface ChatsInside {
  /** What heald's configuration has to say of them. */
  readonly settings: object
  /** Starts the bot's unit; heald is to run. */
  up(): Promise<void>
  /** Waits until each platform shows a message that all of these fit. */
  everywhere(what: string, ...words: readonly RegExp[]): Promise<void>
}

export async function chatsInside(t: TestContext, machine: Machine): Promise<ChatsInside> {
  const [telegram, discord, slack] = await Promise.all([
    startTelegramPlatform(),
    discordPlatform(),
    startSlackPlatform(),
  ])
  const chats: readonly (readonly [Platform, chat: string])[] = [
    [telegram, telegram.chats[1]],
    [discord, discord.chats[0]],
    [slack, slack.chats[0]],
  ]
  t.after(() => Promise.all(chats.map(([platform]) => platform.close())))
  const ports = [telegram.fake.apiRoot, discord.fake.apiUrl, slack.fake.apiUrl].map(url => new URL(url).port)
  const tokens = {
    telegram: telegram.fake.token,
    discord: discord.fake.world.token,
    'slack-bot': slack.fake.workspace.botToken,
    'slack-app': slack.fake.workspace.appToken,
  }
  const token = (name: keyof typeof tokens) => ({ file: `${BOT_CREDENTIALS}${name}` })
  const channels = {
    telegram: { token: token('telegram'), apiRoot: telegram.fake.apiRoot, chats: [Number(telegram.chats[1])] },
    discord: { token: token('discord'), apiUrl: discord.fake.apiUrl, channels: [discord.chats[0]] },
    slack: {
      ...{ botToken: token('slack-bot'), appToken: token('slack-app') },
      ...{ apiUrl: slack.fake.apiUrl, channels: [slack.chats[0]] },
    },
  }
  const settings = { channels, bot: { run: 'unit' } }
  // heald gives the bot's socket to its user.
  await machine.must('useradd', '--system', '--user-group', 'heald-bot')
  return {
    settings,
    async up() {
      await bridge(t, machine, ports)
      const credentials = join(machine.root(), CREDENTIALS)
      mkdirSync(credentials, { recursive: true, mode: 0o700 })
      for (const [name, secret] of Object.entries(tokens))
        writeFileSync(join(credentials, name), secret, { mode: 0o600 })
      await machine.units({ 'heald-bot.service': await installedBot(machine, settings) })
      await machine.must('systemctl', 'start', 'heald-bot')
    },
    async everywhere(what, ...words) {
      for (const [platform, chat] of chats) {
        const texts = () => platform.shown(chat).map(({ text }) => text)
        const isSo = () => texts().some(text => words.every(word => word.test(text)))
        await until(`${what} on ${platform.name}`, isSo).catch(async error => {
          const said = await machine.run('journalctl', '-q', '-o', 'cat', '-u', 'heald-bot')
          throw new Error(`${error}\nshown:\n${texts().join('\n---\n')}\nthe bot said:\n${said.stdout}`)
        })
      }
    },
  }
}

/** The bot's unit that `heald install` would write, with the project where the machine has it. */
async function installedBot(machine: Machine, settings: object): Promise<string> {
  const file = join(machine.shared, 'bot.json')
  writeFileSync(file, JSON.stringify(settings))
  const { config, problems } = await checkConfig(file, { facts: ABLE })
  const { stdout } = await machine.run('systemctl', '--version')
  const plan = planOf(config ?? assert.fail(JSON.stringify(problems)), file, Number(/\d+/.exec(stdout)?.[0]))
  const files = filesOf({ ...plan, program: [INSTALLED_NODE, join(INSTALLED, 'heald.js')] })
  return files.get('/etc/systemd/system/heald-bot.service') ?? assert.fail()
}
