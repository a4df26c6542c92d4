import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, test } from 'node:test'
import type { Word } from '../../../bot/channel.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { slackSpec, startSlackPlatform } from '../../fakes/slack/platform.ts'
import { until } from '../../until.ts'
import { how, referenceOf, standUp, uncaught } from './slack-stand.ts'

const passMs = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('words from Slack’s sockets', () => {
  test('who, where and what; the answer is for that person alone', async t => {
    const { platform, words } = await standUp(t)
    platform.say('C0TWO', '/rollback web 3 --dry-run <&>')
    await until('the word came', () => words.length > 0)
    const [word] = words
    assert.ok(word !== undefined)
    const { user, name, chat, text, button, key } = word
    assert.deepEqual([user, name, chat, button], ['T0FAKE/U0HUMAN', 'ada', 'C0TWO', null])
    assert.equal(text, 'rollback web 3 --dry-run <&>')
    assert.match(key, /^slack:A0FAKE:133\d+\.\d+\.[0-9a-f]+$/)
    await word.reply(fullMessage())
    assert.deepEqual(
      platform.answers().map(({ isPrivate, text }) => [isPrivate, text.includes('crash-loops on web-1')]),
      [[true, true]],
    )
    assert.deepEqual(platform.shown('C0TWO'), [], 'nobody else sees it')
  })

  test('an answer that cannot be shown is warned of, and rejects nowhere', async t => {
    const { platform, words } = await standUp(t)
    platform.say('C0ONE', '/status')
    await until('the word came', () => words.length > 0)
    for (let n = 0; n < 6; n += 1) await words[0]?.reply(plainMessage('one'))
    assert.equal(platform.answers().length, 5, 'a response URL is good five times')
    assert.equal(platform.warnings.length, 1)
    assert.doesNotMatch(platform.warnings[0] ?? '', /:\/\/|response/)
  })

  test('acknowledged at once; when Slack misses that, the same comes again with the same key', async t => {
    const { platform, channel, words } = await standUp(t, { ackMs: 1000 })
    const { sockets } = platform.fake
    const sent = () => [...sockets.envelopes.values()].map(({ sent, isAcknowledged }) => [sent, isAcknowledged])
    platform.say('C0ONE', '/one')
    await passMs(500)
    assert.deepEqual([sent(), words.length], [[[1, true]], 1])
    sockets.loseAcks(2)
    platform.say('C0ONE', '/two')
    const reference = referenceOf(await channel.post('C0ONE', fullMessage(), how()))
    await until('it came three times', () => words.length === 4)
    await until('the third time it was acknowledged', () => sent()[1]?.[1] === true)
    assert.equal(new Set(words.slice(1).map(({ key, text }) => `${key} ${text}`)).size, 1)
    sockets.loseAcks(1)
    platform.press('C0ONE', reference, 'b1:rollback')
    await until('the button came twice', () => words.length === 6)
    assert.deepEqual([words[4]?.key, words[4]?.button], [words[5]?.key, 'b1:rollback'])
    await passMs(500)
    assert.deepEqual(sent(), [
      [1, true],
      [3, true],
      [2, true],
    ])
  })

  test('handlers that throw lose neither the next word nor the process', async t => {
    const seen = uncaught(t)
    const platform = await startSlackPlatform()
    const words: Word[] = []
    let isUp = false
    const channel = await platform.open({
      onState: state => {
        isUp = state.isUp
        throw new Error('a fault of ours')
      },
      onWord: word => {
        words.push(word)
        throw new Error('a fault of ours')
      },
    })
    t.after(async () => {
      await channel.close()
      await platform.close()
    })
    await until('it is up', () => isUp)
    platform.say('C0ONE', '/one')
    platform.say('C0ONE', '/two')
    await until('both came', () => words.length === 2)
    const warned = platform.warnings.filter(text => text.includes('a word'))
    assert.deepEqual([seen, warned.length, platform.warnings.length > 2], [[], 2, true])
  })

  test('two connections of one app: each word comes to one of them, again perhaps to the other with the same key', async t => {
    const { platform, words } = await standUp(t)
    let isUp = false
    const other = await platform.open({
      onState: state => {
        isUp = state.isUp
      },
      onWord: word => void words.push(word),
    })
    t.after(() => other.close())
    await until('the other is up', () => isUp)
    assert.equal(platform.fake.sockets.open(), 2)
    for (let n = 0; n < 10; n += 1) platform.say('C0ONE', `/status ${n}`, 3)
    await until('all came', () => words.length === 30)
    assert.equal(new Set(words.map(({ key }) => key)).size, 10)
    for (const word of words) {
      assert.equal(words.filter(({ key, text }) => key === word.key && text === word.text).length, 3)
    }
  })
})

