import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Entry } from '../../core/entry.ts'
import type { Speaking } from '../conformance/speaking.ts'
import { makeBetween, NEVER } from './between.ts'
import { makeChats } from './chats.ts'
import { codeNow, writeSecret } from './people.ts'
import { NODE, ROOT } from './stand.ts'

/*
 * The bot is killed (SIGKILL) in the moment in which it hands over what somebody said: right before core hears of it, and
 * right after core has answered, when nobody has been told yet. Three people say the same thing at once, one on each
 * platform: a typed order, a button, and a one-time code. What Telegram and Slack have no confirmation for they send again,
 * and it is done once. Discord sends nothing again: what core has not heard of is not done, until it is said again.
 */
type Moment = 'before' | 'after'

/** Between the bot and heald. `strike`: once so many words are on their way, the bot is killed. */
async function makeStriking(t: TestContext, path: string, heald: string) {
  const up = new Set<string>()
  const held = new Set<string>()
  let strike: { moment: Moment; count: number; kill: () => void } | null = null
  let answered = 0
  await makeBetween(t, path, heald, {
    asked(url, { what, channel, key }) {
      if (what === 'channel.up') up.add(channel ?? '')
      if (url !== '/v1/request' || strike === null) return
      held.add(key ?? '')
      if (strike.moment === 'after') return
      if (held.size === strike.count) strike.kill()
      return NEVER
    },
    answered(url) {
      if (url !== '/v1/request' || strike === null) return
      answered += 1
      if (answered === strike.count) strike.kill()
      return NEVER
    },
  })
  return {
    up,
    held,
    arm(next: typeof strike) {
      held.clear()
      answered = 0
      strike = next
    },
  }
}

const ENDS = /^command\.(succeeded|failed|rejected|expired)$/

