import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, test } from 'node:test'
import { WebSocket } from 'ws'
import { startWhatsAppFake, type WhatsAppFake } from '../../fakes/whatsapp/server.ts'
import { until } from '../../until.ts'

// The fake without a browser: what it takes from a page, and what it refuses.

const GROUP = '120363000000000001@g.us'
const PERSON = '15550002222@c.us'

let fake: WhatsAppFake
const open: WebSocket[] = []
beforeEach(async () => {
  fake = await startWhatsAppFake({ keepAliveMs: 400 })
  fake.account.chats.set(GROUP, { id: GROUP, name: 'ops', participants: [fake.account.me] })
  fake.account.chats.set(PERSON, { id: PERSON, name: 'Ada', participants: [] })
})
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate()
  await fake.close()
})

interface Heard {
  readonly op?: string
  readonly reply?: number
  readonly error?: string
  readonly [key: string]: unknown
}

/** A page's connection: `call` answers null when nothing is answered within 300 ms. */
async function connect(session: string | null = null) {
  const port = / 127\.0\.0\.1:(\d+),/.exec(fake.browserArgs[0] ?? '')?.[1]
  const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, { rejectUnauthorized: false })
  open.push(socket)
  const heard: Heard[] = []
  socket.on('message', data => heard.push(JSON.parse(String(data))))
  await once(socket, 'open')
  socket.send(JSON.stringify({ op: 'hello', session }))
  let count = 0
  const wait = async (op: string) => {
    await until(op, () => heard.some(one => one.op === op))
    return heard.find(one => one.op === op)
  }
  return {
    socket,
    heard,
    wait,
    async call(op: string, data: object = {}): Promise<Heard | null> {
      count += 1
      const id = count
      socket.send(JSON.stringify({ op, id, ...data }))
      const answered = () => heard.find(({ reply }) => reply === id)
      await until('an answer', () => answered() !== undefined, 300).catch(() => {})
      return answered() ?? null
    },
  }
}

async function paired() {
  const page = await connect()
  await page.wait('qr')
  fake.scan()
  const session = (await page.wait('paired'))?.session
  await page.wait('login')
  return { ...page, session: String(session) }
}

let keys = 0
function message(change: object = {}) {
  keys += 1
  const key = `true_${GROUP}_3EB0${keys}_${fake.account.me}`
  return { message: { key, chat: GROUP, type: 'chat', body: 'hello', quoted: null, ...change } }
}

test('without a session there is a code, and nothing else is answered', async () => {
  const page = await connect('made-up')
  assert.match(String((await page.wait('qr'))?.ref), /^2@[A-Za-z0-9+/=]{64}$/)
  assert.equal(await page.call('send', message()), null)
  assert.deepEqual(fake.account.breaches, ['send without a session'])
  assert.equal(fake.account.messages.size, 0)
})

test('a session stands until the device is unlinked', async () => {
  const { session, wait } = await paired()
  const again = await connect(session)
  await again.wait('login')
  assert.equal(fake.isLinked(), true)
  fake.unlink()
  await again.wait('logout')
  assert.equal(fake.isLinked(), false)
  await (await connect(session)).wait('qr')
  await wait('login')
})

test('what WhatsApp would not take is refused and counted', async () => {
  const { call } = await paired()
  const refused = [
    message({ body: 'x'.repeat(65_537) }),
    message({ body: ' \n' }),
    message({ body: 7 }),
    message({ type: 'list' }),
    message({ key: 'false_x_1' }),
    message({ chat: PERSON }),
    message({ chat: '15559999999@c.us', key: 'true_15559999999@c.us_3EB0A' }),
    { message: null },
  ]
  for (const one of refused) assert.ok((await call('send', one))?.error, JSON.stringify(one).slice(0, 80))
  assert.ok((await call('edit', { key: 'true_nothing', body: 'x' }))?.error)
  assert.ok((await call('shutdown'))?.error)
  assert.equal(fake.account.breaches.length, refused.length + 2)
  assert.equal(fake.account.messages.size, 0)
  assert.equal((await call('send', message({ body: 'x'.repeat(65_536) })))?.error, undefined)
})

test('a message with the same key is kept once', async () => {
  const { call } = await paired()
  const one = message()
  assert.equal((await call('send', one))?.error, undefined)
  assert.equal((await call('send', { message: { ...one.message, body: 'other' } }))?.error, undefined)
  assert.deepEqual(
    [...fake.account.messages.values()].map(({ body }) => body),
    ['hello'],
  )
  assert.equal(fake.requests(), 2)
})

test('an edit is taken for 15 minutes, and not once the message is deleted', async () => {
  const { call } = await paired()
  const { message: one } = message()
  await call('send', { message: one })
  assert.equal((await call('edit', { key: one.key, body: 'later' }))?.error, undefined)
  const kept = fake.account.messages.get(one.key)
  assert.deepEqual([kept?.body, kept?.isEdited], ['later', true])
  assert.ok((await call('edit', { key: one.key, body: '' }))?.error)
  if (kept !== undefined) kept.atMs -= 16 * 60_000
  assert.match(String((await call('edit', { key: one.key, body: 'x' }))?.error), /15 minutes/)
  if (kept !== undefined) kept.atMs = Date.now()
  fake.revoke(one.key)
  assert.ok((await call('edit', { key: one.key, body: 'x' }))?.error)
  assert.equal(kept?.body, 'later')
})

test('who is out of a group sends nothing there, which is no breach', async () => {
  const { call, wait } = await paired()
  fake.expel(GROUP)
  await wait('chat')
  assert.equal((await call('send', message()))?.error, 'not a member')
  assert.deepEqual((await call('group', { chat: GROUP }))?.chat, { id: GROUP, name: 'ops', participants: [] })
  assert.ok((await call('group', { chat: '1-2@g.us' }))?.error)
  assert.deepEqual(fake.account.breaches, [])
})

test('numbers are known or not; a code for the telephone needs a number', async () => {
  const { call } = await paired()
  assert.equal((await call('exists', { chat: PERSON }))?.exists, true)
  assert.equal((await call('exists', { chat: '15559999999@c.us' }))?.exists, false)
  assert.equal((await call('pairCode', { phone: '15550001111' }))?.code, 'ABCD1234')
  assert.ok((await call('pairCode', { phone: '+1 555' }))?.error)
})

test('troubles meet the next message, once', async () => {
  const { call, session, socket } = await paired()
  const kept = () => fake.account.messages.size
  fake.next('refuse')
  assert.ok((await call('send', message()))?.error)
  fake.next('hang')
  assert.equal(await call('send', message()), null)
  assert.equal(kept(), 0)
  fake.next('answer lost')
  assert.equal(await call('send', message()), null)
  assert.equal(kept(), 1)
  fake.next('cut')
  const ended = once(socket, 'close')
  assert.equal(await call('send', message()), null)
  await ended
  assert.equal(kept(), 1)
  await assert.rejects(connect(session), /hang up|ECONNRESET|closed/)
  await new Promise(resolve => setTimeout(resolve, 400))
  await (await connect(session)).wait('login')
})
