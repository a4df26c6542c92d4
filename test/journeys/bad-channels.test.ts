import assert from 'node:assert/strict'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Check } from '../../core/doctor/check.ts'
import { onLoopback } from '../loopback.ts'
import { makeStand, type Stand } from './stand.ts'

const TOKEN = '123456789:AAnot-a-real-token-not-a-real-token'
const web = { run: ['sleep', '100000'] }

/** Channels that are wrong, and what is said of them. */
const WRONG: readonly (readonly [name: string, rest: Record<string, unknown>, words: RegExp])[] = [
  ['a token in the file', { channels: { telegram: { token: TOKEN, chats: [1] } } }, /token must not be in this file/],
  ['a token as a file', { channels: { telegram: { token: { file: TOKEN }, chats: [1] } } }, /not the path of a file/],
  [
    'a token as a chat',
    { channels: { telegram: { token: { env: 'T' }, chats: [TOKEN] } } },
    /not the number of a chat/,
  ],
  ['an unknown platform', { channels: { telegrm: { token: TOKEN } } }, /telegrm unknown key; did you mean "telegram"/],
  ['a number of Discord', { channels: { discord: { token: { env: 'T' }, channels: [123] } } }, /must be in quotes/],
  ['a plain address', { channels: telegramAt('http://192.0.2.1') }, /for everybody to read/],
  ['a route to nowhere', { channels: telegramAt('https://a'), routes: [{ to: 'telegra' }] }, /did you mean "telegram"/],
  ['WhatsApp alone', { channels: { whatsapp: { chats: ['12345@c.us'] } } }, /only channel that reaches somebody/],
  ['a cron of seconds', { maintenance: [{ cron: '0 0 3 * * *', for: '1h' }] }, /6 fields instead of five/],
]

function telegramAt(apiRoot: string, token: Record<string, string> = { env: 'HEALD_TEST_TOKEN' }) {
  return { telegram: { token, chats: [-1001], apiRoot } }
}

/** All that is kept below a folder holds no token. */
function assertNoToken(folder: string): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (existsSync(path) && statSync(path).isFile()) assert.ok(!readFileSync(path).includes(TOKEN), path)
  }
}

async function healed(stand: Stand): Promise<void> {
  const before = (await stand.inState('web', 'ready')).pid ?? assert.fail()
  process.kill(before, 'SIGKILL')
  await stand.wait('it is healed', () => stand.processes('web').some(pid => pid !== before))
}

test('whatever is wrong with a channel: heald does not start with it, says what to write, and repeats no token', async t => {
  const stand = await makeStand(t)
  for (const [name, rest, words] of WRONG) {
    stand.configure({ services: { web }, ...rest })
    for (const order of [
      ['up', '--config', stand.configPath],
      ['config', 'check'],
    ]) {
      const { code, stdout, stderr } = await stand.cli(...order)
      assert.ok(code === 1 || code === 2 || code === 3, `${name}: ${order[0]} ended with ${code}`)
      assert.match(`${stdout}${stderr}`.replaceAll(/\s+/g, ' '), words, `${name}: ${order[0]}`)
      assert.ok(!`${stdout}${stderr}`.includes('not-a-real'), `${name}: ${stdout}${stderr}`)
    }
  }
  assert.deepEqual(stand.processes('web'), [])
})

test('a running daemon keeps what it has when channels are wrong, and heals with channels that nobody answers for', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { web } })
  await stand.up({ env: { HEALD_TEST_TOKEN: TOKEN } })
  await stand.inState('web', 'ready')
  for (const [name, rest] of WRONG.slice(0, 3)) {
    stand.configure({ services: { web }, ...rest })
    const { code, stdout, stderr } = await stand.cli('reload')
    assert.notEqual(code, 0, name)
    assert.ok(!`${stdout}${stderr}`.includes('not-a-real'), `${name}: ${stdout}${stderr}`)
  }
  await healed(stand)
  // Nothing listens there, and the file of the second is missing.
  const channels = {
    ...telegramAt('http://127.0.0.1:9'),
    discord: { token: { file: 'missing' }, channels: ['1'], apiUrl: 'http://127.0.0.1:9' },
  }
  const maintenance = [{ cron: '0 3 * * SUN', for: '1h' }]
  stand.configure({ services: { web }, channels, maintenance, escalation: [{ after: '5m', to: 'telegram' }] })
  await stand.must('reload')
  await healed(stand)
  await stand.verified()
  await stand.must('down')
  assertNoToken(stand.state)
})

/** A Bot API server that knows the token and one chat. */
async function serveTelegram(t: TestContext): Promise<string> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const isMe = request.url === `/bot${TOKEN}/getMe`
    const isThere = isMe || (request.url === `/bot${TOKEN}/getChat` && body === 'chat_id=-1001')
    const result = isMe ? { username: 'heald_bot' } : { title: 'Ops' }
    response.writeHead(isThere ? 200 : 400)
    response.end(JSON.stringify(isThere ? { ok: true, result } : { ok: false, description: 'chat not found' }))
  })
  return onLoopback(t, server)
}

test('heald doctor says of each channel whether it is there, and of each chat', async t => {
  const stand = await makeStand(t)
  const at = await serveTelegram(t)
  const file = join(stand.root, 'token')
  writeFileSync(file, `${TOKEN}\n`)
  chmodSync(file, 0o600)
  const channels = {
    console: {},
    telegram: { ...telegramAt(at, { file: 'token' }).telegram, chats: [-1001, -1002] },
    discord: { token: { env: 'HEALD_TEST_UNSET' }, channels: ['1'], apiUrl: at },
    slack: { botToken: { file: 'token' }, appToken: { file: 'missing' }, channels: ['C01'], apiUrl: at },
  }
  stand.configure({ services: { web }, channels })
  const { ok, checks } = await stand.json<{ ok: boolean; checks: Check[] }>('doctor')
  assert.equal(ok, true, 'no channel is something that heald can’t do without')
  const found = checks
    .filter(({ id }) => id.startsWith('channel.'))
    .map(({ id, state, why }) => `${id} ${state}: ${why}`)
  assert.deepEqual(found, [
    'channel.console ok: printed by the bot: heald logs bot',
    'channel.telegram ok: takes the token of @heald_bot',
    'channel.telegram.-1001 ok: -1001: Ops',
    'channel.telegram.-1002 warn: -1002: answers 400: chat not found; add the bot to it',
    'channel.discord off: no token: the variable HEALD_TEST_UNSET is not set',
    `channel.slack off: no appToken: ${join(stand.root, 'missing')} is not there`,
  ])
  const { stdout, stderr } = await stand.cli('doctor')
  assert.match(stdout, /✓ ok +telegram +takes the token of @heald_bot/)
  assert.match(stdout, /discord: set HEALD_TEST_UNSET where heald is started/)
  assert.ok(!`${stdout}${stderr}${JSON.stringify(checks)}`.includes('not-a-real'))
  chmodSync(stand.root, 0o755)
  chmodSync(file, 0o644)
  assert.match((await stand.cli('config', 'check')).stdout, /everybody on this host may read/)
})
