import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { probeChannel } from '../../../adapters/chat/probe.ts'
import { markPaired } from '../../../adapters/chat/whatsapp-folder.ts'
import type { ChannelSpec } from '../../../core/config/channel-spec.ts'
import { onLoopback } from '../../loopback.ts'

const TOKEN = '123456:AAnot-a-real-token'
const COMMON = { quietHours: null, digest: null }

interface Asked {
  readonly path: string
  readonly authorization: string
  readonly form: URLSearchParams
}

/** A server on loopback that answers each question by `answer`; gives its address and what it was asked. */
async function serve(t: TestContext, answer: (asked: Asked, response: ServerResponse) => void) {
  const asked: string[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { url: path = '', method } = request
    asked.push(`${method} ${path} ${body}`.trim())
    answer({ path, authorization: request.headers.authorization ?? '', form: new URLSearchParams(body) }, response)
  })
  return { at: await onLoopback(t, server), asked }
}

const json = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status).end(JSON.stringify(body))

async function probe(spec: ChannelSpec, folder = '') {
  const answers = await probeChannel(spec, async () => TOKEN, folder)
  assert.ok(!JSON.stringify(answers).includes('not-a-real'), JSON.stringify(answers))
  return answers.map(({ ok, why }) => `${ok ? 'ok' : 'no'}: ${why}`)
}

const telegram = (apiRoot: string, ...chats: string[]): ChannelSpec => ({
  ...{ kind: 'telegram', token: { env: 'T' }, apiRoot, chats, ...COMMON },
})
const discord = (apiUrl: string, ...chats: string[]): ChannelSpec => ({
  ...{ kind: 'discord', token: { env: 'T' }, apiUrl, chats, ...COMMON },
})
const slack = (apiUrl: string, ...chats: string[]): ChannelSpec => ({
  ...{ kind: 'slack', botToken: { env: 'T' }, appToken: null, http: null, apiUrl, chats, ...COMMON },
})

test('Telegram: the token and each chat', async t => {
  const { at, asked } = await serve(t, ({ path, form }, response) => {
    if (path === `/bot${TOKEN}/getMe`) return json(response, 200, { ok: true, result: { username: 'heald_bot' } })
    if (path !== `/bot${TOKEN}/getChat`) return json(response, 404, { ok: false })
    if (form.get('chat_id') === '1') return json(response, 200, { ok: true, result: { title: 'Ops\u202e\u001b[31m' } })
    if (form.get('chat_id') === '2') {
      const parameters = { migrate_to_chat_id: -1002 }
      return json(response, 400, { ok: false, description: 'group chat was upgraded', parameters })
    }
    if (form.get('chat_id') === '3') return json(response, 429, { ok: false, description: `slow down ${TOKEN}` })
    return json(response, 400, { ok: false, description: 'Bad Request: chat not found' })
  })
  assert.deepEqual(await probe(telegram(at, '1', '2', '3', '4')), [
    'ok: takes the token of @heald_bot',
    'ok: Ops  [31m',
    'no: has become the chat -1002: write that',
    'no: answers 429: slow down …',
    'no: answers 400: Bad Request: chat not found; add the bot to it',
  ])
  assert.equal(asked.length, 5)
})

test('Telegram: a token that is not taken ends the questions', async t => {
  for (const status of [401, 404]) {
    const { at, asked } = await serve(t, (_, response) =>
      json(response, status, { ok: false, description: 'Unauthorized' }),
    )
    assert.deepEqual(await probe(telegram(at, '1')), ['no: does not take the token'])
    assert.equal(asked.length, 1)
  }
})

test('Discord: the token and each channel', async t => {
  const { at } = await serve(t, ({ path, authorization }, response) => {
    if (authorization !== `Bot ${TOKEN}`) return json(response, 401, { message: '401: Unauthorized' })
    if (path === '/api/v10/users/@me') return json(response, 200, { username: 'heald' })
    if (path === '/api/v10/channels/1') return json(response, 200, { name: 'ops' })
    if (path === '/api/v10/channels/2') return json(response, 403, { message: 'Missing Access' })
    return json(response, 404, { message: 'Unknown Channel' })
  })
  assert.deepEqual(await probe(discord(`${at}/api`, '1', '2', '3')), [
    'ok: takes the token of heald',
    'ok: #ops',
    'no: answers 403: Missing Access; invite the bot, and let it view the channel',
    'no: answers 404: Unknown Channel; invite the bot, and let it view the channel',
  ])
  const { at: other } = await serve(t, (_, response) => json(response, 401, { message: '401: Unauthorized' }))
  assert.deepEqual(await probe(discord(other, '1')), ['no: does not take the token'])
})

