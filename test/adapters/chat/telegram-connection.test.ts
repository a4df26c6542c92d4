import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { openTelegram } from '../../../adapters/chat/telegram.ts'
import type { Channel, PostHow, Verdict, Word } from '../../../bot/channel.ts'
import type { TelegramSpec } from '../../../core/config/channel-spec.ts'
import { plainMessage } from '../../conformance/messages.ts'
import { startTelegramPlatform, type TelegramPlatform } from '../../fakes/telegram/platform.ts'
import { until } from '../../until.ts'

interface State {
  isUp: boolean
  isFinal: boolean
  why: string
}

let platform: TelegramPlatform
let chat: string
const channels: Channel[] = []
/** All that any channel of this file said, for the last test. */
const said: string[] = []

beforeEach(async () => {
  platform = await startTelegramPlatform()
  chat = platform.chats[0]
})
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.close()
  said.push(...platform.warnings)
  await platform.close()
})

async function open(onWord: (word: Word) => void = () => {}): Promise<{ channel: Channel; states: State[] }> {
  const states: State[] = []
  const channel = await platform.open({
    onWord,
    onState(state) {
      states.push(state)
      said.push(state.why)
    },
  })
  channels.push(channel)
  return { channel, states }
}
const isUp = (states: State[]) => states.at(-1)?.isUp === true
const HOW: PostHow = { key: 'k', isAgain: false, isSilent: false, replyTo: null }
async function post(channel: Channel, to = chat): Promise<Verdict> {
  const verdict = await channel.post(to, plainMessage('one'), HOW)
  if (verdict.verdict !== 'done') said.push(verdict.why)
  return verdict
}
const sleep = (forMs: number) => new Promise(resolve => setTimeout(resolve, forMs))

test('two pollers: who loses is told what is wrong, tries seldom, and comes back when the other has gone', async () => {
  const words: string[] = []
  const first = await open(({ text }) => void words.push(text))
  await until('the first is up', () => isUp(first.states))
  const second = await open()
  await until('one was told', () => [...first.states, ...second.states].some(({ isFinal }) => isFinal))
  const lost = [...first.states, ...second.states].find(({ isFinal }) => isFinal)
  assert.match(lost?.why ?? '', /another program .*second poller/)
  assert.equal(lost?.isUp, false)
  const before = platform.fake.calls('getMe')
  await sleep(3000)
  assert.ok(platform.fake.calls('getMe') - before <= 6, 'they do not chase each other')
  assert.equal((await post(first.channel)).verdict, 'done', 'posting goes on')
  await second.channel.close()
  await until('the first is up alone', () => isUp(first.states))
  platform.say(chat, '/status agent')
  await until('it hears', () => words.includes('/status agent'))
})

test('a token that is taken back while it runs: told within a moment, seldom tried, and read anew', async () => {
  const { channel, states } = await open()
  await until('it is up', () => isUp(states))
  platform.revoke()
  await until('it is told', () => states.at(-1)?.isFinal === true)
  assert.match(states.at(-1)?.why ?? '', /does not take the bot’s token \(401 Unauthorized\)/)
  const verdict = await post(channel)
  assert.deepEqual([verdict.verdict, verdict.verdict === 'refused' && verdict.of], ['refused', 'channel'])
  await sleep(3000)
  assert.ok(platform.fake.calls('getMe') <= 5, `${platform.fake.calls('getMe')} tries in three seconds`)
  const renewed = '700123456:AAG-another_TokenOfTheSameBot_renewed'
  platform.fake.takeOnly(renewed)
  platform.secret.read = async () => ` ${renewed}\n`
  await until('it is up with the new one', () => isUp(states))
  assert.equal((await post(channel)).verdict, 'done')
  platform.fake.takeOnly('')
  await post(channel)
})

test('a token that can’t be read, or is none, is told; no request is made with it', async () => {
  platform.secret.read = () => Promise.reject(new Error('/etc/heald/token can’t be opened'))
  const { channel, states } = await open()
  await until('it is told', () => states.length > 0)
  assert.deepEqual([states[0]?.isUp, states[0]?.isFinal], [false, true])
  assert.match(states[0]?.why ?? '', /token can’t be used: .*can’t be opened/)
  assert.equal((await post(channel)).verdict, 'retry')
  platform.secret.read = async () => 'a/../b?c'
  await until('it is told', () => /does not look like one/.test(states.at(-1)?.why ?? ''))
  assert.equal(platform.fake.calls(), 0)
  platform.secret.read = async () => platform.fake.token
  await until('it is up', () => isUp(states))
})

for (const ill of ['error 500', 'bad gateway', 'cut', 'answer lost', 'slow down'] as const) {
  test(`a poll that fails (${ill}) is told, and polling goes on; no word is lost`, async () => {
    const words: string[] = []
    const { states } = await open(({ text }) => void words.push(text))
    await until('it is up', () => isUp(states))
    platform.fake.next('poll', ill, 1000)
    // The poll that stands takes this one; the next one meets the trouble, and confirms nothing unless it arrives.
    platform.say(chat, '/one')
    await sleep(300)
    platform.say(chat, '/two')
    await until('it is told', () => states.some(state => !state.isUp))
    assert.ok(states.every(({ isFinal }) => !isFinal))
    await until('it is up again', () => isUp(states))
    await until('both came', () => words.includes('/one') && words.includes('/two'))
    assert.ok(words.every(text => text === '/one' || text === '/two'))
  })
}

