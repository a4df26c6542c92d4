import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Channel, Verdict, Word } from '../../../bot/channel.ts'
import { channelConformance } from '../../conformance/channel.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { wordConformance } from '../../conformance/words.ts'
import { shownText } from '../../fakes/discord/markdown.ts'
import { type DiscordPlatform, discordPlatform } from '../../fakes/discord/platform.ts'
import { until } from '../../until.ts'

channelConformance('discord', discordPlatform)
wordConformance('discord', discordPlatform)

describe('posts, edits and words on Discord', () => {
  let platform: DiscordPlatform
  let channel: Channel
  let chat: string
  const words: Word[] = []
  /** All that was said for people. */
  const said: string[] = []
  let isUp = false
  let count = 0
  const how = (more: object = {}) => ({
    key: `key-${++count}`,
    isAgain: false,
    isSilent: false,
    replyTo: null,
    ...more,
  })
  const post = async (text = 'x', more: object = {}, to = chat): Promise<Verdict> => {
    const verdict = await channel.post(to, plainMessage(text), how(more))
    if (verdict.verdict !== 'done') said.push(verdict.why)
    return verdict
  }
  const isTaken = (verdict: Verdict) => verdict.verdict === 'done'

  beforeEach(async () => {
    words.length = 0
    said.length = 0
    isUp = false
    platform = await discordPlatform()
    chat = platform.chats[0]
    channel = await platform.open({
      onWord: word => void words.push(word),
      onState(state) {
        isUp = state.isUp
        said.push(state.why)
      },
    })
    await until('it is up', () => isUp)
  })
  afterEach(async () => {
    await platform.close()
    assert.deepEqual(platform.breaches(), [])
    const { world } = platform.fake
    const secrets = [world.token, ...[...world.interactions.values()].map(({ token }) => token), '127.0.0.1']
    for (const text of [...said, ...platform.warnings]) {
      for (const secret of secrets) assert.ok(!text.includes(secret), `a secret in ${JSON.stringify(text)}`)
      assert.ok(text.length <= 300)
    }
  })

  test('a post that was taken though its answer was lost is the same message when it is posted again', async () => {
    platform.next('answer lost')
    const given = how()
    const lost = await channel.post(chat, plainMessage('x'), given)
    assert.equal(lost.verdict, 'retry')
    const again = await channel.post(chat, plainMessage('x'), { ...given, isAgain: true })
    const [shown, ...more] = platform.shown(chat)
    assert.deepEqual([again, more], [{ verdict: 'done', reference: shown?.reference }, []])
  })

  test('a network that can not be reached: the message surely was not sent', async () => {
    const nowhere = await discordPlatform()
    try {
      const alone = await nowhere.open()
      await nowhere.fake.close()
      const verdict = await alone.post(chat, plainMessage('x'), how())
      assert.deepEqual([verdict.verdict, verdict.verdict === 'retry' && verdict.isOpen], ['retry', false])
    } finally {
      await nowhere.close()
    }
  })

  test('told to slow down: for a channel, or for all', async () => {
    platform.fake.desk.trouble = { is: 'slow down', afterMs: 3000 }
    const one = await post()
    assert.deepEqual(one.verdict === 'retry' && [one.of, one.isOpen], ['chat', false])
    assert.ok(isTaken(await post('x', {}, platform.chats[1])), 'other channels go on')
    platform.fake.desk.trouble = { is: 'slow down all', afterMs: 2000 }
    const all = await post('x', {}, platform.chats[1])
    assert.ok(all.verdict === 'retry' && all.of === 'channel' && all.afterMs !== null && all.afterMs >= 2000)
    const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const before = timers()
    const meanwhile = await post('x', {}, platform.chats[1])
    assert.equal(timers(), before, 'no timer is left that keeps the process')
    assert.ok(meanwhile.verdict === 'retry' && meanwhile.of === 'channel')
    assert.equal(platform.requests(), 3, 'a request that would be refused is not made')
  })

  test('an exhausted bucket is told at once, not waited for, and not tried', async () => {
    for (let n = 0; n < 5; n += 1) assert.ok(isTaken(await post()))
    const startedMs = performance.now()
    const verdict = await post()
    assert.ok(performance.now() - startedMs < 500)
    assert.ok(verdict.verdict === 'retry' && verdict.of === 'chat' && !verdict.isOpen)
    assert.ok(verdict.afterMs !== null && verdict.afterMs > 0 && verdict.afterMs <= 5100, String(verdict.afterMs))
    assert.equal(platform.requests(), 5)
    assert.ok(isTaken(await post('x', {}, platform.chats[1])))
  })

  test('an old message that was edited too often is posted anew', async () => {
    const posted = await post()
    const reference = posted.verdict === 'done' ? posted.reference : ''
    const [stored] = platform.fake.world.channels.get(chat)?.messages ?? []
    if (stored !== undefined) Object.assign(stored, { createdMs: Date.now() - 3_700_000, lateEdits: 100 })
    assert.equal((await channel.edit(chat, reference, plainMessage('y'))).verdict, 'gone')
  })

  test('what is wrong is said of what it is wrong of', async () => {
    const tooLong = await post('x'.repeat(300))
    assert.ok(
      tooLong.verdict === 'refused' && tooLong.of === 'message' && /256 or fewer/.test(tooLong.why),
      JSON.stringify(tooLong),
    )
    const place = platform.fake.world.channels.get(chat)
    if (place !== undefined) place.access = 'deleted'
    for (const to of [chat, 'general', '../users']) {
      const verdict = await post('x', {}, to)
      assert.ok(verdict.verdict === 'refused' && verdict.of === 'chat', JSON.stringify(verdict))
    }
    assert.equal((await channel.edit(platform.chats[1], '../..', plainMessage('x'))).verdict, 'gone')
    assert.equal(
      (await channel.edit(platform.chats[1], platform.fake.world.newId(), plainMessage('x'))).verdict,
      'gone',
    )
  })

  test('every post and edit says that it may ping nobody; a silent one is one for Discord', async () => {
    await post('@everyone <@175928847299117063>', { isSilent: true })
    const [stored] = platform.fake.world.channels.get(chat)?.messages ?? []
    assert.deepEqual([stored?.flags, stored?.content], [1 << 12, ''])
  })

  test('a command is acknowledged within a second though each request takes 200 ms, and its answer is shown to whom asked', async () => {
    platform.fake.latencyMs = 200
    platform.say(chat, '/status agent', 2)
    const [id = ''] = platform.fake.world.interactions.keys()
    const interaction = platform.fake.world.interactions.get(id)
    await until('the word came', () => words.length > 0)
    const replied = words[0]?.reply(fullMessage())
    await until('it is acknowledged', () => interaction?.acknowledgedMs !== null)
    assert.ok(Number(interaction?.acknowledgedMs) < 1000, `${interaction?.acknowledgedMs} ms`)
    await replied
    await words[0]?.reply(plainMessage('and more'))
    const answers = interaction?.answers ?? []
    assert.deepEqual(
      answers.map(({ isEphemeral }) => isEphemeral),
      [true, true],
    )
    assert.match(shownText(answers[0]?.message ?? { content: '', embeds: [], components: [] }), /crash-loops on web-1/)
    assert.match(shownText(answers[1]?.message ?? { content: '', embeds: [], components: [] }), /and more/)
    const callbacks = platform.fake.desk.log.filter(line => line.endsWith('/callback'))
    assert.deepEqual([callbacks.length, words.length, platform.warnings], [1, 1, []])
    assert.equal(words[0]?.key, `discord:${platform.fake.world.application}:${id}`)
    assert.deepEqual([words[0]?.user, words[0]?.name], ['175928847299117063', 'Ada'])
  })

  test('a button is acknowledged without an answer, which comes when there is one', async () => {
    const posted = await channel.post(chat, fullMessage(), how())
    platform.press(chat, posted.verdict === 'done' ? posted.reference : '', 'b1:ack')
    await until('the word came', () => words.length > 0)
    const [interaction] = platform.fake.world.interactions.values()
    await until('it is acknowledged', () => interaction?.acknowledgedMs !== null)
    assert.deepEqual([interaction?.isDeferred, interaction?.answers.length], [true, 0])
    await words[0]?.reply(plainMessage('done'))
    assert.deepEqual([interaction?.answers.length, interaction?.answers[0]?.isEphemeral], [1, true])
  })

  test('a command that comes too late to be acknowledged is handed over, and answered where it was asked', async () => {
    platform.fake.interact(chat, { kind: 'command', name: 'status', options: [] }, 1, {
      createdMs: Date.now() - 10_000,
    })
    await until('the word came', () => words.length > 0)
    await words[0]?.reply(plainMessage('late, but here'))
    assert.match(platform.shown(chat)[0]?.text ?? '', /late, but here/)
    assert.deepEqual(platform.warnings, [], 'that is nothing to be warned of')
  })

  test('one that somebody else has acknowledged is no trouble', async () => {
    platform.fake.latencyMs = 100
    platform.say(chat, '/status')
    for (const interaction of platform.fake.world.interactions.values()) {
      Object.assign(interaction, { acknowledgedMs: 1, answers: [{ message: {}, isEphemeral: true }] })
    }
    await until('the word came', () => words.length > 0)
    await words[0]?.reply(plainMessage('here'))
    assert.deepEqual(platform.warnings, [])
  })

  test('an answer that can not be shown is a warning, without the token that is in its address', async () => {
    platform.say(chat, '/status')
    await until('the word came', () => words.length > 0)
    const [interaction] = platform.fake.world.interactions.values()
    await until('it is acknowledged', () => interaction?.acknowledgedMs !== null)
    Object.assign(interaction ?? {}, { createdMs: Date.now() - 1_000_000 })
    await words[0]?.reply(plainMessage('x'))
    assert.equal(platform.warnings.length, 1)
  })

  test('what has gone out is given up when it is closed', async () => {
    platform.next('hang')
    const pending = [post(), post()]
    await until('the first has left', () => platform.requests() === 1)
    const startedMs = performance.now()
    await channel.close()
    const verdicts = await Promise.all(pending)
    assert.ok(performance.now() - startedMs < 3000)
    assert.deepEqual(
      verdicts.map(verdict => verdict.verdict === 'retry' && verdict.isOpen),
      [true, false],
      'the second had not left',
    )
  })
})