async function makeSite(t: TestContext) {
  const chats = await makeChats(t)
  const { stand, all, telegram, discord, slack } = chats
  const secret = join(stand.root, 'totp')
  writeSecret(secret)
  const operators = all.map(({ name, people: [user] }) => {
    const account = { [name]: [name === 'telegram' ? Number(user) : user] }
    return [`on-${name}`, { role: 'operator', ...account, totp: { file: secret } }] as const
  })
  const job = { run: ['sleep', '100000'], stop: { timeout: '2s' } }
  chats.configure({
    services: Object.fromEntries(all.map(({ name }) => [`job-${name}`, job])),
    operators: Object.fromEntries(operators),
    policy: { restart: { approvals: 1, code: true } },
    bot: { run: 'unit' },
  })
  await stand.up()
  const socket = join(stand.root, 'between.sock')
  const between = await makeStriking(t, socket, join(stand.state, 'bot.sock'))
  let bot: ChildProcess
  let codes = 0

  async function start(): Promise<void> {
    between.arm(null)
    between.up.clear()
    const argv = [NODE, join(ROOT, 'heald.js'), 'bot', '--folder', join(stand.root, 'bot'), '--socket', socket]
    bot = stand.start(argv, { env: chats.env })
    const { gateway } = discord.fake
    const { identify } = gateway.count
    const isThere = () => between.up.size === all.length && gateway.count.identify > identify
    await stand.wait('the bot is up everywhere', isThere)
  }

  /** All three say it; the bot is killed, and another one comes. */
  async function struck(moment: Moment, say: (platform: Speaking) => void | Promise<void>): Promise<void> {
    const killed = Promise.withResolvers<void>()
    between.arm({
      ...{ moment, count: all.length },
      kill() {
        bot.once('exit', () => killed.resolve())
        bot.kill('SIGKILL')
      },
    })
    // Slack last: it is the one that waits for two seconds only.
    for (const [at, platform] of [telegram, discord, slack].entries()) {
      await say(platform)
      if (platform !== slack) await stand.wait(`${platform.name} is heard`, () => between.held.size > at)
    }
    await killed.promise
    await start()
  }

  /** The commands about this platform's service since the entry `from`. */
  const its = ({ name }: Speaking, from: number): Entry[] => {
    const since = stand.entries().slice(from)
    const asked = since.filter(({ kind, data }) => kind === 'command.requested' && isAbout(data.args, name))
    const ids = asked.map(({ data }) => data.id)
    return since.filter(({ kind, data }) => kind.startsWith('command.') && ids.includes(data.id ?? ''))
  }
  const kindsOf = (platform: Speaking, from: number) => its(platform, from).map(({ kind }) => kind)
  /** Who says it a second time, as a platform does by itself, is told that it was done already. */
  const isAnswered = (platform: Speaking, from: number, moment: Moment) =>
    platform.answers().some(({ text }) => {
      const isIts = text.includes(`(${idOf(platform, from)})`)
      return isIts && (moment === 'before' || text.includes('That was said before, so nothing was done now'))
    })
  const isOver = (platform: Speaking, from: number) => kindsOf(platform, from).some(kind => ENDS.test(kind))

  /** One walk: it is said, the bot is killed, and it leads to exactly `kinds`, each once. */
  async function walk(
    moment: Moment,
    kinds: readonly string[],
    { from, say }: { from: number; say: (platform: Speaking) => void | Promise<void> },
  ): Promise<void> {
    const before = kindsOf(discord, from)
    await struck(moment, say)
    for (const platform of [telegram, slack])
      await stand.wait(`${platform.name}: it is done`, () => isOver(platform, from))
    if (moment === 'before') {
      assert.deepEqual(kindsOf(discord, from), before, 'what core has not heard of is not done')
      await say(discord)
    }
    await stand.wait('discord: it is done', () => isOver(discord, from))
    for (const platform of moment === 'before' ? all : [telegram, slack])
      await stand.wait(`${platform.name}: it is answered`, () => isAnswered(platform, from, moment))
    // Nobody could be answered on Discord after a kill, so the card is what tells.
    const isShown = () => chats.texts(discord).some(each => each.includes('job-discord'))
    await stand.wait('discord shows it', isShown)
    for (const platform of all) assert.deepEqual(kindsOf(platform, from), kinds, `${platform.name}, ${moment}`)
  }

  /** The host asks for a restart of each; they wait for a code, and each platform shows its own. */
  async function waiting(): Promise<number> {
    const from = stand.entries().length
    for (const { name } of all) await stand.cli('restart', `job-${name}`)
    for (const platform of all) await buttonOf(platform, /^Deny$/, from)
    return from
  }

  const idOf = (platform: Speaking, from: number) => String(its(platform, from)[0]?.data.id)

  /** A button of the card of this platform's own command, once it is there. */
  function buttonOf(platform: Speaking, label: RegExp, from: number) {
    const id = idOf(platform, from)
    return stand.wait(
      `${platform.name} shows ${label} of ${id}`,
      () => {
        for (const { reference, text, buttons, labels = [] } of chats.shown(platform).toReversed()) {
          const button = buttons[labels.findIndex(each => label.test(each))]
          if (button !== undefined && new RegExp(`\\b${id}\\b`).test(text)) return { reference, button }
        }
        return null
      },
      30_000,
    )
  }

  async function press(platform: Speaking, label: RegExp, from: number): Promise<void> {
    const { reference, button } = await buttonOf(platform, label, from)
    platform.press(chats.chatOf(platform), reference, button)
  }

  async function openForm(platform: Speaking, from: number): Promise<void> {
    const forms = platform.forms().length
    await press(platform, /^Approve$/, from)
    await stand.wait(`the form on ${platform.name}`, () => platform.forms().length > forms)
  }

  /** Says how to give the code: by a form, where there is one. It is open already, but for who says it once more. */
  async function approving(from: number): Promise<(platform: Speaking) => void | Promise<void>> {
    const open = new Set<Speaking>([discord, slack])
    for (const platform of open) await openForm(platform, from)
    const code = codeNow(codes++)
    return async platform => {
      if (platform === telegram) return platform.say(chats.chatOf(platform), `/approve ${idOf(platform, from)} ${code}`)
      if (!open.delete(platform)) await openForm(platform, from)
      platform.fillIn(code)
    }
  }

  return { ...{ chats, stand, start, walk, waiting, press, approving } }
}

function isAbout(args: unknown, name: string): boolean {
  return typeof args === 'object' && args !== null && 'service' in args && args.service === `job-${name}`
}

test('the bot is killed before and after it hands over a word, a press or a code: done once, and never lost in silence', async t => {
  const { chats, stand, start, walk, waiting, press, approving } = await makeSite(t)
  await start()
  const done = ['command.requested', 'command.started', 'command.succeeded']
  for (const [at, moment] of (['before', 'after'] as const).entries()) {
    await walk(moment, done, {
      from: stand.entries().length,
      say: platform => platform.say(chats.chatOf(platform), `/silence job-${platform.name} 3${at}m`),
    })
    const pressed = await waiting()
    await walk(moment, ['command.requested', 'command.awaiting', 'command.rejected'], {
      from: pressed,
      say: platform => press(platform, /^Deny$/, pressed),
    })
    const coded = await waiting()
    await walk(moment, ['command.requested', 'command.awaiting', 'command.approved', ...done.slice(1)], {
      from: coded,
      say: await approving(coded),
    })
  }
  chats.withinLimits()
  await stand.must('ledger', 'verify', '--commands')
  await stand.verified()
})
