import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { identifiedIn } from '../../../adapters/chat/discord-identified.ts'
import type { Channel, Word } from '../../../bot/channel.ts'
import { plainMessage } from '../../conformance/messages.ts'
import { type DiscordPlatform, discordPlatform } from '../../fakes/discord/platform.ts'
import type { DiscordFake } from '../../fakes/discord/server.ts'
import { until } from '../../until.ts'

const sleep = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

describe('the connection to Discord’s gateway', () => {
  let platform: DiscordPlatform
  let fake: DiscordFake
  let chat: string
  const words: Word[] = []
  const states: { isUp: boolean; isFinal: boolean; why: string }[] = []
  const isUp = () => states.at(-1)?.isUp === true
  const isDown = () => states.at(-1)?.isUp === false
  const open = (): Promise<Channel> =>
    platform.open({ onWord: word => void words.push(word), onState: state => void states.push(state) })

  beforeEach(async () => {
    words.length = 0
    states.length = 0
    platform = await discordPlatform()
    fake = platform.fake
    chat = platform.chats[0]
  })
  afterEach(async () => {
    await platform.close()
    for (const { why } of states) assert.ok(!why.includes(fake.world.token) && !why.includes('127.0.0.1'), why)
  })
  let opened: Channel
  async function openUp(): Promise<Channel> {
    opened = await open()
    await until('it is up', isUp)
    return opened
  }
  /** Up again, after what made it go down. */
  async function backUp(withinMs = 30_000): Promise<void> {
    await until('it is down', isDown)
    await until('it is up again', isUp, withinMs)
  }
  const texts = () => words.map(({ text }) => text)

  test('a cut: the session goes on, and a command that was missed comes exactly once', async () => {
    await openUp()
    platform.say(chat, '/status before')
    await until('the word came', () => words.length === 1)
    fake.cut()
    platform.say(chat, '/status missed')
    await backUp()
    platform.say(chat, '/status after')
    await until('the last word came', () => texts().includes('/status after'))
    assert.deepEqual(texts(), ['/status before', '/status missed', '/status after'])
    const { identify, resume } = fake.gateway.count
    assert.deepEqual([identify, resume, platform.breaches()], [1, 1, []])
  })

  test('told to reconnect: the session goes on', async () => {
    await openUp()
    fake.gateway.reconnect()
    await backUp()
    const { identify, resume } = fake.gateway.count
    assert.deepEqual([identify, resume, platform.breaches()], [1, 1, []])
  })

  test('a connection on which heartbeats are not answered is left, and the session goes on', async () => {
    fake.gateway.how.heartbeatMs = 300
    await openUp()
    fake.gateway.how.isDeaf = true
    await until('it is down', isDown)
    fake.gateway.how.isDeaf = false
    await until('it is up again', isUp)
    const { identify, resume } = fake.gateway.count
    assert.deepEqual([identify, resume >= 1, platform.breaches()], [1, true, []])
  })

  test('an invalid session is begun anew, not before Discord takes another IDENTIFY', async () => {
    await openUp()
    fake.gateway.invalidate()
    await backUp()
    platform.say(chat, '/status after')
    await until('the word came', () => words.length === 1)
    const { identify, resume } = fake.gateway.count
    assert.deepEqual([identify, resume, platform.breaches()], [2, 0, []])
  })

  test('a session that is gone when it is to go on is begun anew', async () => {
    await openUp()
    fake.gateway.invalidate()
    fake.cut()
    await backUp()
    assert.deepEqual([fake.gateway.count.identify, platform.breaches()], [2, []])
  })

  test('a wrong token is told as final and costs no IDENTIFY; once it is good it comes up by itself', async () => {
    platform.revoke()
    const channel = await open()
    await until('it is down', isDown)
    assert.deepEqual([states.at(-1)?.isFinal, fake.gateway.count.identify], [true, 0])
    assert.match(states.at(-1)?.why ?? '', /token/)
    fake.world.token = `${fake.world.token}x`
    platform.admit()
    await until('it is up', isUp)
    const verdict = await channel.post(chat, plainMessage('x'), {
      key: 'k',
      isAgain: false,
      isSilent: false,
      replyTo: null,
    })
    assert.equal(verdict.verdict, 'done')
  })

  test('a token that is not taken for a post is final too, and not tried for each post', async () => {
    const channel = await openUp()
    fake.world.isRevoked = true
    for (let n = 0; n < 20; n += 1) {
      const how = { key: `k${n}`, isAgain: false, isSilent: false, replyTo: null }
      const verdict = await channel.post(chat, plainMessage('x'), how)
      assert.deepEqual(verdict.verdict === 'refused' && verdict.of, 'channel')
    }
    await until('it is down', isDown)
    assert.equal(states.at(-1)?.isFinal, true)
    assert.ok(fake.desk.log.filter(line => line.startsWith('POST ')).length <= 2)
  })

  test('intents that are not allowed are final, and not tried again soon', async () => {
    await openUp()
    fake.gateway.end(4014)
    await until('it is down', isDown)
    assert.deepEqual([states.at(-1)?.isFinal, /intents/.test(states.at(-1)?.why ?? '')], [true, true])
    await sleep(1500)
    const asked = fake.desk.log.filter(line => line === 'GET /gateway/bot')
    assert.equal(asked.length, 1, 'only once, before the first connection')
  })

  test('a gateway that ends every connection is asked less and less often', async () => {
    fake.gateway.how.closesWith = 4000
    await open()
    await sleep(4500)
    const { connect, identify } = fake.gateway.count
    assert.ok(connect >= 2 && connect <= 5, `${connect} connections`)
    assert.ok(identify <= 2)
    assert.deepEqual(platform.breaches(), [])
  })

  test('with no IDENTIFY left, none is sent', async () => {
    fake.gateway.how.remaining = 0
    await open()
    await until('it is down', isDown)
    await sleep(1500)
    assert.deepEqual([fake.gateway.count.connect, states.at(-1)?.isFinal], [0, false])
  })

  test('a bot that is killed and started again and again begins no more than one session in 5 s', async () => {
    for (let life = 0; life < 4; life += 1) {
      const opened = await open()
      await sleep(700)
      fake.cut()
      await opened.close()
    }
    assert.deepEqual([fake.gateway.count.identify, platform.breaches()], [1, []])
    states.length = 0
    await openUp()
    assert.deepEqual([fake.gateway.count.identify, platform.breaches()], [2, []])
  })

  test('when a session was begun is not known, or not to be kept: no harm', async () => {
    rmSync(platform.folder, { recursive: true })
    writeFileSync(platform.folder, 'no folder')
    await openUp()
    assert.match(platform.warnings.join(), /can’t be kept \(E(EXIST|NOTDIR)\)/)
    rmSync(platform.folder)
    mkdirSync(platform.folder)
    for (const text of ['', 'x', '-1', String(Date.now() + 86_400_000)]) {
      writeFileSync(join(platform.folder, 'identified'), text)
      const lastMs = await identifiedIn(platform.folder, () => {}).lastMs()
      assert.ok(lastMs <= performance.now(), `${text}: ${lastMs}`)
    }
  })

  test('frames that no gateway should send end nothing but the connection', async () => {
    await openUp()
    const odd = ['nonsense', 'null', '[]', '{"op":99}', '{"op":0,"t":"INTERACTION_CREATE","s":1,"d":{"type":2}}']
    for (const frame of odd) fake.gateway.raw(frame)
    await sleep(200)
    assert.equal(isUp(), true)
    for (const frame of ['{"op":10}', '{"op":9}']) {
      fake.gateway.raw(frame)
      await backUp(15_000)
    }
    assert.equal(fake.gateway.count.identify, 1, 'the session goes on')
  })

  test('a connection whose other side has frozen is left all the same', async () => {
    fake.gateway.how.heartbeatMs = 300
    await openUp()
    fake.freeze()
    const frozenMs = performance.now()
    await backUp()
    assert.ok(performance.now() - frozenMs < 5000)
    fake.freeze()
    const sockets = () => process.getActiveResourcesInfo().filter(name => name === 'TCPSocketWrap').length
    const before = sockets()
    const startedMs = performance.now()
    await opened.close()
    assert.ok(performance.now() - startedMs < 2500)
    await until('its socket is gone', () => sockets() < before, 1000)
  })

  test('what keeps the token from being read is told, without what looks like one', async () => {
    const token = fake.world.token
    await platform.open({ onState: state => void states.push(state) }, async () => {
      throw new Error(`no such file, though ${token} is in the environment`)
    })
    await until('it is down', isDown)
    assert.match(states.at(-1)?.why ?? '', /can’t be read: no such file/)
    assert.equal(states.at(-1)?.isFinal, true)
  })

  test('it is closed quickly, whatever it is waiting for, and says nothing more', async () => {
    const standing = await openUp()
    fake.gateway.how.isMute = true
    const waiting = await open()
    await until('it waits for HELLO', () => fake.gateway.count.connect === 2)
    fake.gateway.how.isUnanswered = true
    const asking = await open()
    await until('it waits for a connection', () => fake.gateway.count.connect === 3)
    const known = states.length
    for (const channel of [standing, waiting, asking]) {
      const startedMs = performance.now()
      const closing = channel.close()
      if (channel === asking) fake.cut()
      await closing
      assert.ok(performance.now() - startedMs < 2500)
    }
    await sleep(700)
    assert.deepEqual([fake.gateway.count.connect, states.length], [3, known])
    assert.deepEqual(fake.gateway.codes, [1000, 1000], 'Discord is told that the bot goes')
  })
})
