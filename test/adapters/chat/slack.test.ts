import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openSlack } from '../../../adapters/chat/slack.ts'
import { DEADLINE_MS, type Verdict } from '../../../bot/channel.ts'
import { channelConformance } from '../../conformance/channel.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { wordConformance } from '../../conformance/words.ts'
import { startSlackFake } from '../../fakes/slack/fake.ts'
import { slackSpec, slackTools, startSlackPlatform, tsOf } from '../../fakes/slack/platform.ts'
import { messageIn } from '../../fakes/slack/workspace.ts'
import { until } from '../../until.ts'
import { how, referenceOf, standUp } from './slack-stand.ts'

channelConformance('slack', () => startSlackPlatform())
wordConformance('slack', () => startSlackPlatform())

function ofWhom(verdict: Verdict): string {
  return 'of' in verdict ? `${verdict.verdict} ${verdict.of}` : verdict.verdict
}

describe('posting to Slack', { concurrency: true }, () => {
  test('links are not unfolded, and the key goes with the message', async t => {
    const { platform, channel } = await standUp(t)
    const reference = referenceOf(await channel.post('C0ONE', fullMessage(), how({ key: 'k-1' })))
    const room = platform.fake.workspace.rooms.get('C0ONE')
    assert.ok(room !== undefined)
    const message = messageIn(room, tsOf(reference))
    assert.equal(message?.unfurls, false)
    assert.deepEqual(message?.metadata, { event_type: 'heald_card', event_payload: { key: 'k-1' } })
  })

  test('a 429 in one channel does not hold up the other', async t => {
    const { platform, channel } = await standUp(t)
    platform.next('slow down', 30_000)
    assert.equal(ofWhom(await channel.post('C0ONE', plainMessage('one'), how())), 'retry chat')
    const startedMs = performance.now()
    referenceOf(await channel.post('C0TWO', plainMessage('two'), how()))
    assert.ok(performance.now() - startedMs < 2000)
    assert.equal(platform.requests(), 2)
  })

  test('the channel’s own pace is told by 429 with Retry-After, and counted', async t => {
    const { platform, channel } = await standUp(t)
    const verdicts: Verdict[] = []
    for (let n = 0; n < 6; n += 1) verdicts.push(await channel.post('C0ONE', plainMessage(`${n}`), how()))
    const last = verdicts.at(-1)
    assert.equal(last?.verdict === 'retry' ? last.afterMs : null, 1000, JSON.stringify(last))
    assert.equal(platform.breaches().length, 1)
  })

  test('answers are in the thread and in the channel; an answer to an answer is in the same thread', async t => {
    const { platform, channel } = await standUp(t)
    const first = referenceOf(await channel.post('C0ONE', plainMessage('one'), how()))
    const second = referenceOf(await channel.post('C0ONE', plainMessage('two'), how({ replyTo: first })))
    referenceOf(await channel.post('C0ONE', plainMessage('three'), how({ replyTo: second })))
    const answers = platform.fake.workspace.rooms.get('C0ONE')?.messages.slice(1)
    assert.deepEqual(
      answers?.map(({ threadTs, isBroadcast }) => [threadTs, isBroadcast]),
      [
        [tsOf(first), true],
        [tsOf(first), true],
      ],
    )
    assert.equal(referenceOf(await channel.edit('C0ONE', second, plainMessage('two, later'))), second)
  })

  test('what is answered is gone without a trace, or locked: a message of its own', async t => {
    const { platform, channel } = await standUp(t)
    const first = referenceOf(await channel.post('C0ONE', plainMessage('one'), how()))
    platform.remove('C0ONE', first)
    const second = referenceOf(await channel.post('C0ONE', plainMessage('two'), how({ replyTo: first })))
    const [message] = platform.fake.workspace.rooms.get('C0ONE')?.messages ?? []
    assert.ok(message !== undefined)
    message.isLocked = true
    referenceOf(await channel.post('C0ONE', plainMessage('three'), how({ replyTo: second })))
    referenceOf(await channel.post('C0ONE', plainMessage('four'), how({ replyTo: 'from elsewhere' })))
    assert.deepEqual(
      platform.shown('C0ONE').map(({ text, replyTo }) => [text, replyTo]),
      [
        ['ℹ️ two', null],
        ['ℹ️ three', null],
        ['ℹ️ four', null],
      ],
    )
  })

  test('refused: by whom, and never tried again by itself', async t => {
    const { platform, channel } = await standUp(t)
    const { rooms, scopes } = platform.fake.workspace
    const post = (chat: string, text = 'one') => channel.post(chat, plainMessage(text), how())
    assert.equal(ofWhom(await post('C0NONE')), 'refused chat')
    assert.equal(ofWhom(await post('C0ONE', 'x'.repeat(200))), 'refused message')
    const room = rooms.get('C0ONE')
    assert.ok(room !== undefined)
    room.isArchived = true
    assert.equal(ofWhom(await post('C0ONE')), 'refused chat')
    scopes.delete('chat:write')
    assert.equal(ofWhom(await post('C0TWO')), 'refused channel')
    assert.equal(platform.fake.calls('chat.postMessage'), 4)
  })

  test('an edit of what is not ours, or of what is no reference, is gone', async t => {
    const { platform, channel } = await standUp(t)
    const reference = referenceOf(await channel.post('C0ONE', plainMessage('one'), how()))
    const [message] = platform.fake.workspace.rooms.get('C0ONE')?.messages ?? []
    assert.ok(message !== undefined)
    Object.assign(message, { isOurs: false })
    assert.equal((await channel.edit('C0ONE', reference, plainMessage('two'))).verdict, 'gone')
    assert.equal((await channel.edit('C0ONE', 'nonsense', plainMessage('two'))).verdict, 'gone')
  })

  test('nothing was sent where nobody listens, and it says so', async t => {
    const { platform, channel } = await standUp(t)
    await platform.fake.close()
    const verdict = await channel.post('C0ONE', plainMessage('one'), how())
    assert.deepEqual([ofWhom(verdict), 'isOpen' in verdict && verdict.isOpen], ['retry channel', false])
  })
})

