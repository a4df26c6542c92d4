import assert from 'node:assert/strict'
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
/** What the bot hears at once has a bound, and what is acknowledged late is delivered twice. */
const AT_ONCE = 15

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

  /** Says the lines, each of them `at` its number; whether all of it is acknowledged. */
  function say(platform: Speaking, lines: readonly (readonly [at: number, line: string])[]): () => boolean {
    const { length } = platform.acknowledged()
    for (const [at, line] of lines)
      platform.say(platform === telegram ? String(CHATS[at]) : chats.chatOf(platform), line)
    const isTyping = ([at]: readonly [number, string]) => world.actions.some(({ chat }) => chat === CHATS[at])
    return () =>
      platform
        .acknowledged()
        .slice(length)
        .every(ms => ms !== null) &&
      (platform !== telegram || lines.every(isTyping))
  }

  /** What is said and pressed is acknowledged while the gate is shut, and answered when it is open. */
  async function held(platform: Speaking, count: number, begin: () => Promise<() => boolean>): Promise<void> {
    const { length } = platform.answers()
    gate = Promise.withResolvers()
    await stand.wait(`${platform.name}: all of it is acknowledged`, await begin())
    const early = platform.answers().slice(length)
    assert.deepEqual(early, [], `${platform.name}: answered without heald`)
    gate.resolve()
    const isAnswered = () => platform.answers().length >= length + count
    await stand.wait(`${platform.name}: all of it is answered`, isAnswered)
  }

  async function walk(platform: Speaking): Promise<void> {
    platform.say(chats.chatOf(platform), '/restart job')
    await stand.wait(`${platform.name}: it waits`, () => platform.answers().length > 0)
    await held(platform, 1, async () => {
      const { length } = platform.acknowledged()
      await press(chats, platform, /^(Deny|Withdraw)/)
      return () => typeof platform.acknowledged()[length] === 'number'
    })
    const numbered = [...LINES.entries()]
    for (let from = 0; from < numbered.length; from += AT_ONCE) {
      const some = numbered.slice(from, from + AT_ONCE)
      await held(platform, some.length, async () => say(platform, some))
    }
  }

  return { chats, walk }
}

test('every word and a button on three platforms: acknowledged while heald has not answered yet, and answered then', async t => {
  const { chats, walk } = await makeSite(t)
  for (const platform of chats.all) await walk(platform)
  chats.withinLimits()
  await chats.stand.verified()
})