test('Slack: the token and each channel', async t => {
  const { at } = await serve(t, ({ path, authorization, form }, response) => {
    if (authorization !== `Bearer ${TOKEN}`) return json(response, 200, { ok: false, error: 'not_authed' })
    if (path === '/api/auth.test') return json(response, 200, { ok: true, user: 'heald', team: 'Acme' })
    const answers: Record<string, unknown> = {
      C1: { ok: true, channel: { name: 'ops', is_member: true } },
      C2: { ok: true, channel: { name: 'dev', is_member: false } },
      C3: { ok: false, error: 'channel_not_found' },
      C4: { ok: false, error: 'missing_scope' },
      D5: { ok: true, channel: { is_im: true } },
    }
    return json(response, 200, answers[form.get('channel') ?? ''])
  })
  assert.deepEqual(await probe(slack(`${at}/api/`, 'C1', 'C2', 'C3', 'C4', 'D5')), [
    'ok: takes the token of heald in Acme',
    'ok: #ops',
    'no: the bot is not in #dev; write /invite and its name there',
    'no: answers 200: channel_not_found',
    'no: can not be looked at without the scopes channels:read and groups:read',
    'ok: is there',
  ])
  const { at: other } = await serve(t, (_, response) => json(response, 200, { ok: false, error: 'invalid_auth' }))
  assert.deepEqual(await probe(slack(`${other}/`, 'C1')), ['no: does not take the bot token (invalid_auth)'])
})

/** What is no platform. */
const STRANGE: readonly (readonly [name: string, answer: (response: ServerResponse) => void, why: RegExp])[] = [
  ['a page', response => response.end('<html>'), /no JSON: is this its address/],
  ['a list', response => response.end('[1]'), /what is no answer of its/],
  ['nothing', response => response.destroy(), /can't be reached/],
  ['too much', response => response.end(`{"a":"${'x'.repeat(300_000)}"}`), /far too much/],
  ['a redirect', response => response.writeHead(302, { location: '/elsewhere' }).end(), /can't be reached/],
]

for (const [name, answer, why] of STRANGE)
  test(`an address where ${name} comes back is no platform`, async t => {
    for (const make of [telegram, discord, (at: string) => slack(`${at}/`)]) {
      const { at, asked } = await serve(t, (_, response) => answer(response))
      const answers = await probe(make(at, '1'))
      assert.equal(answers.length, 1)
      assert.match(answers[0] ?? '', why)
      assert.equal(asked.length, 1)
    }
  })

test('no server, and one that does not answer', async t => {
  const { at } = await serve(t, () => {})
  const startMs = performance.now()
  const [closed, silent] = await Promise.all([probe(telegram('http://127.0.0.1:1', '1')), probe(discord(at, '1'))])
  assert.match(closed[0] ?? '', /^no: can't be reached: (ECONNREFUSED|no connection)$|bad port/)
  assert.deepEqual(silent, ['no: no answer within 5 s'])
  assert.ok(performance.now() - startMs < 30_000)
})

test('WhatsApp: paired or not', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'heald-probe-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const spec: ChannelSpec = { kind: 'whatsapp', browser: null, browserArgs: [], chats: ['1@c.us'], ...COMMON }
  assert.deepEqual(await probe(spec, join(folder, 'none')), [`no: no session in ${folder}/none: it is not paired yet`])
  assert.match((await probe(spec, folder))[0] ?? '', /^no: no session/)
  // Of a pairing that was broken off, say.
  mkdirSync(join(folder, 'session'))
  assert.match((await probe(spec, folder))[0] ?? '', /^no: no session/)
  markPaired(folder)
  assert.deepEqual(await probe(spec, folder), [`ok: paired: its session is in ${folder}`])
  const file = join(folder, 'paired')
  assert.deepEqual(await probe(spec, file), [`no: only its owner and root can look into ${file} (ENOTDIR)`])
})

test('a secret that can not be read is an answer', async () => {
  const answers = await probeChannel(
    telegram('http://127.0.0.1:1', '1'),
    () => Promise.reject(new Error('T is not set')),
    '',
  )
  assert.deepEqual(answers, [{ ok: false, why: 'T is not set' }])
})