describe('verdicts of Slack', { concurrency: true }, () => {
  test('come in time, also when two requests together would take too long', async t => {
    const { platform, channel } = await standUp(t)
    platform.fake.next('late', 5000, ['conversations.history'])
    platform.next('hang')
    const startedMs = performance.now()
    const verdict = await channel.post('C0ONE', plainMessage('one'), how({ isAgain: true }))
    assert.ok(performance.now() - startedMs < DEADLINE_MS + 500)
    assert.deepEqual([ofWhom(verdict), 'isOpen' in verdict && verdict.isOpen], ['retry channel', true])
  })

  test('after close nothing is sent, and that is known', async t => {
    const { platform, channel } = await standUp(t)
    await channel.close()
    const verdict = await channel.post('C0ONE', plainMessage('one'), how())
    assert.deepEqual(['isOpen' in verdict && verdict.isOpen, platform.requests()], [false, 0])
  })

  test('a token that is refused is told at once as final, and asked for until it is good', async t => {
    const { platform, channel, states, isUp } = await standUp(t)
    platform.revoke()
    await channel.post('C0ONE', plainMessage('one'), how())
    await until('it is down', () => !isUp(), 5000)
    assert.deepEqual([states.at(-1)?.isFinal, states.at(-1)?.why], [true, 'Slack says token_revoked'])
    platform.admit()
    await until('it is up', isUp)
  })
})

describe('twins on Slack', { concurrency: true }, () => {
  test('one is found among the last 100 messages, and its reference is the answer', async t => {
    const { platform, channel } = await standUp(t)
    const room = platform.fake.workspace.rooms.get('C0ONE')
    assert.ok(room !== undefined)
    const given = how()
    const first = referenceOf(await channel.post('C0ONE', plainMessage('one'), given))
    const [message] = room.messages
    assert.ok(message !== undefined)
    const addOthers = (count: number) => {
      for (let n = 0; n < count; n += 1) {
        room.messages.push({ ...message, ts: platform.fake.workspace.nextTs(), metadata: undefined, isOurs: false })
      }
    }
    addOthers(99)
    const again = { ...given, isAgain: true }
    assert.equal(referenceOf(await channel.post('C0ONE', plainMessage('one'), again)), first)
    addOthers(1)
    assert.notEqual(referenceOf(await channel.post('C0ONE', plainMessage('one'), again)), first)
  })

  test('an answer in a thread is found too', async t => {
    const { channel } = await standUp(t)
    const replyTo = referenceOf(await channel.post('C0ONE', plainMessage('one'), how()))
    const given = how({ replyTo })
    const second = referenceOf(await channel.post('C0ONE', plainMessage('two'), given))
    assert.equal(referenceOf(await channel.post('C0ONE', plainMessage('two'), { ...given, isAgain: true })), second)
  })

  test('without the scope for the history: said once, and posted', async t => {
    const { platform, channel } = await standUp(t, { scopes: ['chat:write', 'commands'] })
    for (let n = 0; n < 2; n += 1) referenceOf(await channel.post('C0ONE', plainMessage('one'), how({ isAgain: true })))
    assert.equal(platform.warnings.length, 1)
    assert.match(platform.warnings[0] ?? '', /missing_scope.*channels:history/)
    assert.equal(platform.shown('C0ONE').length, 2)
  })

  for (const trouble of ['slow down', 'answer lost', 'error 500'] as const) {
    test(`the look meets ${trouble}: nothing is posted, and it is still open whether the first is there`, async t => {
      const { platform, channel } = await standUp(t)
      platform.fake.next(trouble, 5000, ['conversations.history'])
      const verdict = await channel.post('C0ONE', plainMessage('one'), how({ isAgain: true }))
      assert.deepEqual([verdict.verdict, 'isOpen' in verdict && verdict.isOpen], ['retry', true])
      assert.deepEqual(platform.shown('C0ONE'), [])
    })
  }
})

