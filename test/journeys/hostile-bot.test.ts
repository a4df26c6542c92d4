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
    services: { web: { run: ['sleep', '100000'] }, job: { run: ['sleep', '100000'] }, broken: { run: ['false'] } },
    ...CHATS,
    operators: {
      alice: { role: 'admin', telegram: 1001, totp: { file: totp } },
      bob: { role: 'operator', discord: '42' },
      dave: { role: 'viewer', telegram: 1004 },
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

  // As fast as it can: orders, tries, buttons, reports. `job` and `web` are as they were all the while.
  const [incident] = await stand.wait('an incident', async () => {
    const found = await stand.incidents()
    return found.length > 0 ? found : null
  })
  const before = stand.entries().length
  const fromMs = Date.now()
  const floods = Array.from({ length: 300 }, (_, n) => ({
    viewer: () => client.say(telegram(1004), 'restart web'),
    stranger: () => client.say(telegram(6000 + n), 'restart web'),
    operator: () => client.say(BOB, `silence web 1h ${n}`),
    report: () => client.post('/v1/report', { what: 'channel.down', channel: 'discord', why: `${n}`, final: false }),
    offers: () => client.offers(incident?.id ?? ''),
  }))
  const answers = new Map<string, number>()
  const counted = async ([name, flood]: readonly [string, () => Promise<unknown>]) => {
    const code = await flood().then(() => 'ok', codeOf)
    answers.set(`${name} ${code}`, (answers.get(`${name} ${code}`) ?? 0) + 1)
  }
  // So many connections at once are taken.
  for (let at = 0; at < floods.length; at += 8)
    await Promise.all(floods.slice(at, at + 8).flatMap(each => Object.entries(each).map(counted)))
  const tookS = (Date.now() - fromMs) / 1000
  const made = stand.entries().slice(before)
  const ofKind = (kind: string) => made.filter(entry => entry.kind === kind).length
  const all = JSON.stringify(Object.fromEntries(answers))
  t.diagnostic(`1500 tries in ${tookS} s led to ${made.length} entries: ${all}`)
  const answered = (...names: string[]) => names.reduce((sum, name) => sum + (answers.get(name) ?? 0), 0)
  // Each is bound by what docs/commands.md says: so many at once, and so many a second.
  const within = (count: number, burst: number, perS: number, what: string) =>
    assert.ok(count <= burst + 1 + tookS * perS, `${what}: ${count} in ${tookS} s; ${all}`)
  within(answered('viewer command.denied', 'operator ok'), 100, 10, 'words of operators')
  within(answered('stranger command.denied'), 20, 1, 'words of strangers')
  within(ofKind('command.denied'), 30, 1 / 120, 'entries of denied tries')
  within(ofKind('channel.down'), 200, 1 / 5, 'reports')
  assert.equal(ofKind('command.requested'), answered('operator ok'))
  assert.ok(ofKind('command.offered') <= 3, 'the buttons are the same as long as nothing has changed')
  assert.ok(answered('operator ok') > 0 && ofKind('channel.down') > 0 && answered('offers ok') > 0, all)
  // The host's own socket is not bound by any of it.
  for (const words of [
    ['start', 'web'],
    ['stop', 'job'],
  ])
    assert.equal((await stand.cli(...words)).code, 0, words.join(' '))
  await stand.verified()
})
