import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { openSlack } from '../../../adapters/chat/slack.ts'
import type { Word } from '../../../bot/channel.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { type SlackFake, startSlackFake } from '../../fakes/slack/fake.ts'
import { slackSpec, slackTools, tsOf } from '../../fakes/slack/platform.ts'
import { formOf, type SignedHow, sendSigned } from '../../fakes/slack/signed.ts'
import { until } from '../../until.ts'
import { how, referenceOf, uncaught } from './slack-stand.ts'

type State = { isUp: boolean; isFinal: boolean; why: string }

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const end = (server: Server) => new Promise<unknown>(resolve => server.close(resolve))

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await end(server)
  return port
}

/** An adapter that takes words by HTTP. */
async function standUp(t: TestContext, port: number) {
  const fake = await startSlackFake()
  const words: Word[] = []
  const states: State[] = []
  const events = { onWord: (word: Word) => void words.push(word), onState: (state: State) => void states.push(state) }
  const spec = slackSpec(fake, { appToken: null, http: { signingSecret: { env: 'SIGN' }, port } })
  const channel = await openSlack(spec, slackTools(fake, events, []))
  t.after(async () => {
    await channel.close()
    await fake.close()
  })
  return { fake, channel, words, states, isUp: () => states.at(-1)?.isUp === true }
}

async function ready(t: TestContext) {
  const port = await freePort()
  const stand = await standUp(t, port)
  await until('it is up', stand.isUp)
  const url = `http://127.0.0.1:${port}/slack/events`
  const send = (body: string, change: Partial<SignedHow> = {}, to = url) =>
    sendSigned(to, body, { secret: stand.fake.workspace.signingSecret, ...change })
  return { ...stand, url, send }
}

const command = (fake: SlackFake, text = 'status') => formOf('slash_commands', fake.commandOf('C0ONE', text))

describe('words from Slack by HTTP', () => {
  test('a command and a button are acknowledged with nothing, and come in; twice the same has one key', async t => {
    const { fake, channel, words, send } = await ready(t)
    const body = command(fake, 'logs web 20')
    for (let n = 0; n < 2; n += 1) assert.deepEqual(await send(body), { status: 200, body: '' })
    const reference = referenceOf(await channel.post('C0ONE', fullMessage(), how()))
    const press = formOf('interactive', fake.pressOf('C0ONE', tsOf(reference), 'b1:ack'))
    assert.equal((await send(press)).status, 200)
    await until('all came', () => words.length === 3)
    assert.equal(words[0]?.key, words[1]?.key)
    assert.deepEqual([words[0]?.text, words[0]?.user, words[0]?.name], ['logs web 20', 'T0FAKE/U0HUMAN', 'ada'])
    assert.deepEqual([words[2]?.button, words[2]?.chat, words[2]?.user], ['b1:ack', 'C0ONE', 'T0FAKE/U0HUMAN'])
    await words[2]?.reply(plainMessage('done'))
    assert.equal(fake.workspace.answers.length, 1)
    assert.equal(fake.sockets.tried(), 0)
  })

  test('signed up to five minutes ago or ahead, and no more', async t => {
    const { fake, words, send } = await ready(t)
    const statuses: number[] = []
    for (const offS of [-310, -290, 290, 310, Number.NaN]) statuses.push((await send(command(fake), { offS })).status)
    assert.deepEqual(statuses, [401, 200, 200, 401, 401])
    assert.equal(words.length, 2)
  })

  test('what is not Slack’s is refused, and nothing of it comes in or out', async t => {
    const seen = uncaught(t)
    const { fake, words, send, url } = await ready(t)
    const good = command(fake)
    const status = async (...what: Parameters<typeof send>) => (await send(...what)).status
    assert.equal(await status(good, { secret: 'another' }), 401)
    for (const signature of ['v0=00', 'v0=', '', 'v1=00', 'nonsense'])
      assert.equal(await status(good, { signature }), 401)
    assert.equal(
      await status(`payload=${encodeURIComponent('{"type":"block_actions","actions":[]}')}`, { secret: 'x' }),
      401,
    )
    assert.equal(
      await status('ssl_check=1&command=%2Fheald&text=x', { secret: 'x' }),
      200,
      'it may be asked for, with no effect',
    )
    for (const payload of ['null', '7', '{', '[]', '"x"', '{}']) assert.equal(await status(`payload=${payload}`), 400)
    assert.equal(await status('{}', { contentType: 'application/json' }), 400)
    assert.equal(await status(`text=${'x'.repeat(300 * 1024)}`), 413)
    assert.equal(await status(good, {}, url.replace('/slack/events', '/')), 404)
    assert.equal(await status(good, {}, `${url}/../x`), 404)
    assert.equal((await fetch(url)).status, 404)
    assert.equal((await fetch(url, { method: 'POST', body: good })).status, 401)
    const noId = new URLSearchParams(good)
    noId.delete('trigger_id')
    assert.equal(await status(noId.toString()), 200, 'it would have the key of another')
    assert.deepEqual([words, seen], [[], []])
    assert.equal(await status(good), 200)
    assert.equal(words.length, 1)
  })

  test('Slack cannot be reached: told after the first post that fails, though nothing hangs on a socket', async t => {
    const { fake, channel, states, isUp } = await ready(t)
    await fake.close()
    assert.equal((await channel.post('C0ONE', plainMessage('one'), how())).verdict, 'retry')
    await until('it is down', () => !isUp())
    assert.deepEqual(states.at(-1), { isUp: false, isFinal: false, why: 'Slack could not be asked: ECONNREFUSED' })
  })

  test('the port is taken: it says so, and comes up by itself when it is free', async t => {
    const other = createServer()
    const port = await listen(other)
    const { states, isUp } = await standUp(t, port)
    await until('it is told', () => states.at(-1)?.why.includes('EADDRINUSE') === true)
    assert.match(states.at(-1)?.why ?? '', new RegExp(`port ${port}`))
    await end(other)
    await until('it is up', isUp)
  })

  test('closed: the port is free at once, though somebody holds a connection', async t => {
    const { channel, url } = await ready(t)
    const held = fetch(url, { method: 'POST', body: new ReadableStream({ pull() {} }), duplex: 'half' } as RequestInit)
    held.catch(() => {})
    await new Promise(resolve => setTimeout(resolve, 100))
    const startedMs = performance.now()
    await channel.close()
    assert.ok(performance.now() - startedMs < 2000)
    await assert.rejects(fetch(url))
  })
})
