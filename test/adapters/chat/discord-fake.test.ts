import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { WebSocket } from 'ws'
import { readable } from '../../fakes/discord/markdown.ts'
import { type DiscordFake, startDiscordFake } from '../../fakes/discord/server.ts'

describe('the fake of Discord refuses what Discord refuses', () => {
  let fake: DiscordFake
  let chat = ''
  beforeEach(async () => {
    fake = await startDiscordFake()
    chat = fake.world.channels.keys().next().value ?? ''
  })
  afterEach(() => fake.close())

  const AGENT = 'DiscordBot (https://example.org, 1.0)'
  async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(`${fake.apiUrl}/v10${path}`, {
      method,
      headers: {
        authorization: `Bot ${fake.world.token}`,
        'user-agent': AGENT,
        'content-type': 'application/json',
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? null : JSON.parse(text), headers: answer.headers }
  }
  const codes = async (...given: Parameters<typeof ask>) => {
    const { status, body } = await ask(...given)
    return [status, body?.code]
  }
  const post = (body: unknown) => codes('POST', `/channels/${chat}/messages`, body)

  test('who asks: token, user agent, format', async () => {
    assert.deepEqual(await codes('GET', '/users/@me', undefined, { authorization: 'Bot nobody' }), [401, 0])
    assert.deepEqual(await codes('GET', '/users/@me', undefined, { 'user-agent': 'curl' }), [403, 40333])
    assert.deepEqual(await codes('POST', `/channels/${chat}/messages`, '{'), [400, 50109])
    assert.deepEqual(await codes('GET', '/nothing'), [404, 0])
    assert.deepEqual(await codes('PUT', `/channels/${chat}/messages`), [405, 0])
    assert.equal((await ask('GET', '/users/@me')).body.id, fake.world.bot)
    assert.equal((await ask('GET', '/oauth2/applications/@me')).body.id, fake.world.application)
  })

  test('where: unknown channels and messages, no access, messages of others', async () => {
    assert.deepEqual(await codes('POST', '/channels/1/messages', { content: 'x' }), [400, 50035])
    assert.deepEqual(await codes('POST', `/channels/${fake.world.newId()}/messages`, { content: 'x' }), [404, 10003])
    assert.deepEqual(
      await codes('PATCH', `/channels/${chat}/messages/${fake.world.newId()}`, { content: 'x' }),
      [404, 10008],
    )
    const { body } = await ask('POST', `/channels/${chat}/messages`, { content: 'x' })
    assert.deepEqual(await codes('DELETE', `/channels/${chat}/messages/${body.id}`), [204, undefined])
    const place = fake.world.channels.get(chat)
    if (place !== undefined) place.access = 'none'
    assert.deepEqual(await post({ content: 'x' }), [403, 50001])
  })

  test('what: empty, too long, of the wrong kind; the place of each flaw is named', async () => {
    assert.deepEqual(await post({}), [400, 50006])
    assert.deepEqual(await post({ content: 'x'.repeat(2001) }), [400, 50035])
    const { body } = await ask('POST', `/channels/${chat}/messages`, {
      embeds: [{ title: 'x'.repeat(257), color: 'red' }],
    })
    assert.equal(body.errors.embeds[0].title._errors[0].code, 'BASE_TYPE_MAX_LENGTH')
    assert.equal(body.errors.embeds[0].color._errors[0].code, 'NUMBER_TYPE_MAX')
    assert.deepEqual(await post({ content: 'x', nonce: 'n'.repeat(26) }), [400, 50035])
    assert.deepEqual(
      await post({ content: 'x', components: [{ type: 2, style: 1, label: 'a', custom_id: 'a' }] }),
      [400, 50035],
    )
    assert.deepEqual(fake.world.breaches, [])
  })

  test('a reply to nothing, unless that is allowed; a second post with the nonce of a first', async () => {
    const message_reference = { message_id: fake.world.newId() }
    assert.deepEqual(await post({ content: 'x', message_reference }), [400, 50035])
    assert.deepEqual(
      await post({ content: 'x', message_reference: { ...message_reference, fail_if_not_exists: false } }),
      [200, undefined],
    )
    const twins = [1, 2].map(() =>
      ask('POST', `/channels/${chat}/messages`, { content: 'y', nonce: 'n1', enforce_nonce: true }),
    )
    const [one, two] = await Promise.all(twins)
    assert.equal(one?.body.id, two?.body.id)
    assert.equal(fake.world.channels.get(chat)?.messages.length, 2)
  })

  test('what is no refusal but a mistake is noted: fields that mean nothing, text that could ping', async () => {
    await post({ content: 'x', embed: {} })
    await post({ content: 'hello @everyone' })
    await post({ content: 'hello @everyone', allowed_mentions: { parse: [] } })
    assert.deepEqual(fake.world.breaches, ['a post with unknown fields: embed', 'a post that could ping people'])
  })

  test('six posts in five seconds are one too many', async () => {
    for (let n = 0; n < 5; n += 1) assert.equal((await post({ content: 'x' }))[0], 200)
    const { status, body, headers } = await ask('POST', `/channels/${chat}/messages`, { content: 'x' })
    assert.deepEqual([status, body.global, headers.get('x-ratelimit-remaining')], [429, false, '0'])
    assert.ok(Number(headers.get('retry-after')) >= 1 && body.retry_after <= 5)
    assert.equal(fake.world.breaches.length, 1)
  })

  test('an old message may be edited a few times only', async () => {
    const { body } = await ask('POST', `/channels/${chat}/messages`, { content: 'x' })
    const [stored] = fake.world.channels.get(chat)?.messages ?? []
    if (stored !== undefined) stored.createdMs -= 3_700_000
    const edits = []
    for (let n = 0; n < 4; n += 1)
      edits.push(await codes('PATCH', `/channels/${chat}/messages/${body.id}`, { content: 'y' }))
    assert.deepEqual(edits.at(-2), [200, undefined])
    assert.deepEqual(edits.at(-1), [429, 30046])
  })

  test('the gateway: token, intents, order and haste', async () => {
    const url = (await ask('GET', '/gateway/bot')).body.url
    const properties = { os: 'linux', browser: 'b', device: 'd' }
    const { token } = fake.world
    const identify = (more: object) => ({ op: 2, d: { token, intents: 1, properties, ...more } })
    const closeOf = async (payload: unknown, query = '?v=10&encoding=json') => {
      const socket = new WebSocket(url + query)
      await once(socket, 'open')
      socket.send(JSON.stringify(payload))
      const [code] = await once(socket, 'close')
      return code
    }
    assert.equal(await closeOf({}, '?v=6&encoding=json'), 4012)
    assert.equal(await closeOf(identify({ token: 'nobody' })), 4004)
    assert.equal(await closeOf(identify({ intents: -1 })), 4013)
    assert.equal(await closeOf(identify({ intents: 1 << 15 })), 4014)
    assert.equal(await closeOf({ op: 4, d: {} }), 4003)
    assert.equal(await closeOf({ op: 1, d: 'x'.repeat(5000) }), 4002)
    const opsOf = async (payload: unknown, count: number) => {
      const socket = new WebSocket(`${url}?v=10&encoding=json`)
      const ops: unknown[] = []
      socket.on('message', raw => void ops.push(JSON.parse(String(raw)).op))
      await once(socket, 'open')
      socket.send(JSON.stringify(payload))
      while (ops.length < count) await once(socket, 'message')
      socket.terminate()
      return ops
    }
    assert.deepEqual(await opsOf(identify({}), 3), [10, 0, 0])
    assert.deepEqual(await opsOf(identify({}), 2), [10, 9], 'a second one within 5 s')
    assert.deepEqual(await opsOf({ op: 6, d: { token, session_id: 'none', seq: 1 } }, 2), [10, 9])
  })

  test('Markdown is read as its client shows it', () => {
    assert.equal(readable('**a** *b* _c_ __d__ ~~e~~ ||f|| `g`'), 'a b c d e █ g')
    assert.equal(readable('# h\n> q\n- l\n[t](https://u) <@12> <#3> \\*x\\*'), 'h\nq\n• l\nt @somebody #unknown *x*')
    assert.equal(readable('```\n*a*\n``` https://a_b_c'), '*a* https://a_b_c')
    assert.equal(readable('https://a\\_b'), 'https://a\\_b', 'an address keeps its backslashes')
  })
})
