import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { WORDS } from '../../core/command/words.ts'
import type { Speaking } from '../conformance/speaking.ts'
import { makeBetween } from './between.ts'
import { makeChats } from './chats.ts'
import { press } from './people.ts'

/*
 * Every word that can be said, and a button, on each platform: who says it is told that it was heard while nothing has come
 * back from heald, and is answered once it has. It is told by order, not by time: the gate opens after the last one is told.
 */
const LINES = WORDS.flatMap(spec => ('host' in spec ? [] : [`/${spec.examples[0]}`]))
/** On Telegram a written word is acknowledged by "typing", which says only in which chat: each has one of its own. */
const CHATS = LINES.map((_, at) => 5201 + at)

async function makeSite(t: TestContext) {
  const chats = await makeChats(t)
  const { stand, telegram, discord, slack } = chats
  const { world } = telegram.fake
  for (const chat of CHATS) world.addChat(chat, 'private', 'Alice')
  const alice = { telegram: Number(telegram.people[0]), discord: discord.people[0], slack: slack.people[0] }
  chats.configure(
    {
      services: { job: { run: ['sleep', '100000'], stop: { timeout: '2s' } } },
      operators: { alice: { role: 'admin', ...alice }, bob: { role: 'operator', discord: discord.people[1] } },
      // So that there is a button to turn it down with, where it was asked for.
      policy: { restart: { approvals: 1, code: false } },
      routes: [{ to: [] }],
      bot: { run: 'unit' },
    },
    { telegram: { chats: [Number(chats.chatOf(telegram)), ...CHATS] } },
  )
  await stand.up()
  const socket = join(stand.root, 'between.sock')
  let gate: PromiseWithResolvers<void> | null = null
  await makeBetween(t, socket, join(stand.state, 'bot.sock'), {
    answered: path => (path === '/v1/request' ? gate?.promise : null),
  })
  await chats.startBot(socket)

  /** What is said now, and whether all of it is acknowledged. */
  function say(platform: Speaking): () => boolean {
    if (platform === telegram) {
      for (const [at, line] of LINES.entries()) telegram.say(String(CHATS[at]), line)
      const isTyping = (chat: number) => world.actions.some(action => action.chat === chat)
      return () => CHATS.every(isTyping) && telegram.acknowledged().every(ms => ms !== null)
    }
    const { length } = platform.acknowledged()
    for (const line of LINES) platform.say(chats.chatOf(platform), line)
    return () =>
      platform
        .acknowledged()
        .slice(length)
        .every(ms => ms !== null)
  }

  async function walk(platform: Speaking): Promise<void> {
    platform.say(chats.chatOf(platform), '/restart job')
    await stand.wait(`${platform.name}: it waits`, () => platform.answers().length > 0)
    const { length } = platform.answers()
    gate = Promise.withResolvers()
    await press(chats, platform, /^(Deny|Withdraw)/)
    const isAcknowledged = say(platform)
    await stand.wait(`${platform.name}: all of it is acknowledged`, isAcknowledged, 30_000)
    const early = platform.answers().slice(length)
    if (early.length > 0) throw new Error(`answered without heald: ${early.map(({ text }) => text).join('; ')}`)
    gate.resolve()
    const isAnswered = () => platform.answers().length >= length + LINES.length + 1
    await stand.wait(`${platform.name}: all of it is answered`, isAnswered, 60_000)
  }

  return { chats, walk }
}

test('every word and a button on three platforms: acknowledged while heald has not answered yet, and answered then', async t => {
  const { chats, walk } = await makeSite(t)
  for (const platform of chats.all) await walk(platform)
  chats.withinLimits()
  await chats.stand.verified()
})
