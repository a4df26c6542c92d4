import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { faultsOfBlocks } from '../../fakes/slack/block-kit.ts'
import { type SlackFake, type SlackFakeOptions, startSlackFake } from '../../fakes/slack/fake.ts'
import { readableOf } from '../../fakes/slack/readable.ts'
import { until } from '../../until.ts'

type Json = Record<string, unknown>

async function start(t: TestContext, options: SlackFakeOptions = {}): Promise<SlackFake> {
  const fake = await startSlackFake(options)
  t.after(() => fake.close())
  return fake
}

async function call(fake: SlackFake, method: string, args: Json = {}, token = fake.workspace.botToken): Promise<Json> {
  const response = await fetch(`${fake.apiUrl}${method}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(args),
  })
  const answer = (await response.json()) as Json
  return { ...answer, status: response.status, retryAfter: response.headers.get('retry-after') }
}

const post = (fake: SlackFake, args: Json) => call(fake, 'chat.postMessage', { channel: 'C0ONE', text: 'one', ...args })

describe('the fake of Slack’s Web API', () => {
  test('takes only the right token for the method', async t => {
    const fake = await start(t)
    const { botToken, appToken } = fake.workspace
    const errors = [
      await call(fake, 'auth.test', {}, ''),
      await call(fake, 'auth.test', {}, 'xoxb-other'),
      await call(fake, 'auth.test', {}, appToken),
      await call(fake, 'apps.connections.open', {}, botToken),
      await call(fake, 'auth.test', { token: botToken }, ''),
      await call(fake, 'auth.test'),
    ].map(({ error }) => error)
    const wrong = 'not_allowed_token_type'
    assert.deepEqual(errors, ['not_authed', 'invalid_auth', wrong, wrong, 'not_authed', undefined])
    fake.workspace.isRevoked = true
    assert.equal((await call(fake, 'auth.test')).error, 'token_revoked')
  })

  test('reads forms and JSON, and nothing else', async t => {
    const fake = await start(t)
    const blocks = JSON.stringify([{ type: 'divider' }])
    const send = async (body: string, type: string) => {
      const headers = { 'content-type': type, authorization: `Bearer ${fake.workspace.botToken}` }
      return (await (await fetch(`${fake.apiUrl}chat.postMessage`, { method: 'POST', headers, body })).json()) as Json
    }
    const form = 'application/x-www-form-urlencoded'
    assert.equal((await send(new URLSearchParams({ channel: 'C0ONE', blocks }).toString(), form)).ok, true)
    assert.equal((await send(`channel=C0ONE&blocks=${blocks.slice(1)}`, form)).error, 'invalid_blocks_format')
    assert.equal((await send('channel=C0ONE', 'text/plain')).error, 'invalid_post_type')
    assert.equal((await send('{', 'application/json')).error, 'invalid_json')
    assert.equal((await send('[]', 'application/json')).error, 'json_not_object')
  })

  for (const [error, args] of [
    ['channel_not_found', { channel: 'C0NONE' }],
    ['no_text', { text: '' }],
    ['msg_too_long', { text: 'x'.repeat(4001) }],
    ['invalid_blocks_format', { blocks: ['x'] }],
    ['invalid_blocks', { blocks: [{ type: 'headline' }] }],
    [
      'msg_blocks_too_long',
      { blocks: Array(5).fill({ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(3000) } }) },
    ],
    ['invalid_metadata_format', { metadata: { event_type: 'x' } }],
    ['metadata_too_large', { metadata: { event_type: 'x', event_payload: { x: 'x'.repeat(16_000) } } }],
    ['invalid_thread_ts', { thread_ts: 'x' }],
    ['invalid_arguments', { reply_broadcast: true }],
    ['invalid_arg_name', { silent: true }],
  ] as readonly [string, Json][]) {
    test(`a post is refused: ${error}`, async t => {
      const fake = await start(t)
      const answer = await post(fake, args)
      assert.deepEqual([answer.ok, answer.error, answer.status], [false, error, 200])
      assert.deepEqual(fake.workspace.rooms.get('C0ONE')?.messages, [])
    })
  }

  test('knows no other methods, and no edit of what is gone or another’s', async t => {
    const fake = await start(t)
    assert.equal((await call(fake, 'chat.shout')).error, 'unknown_method')
    const { ts } = await post(fake, {})
    const edit = async (change: Json) =>
      (await call(fake, 'chat.update', { channel: 'C0ONE', ts, text: 'two', ...change })).error
    assert.equal(await edit({}), undefined)
    assert.equal(await edit({ ts: '1.000000' }), 'message_not_found')
    assert.equal(await edit({ text: 'x'.repeat(4001) }), 'msg_too_long')
    const room = fake.workspace.rooms.get('C0ONE')
    assert.ok(room?.messages[0] !== undefined)
    Object.assign(room.messages[0], { isOurs: false })
    assert.equal(await edit({}), 'cant_update_message')
    room.isArchived = true
    assert.equal(await edit({}), 'is_archived')
    room.isMember = false
    assert.equal(await edit({}), 'not_in_channel')
  })

  test('history: the newest first, metadata when asked for, threads only as far as they were broadcast', async t => {
    const fake = await start(t)
    const metadata = { event_type: 'x', event_payload: { key: 'k' } }
    const { ts } = await post(fake, { metadata })
    await post(fake, { text: 'hidden', thread_ts: ts })
    const second = await post(fake, { text: 'shown', thread_ts: ts, reply_broadcast: true })
    assert.equal((await post(fake, { thread_ts: second.ts })).error, 'cannot_reply_to_message')
    const alone = (await post(fake, { text: 'alone', thread_ts: '1700000000.000100', reply_broadcast: true }))
      .message as Json
    assert.equal(alone.thread_ts, undefined, 'what it answers is not there')
    const look = async (args: Json) =>
      (await call(fake, 'conversations.history', { channel: 'C0ONE', ...args })).messages as Json[]
    assert.deepEqual(
      (await look({})).map(({ text, metadata }) => [text, metadata]),
      [
        ['alone', undefined],
        ['shown', undefined],
        ['one', undefined],
      ],
    )
    assert.deepEqual((await look({ include_all_metadata: true })).at(-1)?.metadata, metadata)
    assert.equal((await look({ limit: 1 })).length, 1)
    fake.workspace.scopes.delete('channels:history')
    const { error, needed } = await call(fake, 'conversations.history', { channel: 'C0ONE' })
    assert.deepEqual([error, needed], ['missing_scope', 'channels:history'])
  })

  test('is asked too fast: 429, how long to wait, and a mark in the book', async t => {
    const fake = await start(t)
    for (let n = 0; n < 5; n += 1) assert.equal((await post(fake, {})).ok, true)
    const { status, retryAfter, error } = await post(fake, {})
    assert.deepEqual([status, retryAfter, error], [429, '1', 'ratelimited'])
    const { ts } = await post(fake, { channel: 'C0TWO' })
    for (let n = 0; n < 50; n += 1) {
      assert.equal((await call(fake, 'chat.update', { channel: 'C0TWO', ts, text: `${n}` })).ok, true)
    }
    assert.equal((await call(fake, 'chat.update', { channel: 'C0TWO', ts, text: 'x' })).status, 429)
    await call(fake, 'chat.update', { channel: 'C0TWO', ts, text: 'x' })
    assert.deepEqual(
      fake.workspace.breaches.map(text => text.split(':')[1]),
      [' too fast', ' too fast', ' called before Retry-After was over', ' too fast'],
    )
  })

  test('a response URL is good five times, for valid messages', async t => {
    const fake = await start(t)
    const { response_url: url } = fake.commandOf('C0ONE', '') as { response_url: string }
    const send = async (body: string) => (await fetch(url, { method: 'POST', body })).status
    assert.equal(await send('{"blocks":[{"type":"x"}]}'), 400)
    for (let n = 0; n < 4; n += 1) assert.equal(await send('{"text":"one"}'), 200)
    assert.equal(await send('{"text":"one"}'), 404)
    assert.equal((await fetch(`${url}9`, { method: 'POST', body: '{}' })).status, 404)
  })
})

describe('the fake of Block Kit', () => {
  const text = { type: 'plain_text', text: 'x' }
  const button = { type: 'button', action_id: 'a', text }
  for (const [said, block] of [
    ['unsupported type: undefined [json-pointer:/blocks/0]', {}],
    ['unsupported type: toString [json-pointer:/blocks/0]', { type: 'toString' }],
    ['missing required field: text [json-pointer:/blocks/0]', { type: 'header' }],
    [
      'must be less than 151 characters [json-pointer:/blocks/0/text/text]',
      { type: 'header', text: { ...text, text: 'x'.repeat(151) } },
    ],
    [
      'must be more than 0 characters [json-pointer:/blocks/0/text/text]',
      { type: 'header', text: { ...text, text: '' } },
    ],
    [
      'value must be one of plain_text [json-pointer:/blocks/0/text/type]',
      { type: 'header', text: { ...text, type: 'mrkdwn' } },
    ],
    ['invalid additional property: color [json-pointer:/blocks/0]', { type: 'divider', color: 'red' }],
    ['missing required field: text [json-pointer:/blocks/0]', { type: 'section' }],
    [
      'no more than 10 items allowed [json-pointer:/blocks/0/fields]',
      { type: 'section', fields: Array(11).fill(text) },
    ],
    ['no fewer than 1 items allowed [json-pointer:/blocks/0/elements]', { type: 'context', elements: [] }],
    [
      'action_id "a" already exists [json-pointer:/blocks/0/elements/1]',
      { type: 'actions', elements: [button, button] },
    ],
    [
      'value must be one of primary, danger [json-pointer:/blocks/0/elements/0/style]',
      { type: 'actions', elements: [{ ...button, style: 'plain' }] },
    ],
    [
      'must be more than 0 characters [json-pointer:/blocks/0/elements/0/elements/0/text]',
      { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: '' }] }] },
    ],
    [
      'unsupported type: user [json-pointer:/blocks/0/elements/0/elements/0]',
      {
        type: 'rich_text',
        elements: [{ type: 'rich_text_preformatted', elements: [{ type: 'user', user_id: 'U1' }] }],
      },
    ],
  ] as readonly [string, Json][]) {
    test(said, () => assert.ok(faultsOfBlocks([block]).includes(`[ERROR] ${said}`), faultsOfBlocks([block]).join('\n')))
  }

  test('fifty blocks, and no more', () => {
    const divider = { type: 'divider' }
    assert.deepEqual(faultsOfBlocks(Array(50).fill(divider)), [])
    assert.deepEqual(faultsOfBlocks(Array(51).fill(divider)), [
      '[ERROR] no more than 50 items allowed [json-pointer:/blocks]',
    ])
  })

  test('carries out what mrkdwn says, so that a test can see when it is not neutralised', () => {
    const said = '<!channel> <@U1> <https://a.example|here> *bold* _slant_ `code` :boom: https://b.example &lt;b&gt;'
    const { text, pings, links } = readableOf(said, [])
    assert.equal(text, '@channel @U1 here bold slant code (emoji) https://b.example <b>')
    assert.deepEqual(
      [pings, links],
      [
        ['@channel', '@U1'],
        ['https://a.example', 'https://b.example'],
      ],
    )
    assert.equal(
      readableOf('x', [{ type: 'header', text: { type: 'plain_text', text: ':boom: *b*' } }]).text,
      '(emoji) *b*',
    )
  })
})

describe('the fake of Slack’s sockets', () => {
  async function connect(t: TestContext, fake: SlackFake): Promise<{ socket: WebSocket; url: string; heard: Json[] }> {
    const { url } = (await call(fake, 'apps.connections.open', {}, fake.workspace.appToken)) as { url: string }
    const socket = new WebSocket(url)
    t.after(() => socket.terminate())
    const heard: Json[] = []
    socket.on('message', data => void heard.push(JSON.parse(String(data))))
    await until('it greets', () => heard[0]?.type === 'hello')
    return { socket, url, heard }
  }

  test('an address is good once', async t => {
    const fake = await start(t)
    const { url } = await connect(t, fake)
    for (const again of [url, url.replace(/ticket=[^&]*/, 'ticket=x')]) {
      const status = await new Promise(resolve => new WebSocket(again).on('error', error => resolve(error.message)))
      assert.match(String(status), /401/)
    }
  })

  test('sends again until it is acknowledged by the right id', async t => {
    const fake = await start(t, { ackMs: 100 })
    const { socket, heard } = await connect(t, fake)
    fake.sockets.send('slash_commands', fake.commandOf('C0ONE', 'status'))
    socket.send('{"envelope_id":"another"}')
    socket.send('nonsense')
    await until('it came again', () => heard.length === 3)
    assert.deepEqual(
      heard.slice(1).map(({ retry_attempt }) => retry_attempt),
      [undefined, 1],
    )
    assert.equal(heard[1]?.envelope_id, heard[2]?.envelope_id)
    socket.send(JSON.stringify({ envelope_id: heard[1]?.envelope_id }))
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.deepEqual([heard.length, fake.workspace.breaches.length], [3, 2])
  })

  test('says that it goes before it goes', async t => {
    const fake = await start(t)
    const { socket, heard } = await connect(t, fake)
    fake.sockets.disconnect('warning', 100)
    await until('it has gone', () => socket.readyState === WebSocket.CLOSED)
    assert.deepEqual([heard[1]?.type, heard[1]?.reason], ['disconnect', 'warning'])
  })
})