describe('secrets and states of Slack', () => {
  test('a bad token at the start is final, a good one in its place is taken by itself', async t => {
    const fake = await startSlackFake()
    const states: { isUp: boolean; isFinal: boolean; why: string }[] = []
    const tools = slackTools(fake, { onState: state => void states.push(state) }, [])
    let bot = 'xoxb-1-wrong'
    const { readSecret } = tools
    const channel = await openSlack(slackSpec(fake), {
      ...tools,
      readSecret: async secret => ('env' in secret && secret.env === 'BOT' ? bot : readSecret(secret)),
    })
    t.after(async () => {
      await channel.close()
      await fake.close()
    })
    await until('it is final', () => states.at(-1)?.isFinal === true)
    const reasons = states.filter(({ isFinal }) => isFinal).map(({ why }) => why)
    assert.ok(
      reasons.every(why => !why.includes('being connected')),
      reasons.join(' | '),
    )
    bot = ' \n'
    await until('it is empty', () => states.at(-1)?.why.includes('cannot be read: it is empty') === true)
    assert.equal(ofWhom(await channel.post('C0ONE', plainMessage('one'), how())), 'refused channel')
    bot = fake.workspace.botToken
    await until('it is up', () => states.at(-1)?.isUp === true)
    referenceOf(await channel.post('C0ONE', plainMessage('one'), how()))
  })

  test('no token, ticket or address is in anything it says', async t => {
    const { platform, channel, states } = await standUp(t)
    const { fake } = platform
    const said: string[] = []
    const post = async () => void said.push(JSON.stringify(await channel.post('C0ONE', plainMessage('one'), how())))
    for (const trouble of ['cut', 'error 500', 'answer lost', 'slow down'] as const) {
      platform.next(trouble)
      await post()
    }
    platform.next('slow down', Number.NaN)
    await post()
    platform.revoke()
    await post()
    fake.sockets.behave('refuse')
    platform.cut()
    await until('it is down', () => states.filter(({ isUp }) => !isUp).length >= 3)
    await fake.close()
    await post()
    said.push(JSON.stringify(states), ...platform.warnings)
    const tools = slackTools(fake, { onState: state => void said.push(JSON.stringify(state)) }, said)
    const readSecret = async () => {
      throw new Error(`it holds ${fake.workspace.botToken} and is at https://x.invalid/?t=${fake.workspace.appToken}`)
    }
    const other = await openSlack(slackSpec(fake), { ...tools, readSecret })
    await until('the secret is told to be missing', () => said.at(-1)?.includes('cannot be read') === true)
    await other.close()
    const secret = /xox|xapp|fakebot|fakeapp|ticket|Bearer|:\/\//
    assert.ok(said.length > 6)
    assert.deepEqual(
      said.filter(text => secret.test(text)),
      [],
    )
  })

  test('neither socket nor HTTP: it can’t work, with a reason and a hint', async t => {
    const fake = await startSlackFake()
    t.after(() => fake.close())
    for (const change of [{ appToken: null }, { apiUrl: 'nonsense' }]) {
      await assert.rejects(openSlack(slackSpec(fake, change), slackTools(fake, {}, [])), {
        name: 'Fault',
        code: 'channel.config',
      })
    }
  })
})