test('a webhook that somebody has set is taken away when polling begins, and told when it comes later', async () => {
  platform.fake.updates.webhook = 'https://example.org/hook'
  const { states } = await open()
  await until('it is up', () => isUp(states))
  platform.fake.updates.webhook = 'https://example.org/hook'
  await until('it is told', () => states.at(-1)?.isFinal === true)
  assert.match(states.at(-1)?.why ?? '', /has set a webhook for this bot/)
  await until('it is up again', () => isUp(states))
})

test('429: the chat waits as long as Telegram says; others don’t', async () => {
  const { channel, states } = await open()
  await until('it is up', () => isUp(states))
  platform.next('slow down', 33_000)
  const verdict = await post(channel)
  assert.deepEqual({ ...verdict, why: '' }, { verdict: 'retry', afterMs: 33_000, of: 'chat', isOpen: false, why: '' })
  assert.equal((await post(channel, platform.chats[1])).verdict, 'done')
})

test('a group that became a supergroup: the new id is told', async () => {
  const { channel, states } = await open()
  await until('it is up', () => isUp(states))
  platform.fake.world.addChat(-55, 'group', 'Old')
  const moved = platform.fake.world.migrate(-55)
  const verdict = await post(channel, '-55')
  assert.equal(verdict.verdict, 'refused')
  if (verdict.verdict !== 'refused') return
  assert.equal(verdict.of, 'chat')
  assert.match(verdict.why, new RegExp(`put ${moved} in the place`))
})

test('a chat that never was, a message of somebody else, a reference that is none', async () => {
  const { channel, states } = await open()
  await until('it is up', () => isUp(states))
  for (const unknown of ['-404', '@nobody', 'nonsense', '']) {
    const verdict = await post(channel, unknown)
    assert.equal(verdict.verdict === 'refused' && verdict.of, unknown === '' ? 'message' : 'chat', unknown)
  }
  const theirs = platform.fake.world.write(Number(chat), 'hello')
  for (const reference of [String(theirs), '999', 'x', '0', '1e3']) {
    assert.equal((await channel.edit(chat, reference, plainMessage('x'))).verdict, 'gone', reference)
  }
  assert.equal((await channel.post(chat, plainMessage('x'), { ...HOW, replyTo: 'x' })).verdict, 'done')
})

test('nothing listens there: it is surely not sent, and never given up', async () => {
  const { channel, states } = await open()
  await until('it is up', () => isUp(states))
  await platform.fake.close()
  await until('it is told', () => states.at(-1)?.isUp === false)
  const verdict = await post(channel)
  assert.deepEqual([verdict.verdict, verdict.verdict === 'retry' && verdict.isOpen], ['retry', false])
  assert.match(verdict.verdict === 'retry' ? verdict.why : '', /could not be reached \(ECONNREFUSED\)/)
})

test('what answers is not Telegram: a page, a redirect, a flood, noise', async () => {
  const targets: string[] = []
  const server = createServer((request, response) => {
    targets.push(request.url ?? '')
    const kind = targets.length % 4
    if (kind === 0) response.writeHead(302, { location: '/elsewhere' }).end()
    else if (kind === 1) response.end('<html>Sign in to the network</html>')
    else if (kind === 2) response.end(Buffer.alloc(20 << 20, 0x20))
    else request.socket.end('noise\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const spec: TelegramSpec = {
    ...{ kind: 'telegram', token: { env: 'TOKEN' }, chats: ['1'], quietHours: null, digest: null },
    apiRoot: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
  }
  const states: State[] = []
  const onState = (state: State) => void (states.push(state) && said.push(state.why))
  const readSecret = async () => platform.fake.token
  const warn = (text: string) => void said.push(text)
  const channel = await openTelegram(spec, { events: { onState, onWord: () => {} }, readSecret, warn, folder: '' })
  channels.push(channel)
  for (let n = 0; n < 4; n += 1) {
    const verdict = await post(channel)
    assert.ok(verdict.verdict === 'retry', JSON.stringify(verdict))
  }
  await until('it is told', () => states.length > 0)
  assert.ok(states.every(state => !state.isUp && !state.isFinal))
  assert.ok(!targets.includes('/elsewhere'))
})

test('closing takes a moment, even when a request and the poll hang', async () => {
  const { channel, states } = await open()
  await until('it is up', () => isUp(states))
  platform.next('hang')
  const hanging = post(channel)
  await sleep(100)
  const startedMs = performance.now()
  await channel.close()
  assert.ok(performance.now() - startedMs < 4000)
  const verdict = await hanging
  assert.deepEqual([verdict.verdict, verdict.verdict === 'retry' && verdict.isOpen], ['retry', true])
  const before = platform.fake.calls()
  await sleep(1500)
  assert.equal(platform.fake.calls(), before, 'nothing goes out any more')
})

test('an address that is none is refused at once, with a hint', async () => {
  const spec: TelegramSpec = {
    ...{ kind: 'telegram', token: { env: 'TOKEN' }, apiRoot: 'api.telegram.org' },
    ...{ chats: ['1'], quietHours: null, digest: null },
  }
  const tools = { events: { onState: () => {}, onWord: () => {} }, warn: () => {}, folder: '' }
  const opening = openTelegram(spec, { ...tools, readSecret: async () => '' })
  await assert.rejects(opening, { name: 'Fault', code: 'channel.url', hint: /https:/ })
})

test('in all that was told above there is no token, nor a part of one', () => {
  assert.ok(said.length > 40, 'states, verdicts and warnings were heard')
  for (const text of said) {
    assert.ok(text.length <= 300 && !text.includes('\n'), text)
    assert.doesNotMatch(text, /AAF|AAG|bot\d|700123456/)
  }
})
