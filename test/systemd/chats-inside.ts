import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { checkConfig } from '../../core/config/load.ts'
import { filesOf } from '../../core/install/files.ts'
import { planOf } from '../../core/install/plan.ts'
import { BOT_CREDENTIALS, CREDENTIALS } from '../../core/install/unit-text.ts'
import type { Platform } from '../conformance/platform.ts'
import { ABLE } from '../core/config/folder.ts'
import { discordPlatform } from '../fakes/discord/platform.ts'
import { startSlackPlatform } from '../fakes/slack/platform.ts'
import { startTelegramPlatform } from '../fakes/telegram/platform.ts'
import { until } from '../until.ts'
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

/** A machine has its own loopback and no other network: in there, each fake has the port that it has out here. */
const BRIDGE = `
import { connect, createServer } from 'node:net'
const [folder, ...ports] = process.argv.slice(2)
for (const port of ports) {
  createServer(near => {
    const far = connect(folder + '/' + port)
    near.on('error', () => far.destroy()).pipe(far)
    far.on('error', () => near.destroy()).pipe(near)
  }).listen(Number(port), '127.0.0.1')
}
`

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
      const folder = join(machine.shared, 'ports')
      mkdirSync(folder)
      for (const port of ports) await bridgeOut(t, join(folder, port), Number(port))
      const bridge = join(machine.shared, 'bridge.mjs')
      writeFileSync(bridge, BRIDGE)
      const credentials = join(machine.root(), CREDENTIALS)
      mkdirSync(credentials, { recursive: true, mode: 0o700 })
      for (const [name, secret] of Object.entries(tokens))
        writeFileSync(join(credentials, name), secret, { mode: 0o600 })
      await machine.units({
        'bridge.service': `[Service]\nExecStart=${INSTALLED_NODE} ${bridge} ${folder} ${ports.join(' ')}\n`,
        'heald-bot.service': await installedBot(machine, settings),
      })
      await machine.must('systemctl', 'start', 'bridge', 'heald-bot')
    },
    async everywhere(what, ...words) {
      for (const [platform, chat] of chats) {
        const texts = () => platform.shown(chat).map(({ text }) => text)
        const isSo = () => texts().some(text => words.every(word => word.test(text)))
        await until(`${what} on ${platform.name}`, isSo, 30_000).catch(async error => {
          const said = await machine.run('journalctl', '-q', '-o', 'cat', '-u', 'heald-bot')
          throw new Error(`${error}\nshown:\n${texts().join('\n---\n')}\nthe bot said:\n${said.stdout}`)
        })
      }
    },
  }
}

/** Connections to a socket in the file system go on to a port out here. */
async function bridgeOut(t: TestContext, path: string, port: number): Promise<void> {
  const open = new Set<Socket>()
  const server = createServer(far => {
    const near = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [far, near],
      [near, far],
    ] as const) {
      open.add(one)
      one
        .on('error', () => other.destroy())
        .on('close', () => open.delete(one))
        .pipe(other)
    }
  })
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
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
