import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Speaking } from '../conformance/speaking.ts'
import { makeChats } from './chats.ts'
import { buttonAt, makeOrderedSite, press } from './people.ts'
import { isIdle } from './release-folder.ts'

/*
 * A platform delivers again what nobody has confirmed, and a rollback restarts what would confirm it. Here heald and the bot
 * are killed while a rollback is under way that was asked for in a chat; then the same is delivered again.
 */
for (const name of ['telegram', 'discord', 'slack'] as const) {
  test(`${name}: a rollback that is delivered again after heald and the bot were killed runs once, typed or pressed`, async t => {
    const site = await makeSite(t, name)
    const { chats, platform } = site
    const chat = chats.chatOf(platform)
    // Twice at once, as well: the same update, interaction or envelope.
    await site.once(() => platform.say(chat, '/rollback app', 2))
    await chats.stand.must('deploy', 'app', 'r2')
    await chats.stand.wait('a button back', () => buttonAt(chats, platform, /^Roll back to r1$/))
    await site.once(() => press(chats, platform, /^Roll back to r1$/))
    chats.withinLimits()
    await chats.stand.verified()
    await chats.stand.must('ledger', 'verify', '--commands')
  })
}

async function makeSite(t: TestContext, name: 'telegram' | 'discord' | 'slack') {
  const chats = await makeChats(t)
  const { stand } = chats
  const platform: Speaking = chats[name]
  const policy = { rollback: { code: false } }
  const [user] = platform.people
  const operators = { alice: { role: 'operator', [name]: [name === 'telegram' ? Number(user) : user] } }
  const { folder, daemon } = await makeOrderedSite(chats, { r1: 'well', r2: 'well' }, { policy, operators })
  await stand.must('deploy', 'app', 'r2')
  let running = daemon

  const asked = () => stand.of('command.requested').filter(({ data }) => data.verb === 'rollback')
  const begun = () => stand.of('rollback.started').filter(({ data }) => data.cause === 'operator')
  const commands = () => stand.entries().filter(({ kind }) => /^command\.(?!offered)/.test(kind))
  const again = () => platform.answers().filter(({ text }) => /^\W*Done: rollback app/.test(text) && SAID.test(text))

  /** What is said leads to one rollback, whatever is killed and however often it is delivered. */
  async function once(say: () => void | Promise<void>): Promise<void> {
    const before = begun().length
    const { pid: bot } = await stand.service('bot')
    await say()
    await stand.wait('it has begun', () => begun().length > before)
    await running.kill()
    process.kill(bot ?? assert.fail('the bot runs'), 'SIGKILL')
    running = await chats.up([platform])
    const id = asked().at(-1)?.data.id
    await stand.wait('it has its end', () => stand.of('command.succeeded').some(({ data }) => data.id === id))
    await stand.wait('nothing moves', () => isIdle(stand))
    const [entries, answers] = [commands().length, again().length]
    platform.again()
    await stand.wait('the second delivery is answered', () => again().length > answers)
    assert.match(again().at(-1)?.text ?? '', new RegExp(`\\(${id}\\)`))
    assert.equal(commands().length, entries, 'it led to nothing')
    assert.deepEqual([begun().length - before, folder.current()], [1, 'r1'])
    const its = commands().filter(({ data }) => data.id === id)
    assert.deepEqual(
      its.map(({ kind }) => kind),
      ['command.requested', 'command.started', 'command.succeeded'],
    )
  }

  return { chats, platform, once }
}

const SAID = /That was said before, so nothing was done now/