describe('Slack’s sockets are kept up', { concurrency: true }, () => {
  for (const reason of ['warning', 'refresh_requested'] as const) {
    test(`told to renew the connection (${reason}): a new one, and nobody is told of trouble`, async t => {
      const { platform, words, states } = await standUp(t)
      const { sockets } = platform.fake
      sockets.disconnect(reason)
      await until('there is a new connection', () => sockets.open() === 1 && sockets.tried() === 2)
      platform.say('C0ONE', '/status')
      await until('the word came', () => words.length > 0)
      assert.deepEqual(states.filter(({ isUp }) => !isUp).length, 1, 'only before the first connection')
    })
  }

  test('refused, dropped and fed with rubbish for a while: nothing gets out, and it comes back', async t => {
    const seen = uncaught(t)
    const { platform, states, words, isUp } = await standUp(t)
    const { sockets } = platform.fake
    for (const rubbish of [
      ...[
        'null',
        '[]',
        '{',
        '"x"',
        '7',
        '{}',
        '{"type":"events_api"}',
        '{"type":"slash_commands"}',
        '{"type":"error"}',
      ],
      ...['{"type":"interactive","payload":null}', '{"type":"interactive","payload":{"actions":null}}'],
      ...['{"type":"slash_commands","envelope_id":"e","payload":{"command":"/x"}}', `{"type":"close"}`],
      ...['{"type":"interactive","envelope_id":"f","payload":{"type":"block_actions","actions":[{}]}}'],
    ]) {
      sockets.sendRaw(rubbish)
    }
    await passMs(200)
    assert.equal(isUp(), true)
    words.length = 0
    platform.fake.next('error 500', 0, ['apps.connections.open'])
    for (const behaviour of ['refuse', 'drop'] as const) {
      const before = sockets.tried()
      sockets.behave(behaviour)
      sockets.cut()
      await until('it tried again', () => sockets.tried() > before)
    }
    assert.ok(states.some(({ isUp, isFinal }) => !isUp && !isFinal))
    sockets.behave('greet')
    await until('it is up', isUp)
    platform.say('C0ONE', '/status')
    await until('the word came', () => words.length > 0)
    assert.deepEqual(seen, [])
  })

  test('a connection that stands and says nothing any more is noticed, and replaced', async t => {
    const { platform, states, words, isUp } = await standUp(t)
    const { sockets } = platform.fake
    sockets.deafen()
    await until('it is noticed', () => !isUp())
    assert.match(states.at(-1)?.why ?? '', /lost/)
    sockets.cut()
    await until('it is up', isUp)
    platform.say('C0ONE', '/status')
    await until('the word came', () => words.length > 0)
  })

  test('attempts get rarer: no storm against a server that refuses', async t => {
    const { platform } = await standUp(t)
    const { sockets } = platform.fake
    sockets.behave('refuse')
    sockets.cut()
    const before = sockets.tried()
    await passMs(4000)
    assert.ok(sockets.tried() - before <= 5, `${sockets.tried() - before} attempts in 4 s`)
  })

  test('asked to slow down with new connections, it waits for as long', async t => {
    const { platform, isUp } = await standUp(t)
    platform.fake.next('slow down', 3000, ['apps.connections.open'])
    platform.fake.sockets.cut()
    await until('it has asked', () => platform.fake.calls('apps.connections.open') === 2)
    const startedMs = performance.now()
    await until('it has asked again', () => platform.fake.calls('apps.connections.open') === 3)
    assert.ok(performance.now() - startedMs >= 2900)
    await until('it is up', isUp)
  })
})

describe('Slack’s sockets are closed', () => {
  /** A process that opens the channel, and closes it at SIGUSR2. */
  const PROGRAM = `
    const [, module, spec] = process.argv
    const { openSlack } = await import(module)
    const readSecret = async ({ env }) => process.env[env]
    const events = { onWord() {}, onState: ({ isUp }) => isUp && console.log('up') }
    const channel = await openSlack(JSON.parse(spec), { events, readSecret, warn() {}, folder: '/nowhere' })
    process.once('SIGUSR2', () => channel.close().then(() => console.log('closed')))
    console.log('ready')`

  for (const how of ['mute', 'deaf'] as const) {
    test(`closed while the server is ${how}: within a few seconds, and the process can end`, async t => {
      const { fake, close } = await startSlackPlatform()
      t.after(close)
      if (how === 'mute') fake.sockets.behave('mute')
      const module = new URL('../../../adapters/chat/slack.ts', import.meta.url).href
      const child = spawn(
        process.execPath,
        ['--input-type=module', '-e', PROGRAM, module, JSON.stringify(slackSpec(fake))],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, BOT: fake.workspace.botToken, APP: fake.workspace.appToken },
        },
      )
      t.after(() => void child.kill('SIGKILL'))
      let said = ''
      child.stdout.setEncoding('utf8').on('data', text => {
        said += text
      })
      const isThere = () =>
        fake.sockets.tried() === 1 && said.includes('ready') && (how === 'mute' || said.includes('up'))
      await until('it is there', isThere)
      fake.sockets.deafen()
      child.kill('SIGUSR2')
      await until('it is closed', () => said.includes('closed'), 3000)
      await until('it has ended', () => child.exitCode !== null, 5000)
      assert.deepEqual([child.exitCode, fake.sockets.tried(), said.includes('up')], [0, 1, how === 'deaf'])
    })
  }

  test('closed while the server dies: no timer is left that would keep the process alive', async () => {
    const platform = await startSlackPlatform()
    const before = process.getActiveResourcesInfo().filter(what => what === 'Timeout').length
    const channels = await Promise.all([1, 2, 3].map(() => platform.open()))
    await until('all are up', () => platform.fake.sockets.open() === 3)
    const closed = channels.map(channel => channel.close())
    await Promise.all([platform.close(), ...closed])
    await passMs(100)
    assert.ok(process.getActiveResourcesInfo().filter(what => what === 'Timeout').length <= before)
  })
})
