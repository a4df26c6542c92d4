import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { STEP_MS, codeOf as totpOf } from '../../core/command/one-time-code.ts'
import { codeOf } from '../../core/fault.ts'
import { CHATS, chatClient, commandIn, discord, telegram } from './chat-client.ts'
import { makeStand } from './stand.ts'

/*
 * The bot is in the wrong hands: whoever has it may open its socket and knows all that it knows. What that is good for is
 * said in docs/commands.md, and is no more.
 */
const ALICE = telegram(1001)
const BOB = discord(42)
const code = () => totpOf(Buffer.from('12345678901234567890'), Math.floor(Date.now() / STEP_MS))

test('a bot in the wrong hands: no word with a code without a fresh one, not as the host, no other verbs, no flood', async t => {
  const stand = await makeStand(t)
  const totp = join(stand.root, 'totp-alice')
  writeFileSync(totp, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n', { mode: 0o600 })
  stand.configure({
    services: { web: { run: ['sleep', '100000'] }, job: { run: ['sleep', '100000'] } },
    ...CHATS,
    operators: {
      alice: { role: 'admin', telegram: 1001, totp: { file: totp } },
      bob: { role: 'operator', discord: '42' },
    },
    policy: { restart: { approvals: 1, code: false } },
  })
  await stand.up()
  await stand.inState('web', 'ready')
  const client = chatClient(stand)
  const said = (from: object, more: object) => client.post('/v1/request', { ...from, ...more })

  // Anything but the four verbs, and anything of the host's.
  for (const path of [
    '/v1/services/web/stop',
    '/v1/commands/c1/approve',
    '/v1/freeze',
    '/v1/down',
    '/v1/operators/alice/unlock',
  ])
    await assert.rejects(client.post(path, {}), { code: 'request.path' }, path)

  // As the host, or as somebody beside what the platform says.
  for (const more of [
    { platform: 'cli', user: 'root', chat: '1' },
    { ...ALICE, platform: 'local', user: 'admin' },
    { ...ALICE, user: 'local:admin' },
    { ...ALICE, by: 'local:admin' },
    { ...ALICE, operator: 'alice' },
    { ...ALICE, as: 'alice' },
    { ...ALICE, claim: 'root' },
    { ...ALICE, user: '1001/../local:admin' },
  ])
    await assert.rejects(
      said({}, { ...more, key: 'telegram:x:1', text: 'status' }),
      { code: 'request.body' },
      JSON.stringify(more),
    )

  // A word with a code: not without, not with a guessed one, not with one that was used, not by another's.
  const stop = commandIn(await client.say(ALICE, 'stop web'))
  assert.equal(stop.state, 'awaiting')
  await assert.rejects(client.say(BOB, `approve ${stop.id}`), { code: 'command.denied' })
  assert.equal((await client.say(ALICE, `approve ${stop.id}`)).reply, 'code')
  await assert.rejects(client.say(ALICE, `approve ${stop.id}`, { code: '000000' }), { code: 'command.denied' })
  const right = code()
  assert.equal(
    commandIn(await client.say(ALICE, `approve ${stop.id}`, { code: right, waitMs: 10_000 })).state,
    'succeeded',
  )
  const second = commandIn(await client.say(ALICE, 'stop job'))
  await assert.rejects(client.say(ALICE, `approve ${second.id}`, { code: right }), { code: 'command.denied' })
  assert.equal((await stand.service('job')).state, 'ready')

  // An approval by whoever asked, by another account of the bot's choice, or by nobody known.
  const restart = commandIn(await client.say(BOB, 'restart job'))
  for (const from of [BOB, telegram(4242), discord(4242)])
    await assert.rejects(client.say(from, `approve ${restart.id}`), { code: 'command.denied' })

  // Wrong codes lock; only the host unlocks, and nothing else does.
  for (let n = 0; n < 4; n += 1)
    await assert.rejects(client.say(ALICE, `approve ${second.id}`, { code: '111111' }), { code: 'command.denied' })
  await assert.rejects(client.say(ALICE, `approve ${second.id}`, { code: code() }), /locked/)
  await assert.rejects(client.say(ALICE, 'unlock alice'), { code: 'command.denied' })
  await assert.rejects(client.say(ALICE, `approve ${second.id}`, { code: code() }), /locked/)
  await stand.must('unlock', 'alice')

  // Too long, of another shape, or not JSON.
  await assert.rejects(said(ALICE, { key: 'telegram:x:2', text: 'x'.repeat(70_000) }), { code: 'request.large' })
  await assert.rejects(said(ALICE, { key: 'telegram:x:2', text: 'x'.repeat(5000) }), { code: 'usage.long' })
  await assert.rejects(said(ALICE, { key: 'discord:x:2', text: 'status' }), { code: 'request.body' })
  await assert.rejects(said(ALICE, { key: 'telegram:x:2', text: 'status', button: 'b' }), { code: 'request.body' })
  await assert.rejects(said(ALICE, { key: 'telegram:x:2', word: 'stop', args: { service: { toString: 'web' } } }), /./)

  // As fast as it can: orders, tries, buttons.
  const before = stand.entries().length
  const codes = new Map<string, number>()
  const sayings = Array.from({ length: 900 }, (_, n) => async () => {
    const work =
      n % 3 === 0
        ? client.say(BOB, 'ack nobody-1')
        : n % 3 === 1
          ? client.say(telegram(6666), 'restart web')
          : client.say(BOB, `silence web 1h ${n}`)
    const how = await work.then(
      () => 'ok',
      error => codeOf(error),
    )
    codes.set(how, (codes.get(how) ?? 0) + 1)
  })
  // So many connections at once are taken.
  for (let at = 0; at < sayings.length; at += 40) await Promise.all(sayings.slice(at, at + 40).map(say => say()))
  const made = stand.entries().length - before
  t.diagnostic(`900 words led to ${made} entries: ${JSON.stringify(Object.fromEntries(codes))}`)
  assert.ok((codes.get('request.rate') ?? 0) > 300, JSON.stringify(Object.fromEntries(codes)))
  assert.ok(made < 1000, `${made} entries`)
  // The host's own socket is not bound by any of it.
  await stand.must('restart', 'web').catch(() => {})
  assert.equal((await stand.cli('stop', 'job')).code, 0)
  await stand.verified()
})
