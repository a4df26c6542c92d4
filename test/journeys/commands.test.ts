import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { STEP_MS, codeOf as totpOf } from '../../core/command/one-time-code.ts'
import type { CommandView, Reply } from '../../core/command/port.ts'
import { CHATS, chatClient, commandIn, discord, telegram } from './chat-client.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { makeStand, NODE } from './stand.ts'

const ALICE = telegram(1001)
const BOB = discord(42)
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const code = () => totpOf(Buffer.from('12345678901234567890'), Math.floor(Date.now() / STEP_MS))

/** A daemon with a target of two good releases, two operators, and chats that the test speaks for. */
async function site(t: TestContext, more: object = {}) {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  for (const release of ['r1', 'r2']) folder.add(release, 'well')
  folder.add('bad', 'crashes')
  folder.point('r1')
  const totp = join(stand.root, 'totp-bob')
  writeFileSync(totp, `${SECRET}\n`, { mode: 0o600 })
  stand.configure(
    configOf(folder, await freePort(), {
      ...CHATS,
      operators: {
        alice: { role: 'operator', telegram: 1001 },
        bob: { role: 'operator', discord: '42', totp: { file: totp } },
      },
      policy: { rollback: { approvals: 1 } },
      oncall: ['bob', 'alice'],
      ...more,
    }),
  )
  const daemon = await stand.up()
  await stand.wait('r1 is known to be good', () => isIdle(stand))
  const answer = async (line: string) => {
    const reply = await client.say(ALICE, line)
    return reply.reply === 'answer' ? (reply.data as never) : assert.fail(JSON.stringify(reply))
  }
  const client = chatClient(stand)
  return { stand, folder, client, daemon, answer }
}

test('a rollback asked for on one platform, approved with a code on another, and proved', async t => {
  const { stand, folder, client, daemon } = await site(t)
  await stand.must('deploy', 'app', 'r2')
  const asked = commandIn(await client.say(ALICE, '/rollback app'))
  assert.deepEqual([asked.state, asked.needs], ['awaiting', { approvals: 1, code: true }])
  assert.deepEqual(
    asked.approvers.map(({ operator, discord: ids }) => [operator, ids]),
    [['bob', ['42']]],
  )
  // It waits through a restart of heald, and so do its buttons.
  await daemon.kill()
  await stand.up()
  const [approve] = asked.offers
  const bare = await client.say(BOB, { button: approve?.button ?? '' })
  assert.equal(bare.reply, 'code')
  const started = commandIn(await client.say(BOB, { button: approve?.button ?? '' }, { code: code(), waitMs: 10_000 }))
  assert.equal(started.state, 'succeeded', JSON.stringify(started))
  assert.equal(folder.current(), 'r1')
  const kinds = stand
    .entries()
    .filter(({ data, kind }) => data.id === asked.id || kind.startsWith('rollback.'))
    .map(({ kind, actor }) => `${kind} ${actor}`)
  assert.deepEqual(kinds, [
    'command.requested telegram:1001',
    'command.awaiting heald',
    'command.approved discord:42',
    'command.started heald',
    'rollback.started telegram:1001',
    'rollback.activated heald',
    'rollback.verified heald',
    'command.succeeded heald',
  ])
  assert.doesNotMatch(JSON.stringify(stand.entries()), new RegExp(SECRET))
  const verdict = await stand.json<{ ok: boolean; commands: number; provedCommands: number }>(
    ...['ledger', 'verify', '--commands', '--receipt', started.receipt],
  )
  assert.ok(verdict.ok && verdict.commands >= 5 && verdict.provedCommands === verdict.commands, JSON.stringify(verdict))
  await stand.verified()
})

test('frozen: a crash loop is not rolled back, over a restart too, until somebody lets it happen again', async t => {
  const { stand, folder, client, daemon } = await site(t, { policy: { unfreeze: { code: false } } })
  await stand.must('deploy', 'app', 'r2')
  const frozen = commandIn(await client.say(ALICE, 'freeze the disk is being changed', { waitMs: 10_000 }))
  assert.equal(frozen.state, 'succeeded')
  await daemon.kill()
  await stand.up()
  const { daemon: shown } = await stand.status()
  assert.ok(shown.frozen)
  assert.match(shown.frozenBy ?? '', /by telegram:1001 since .*: the disk is being changed/)
  assert.match(
    (await stand.cli('status')).stdout,
    /FROZEN: nothing is changed on its own until "heald unfreeze" \(by telegram:1001/,
  )
  // r2 breaks: restarts go on, and nothing is led back.
  writeFileSync(join(folder.path, 'releases/r2/agent.cjs'), 'process.exit(1)')
  process.kill(await stand.onlyProcess('web'), 'SIGKILL')
  const [loop] = await stand.wait('a crash loop', () => {
    const found = stand.of('crashloop.detected')
    return found.length > 0 ? found : null
  })
  assert.match(String(loop?.data.why), /automatic changes are frozen/)
  assert.equal(stand.of('rollback.started').length, 0)
  assert.equal(folder.current(), 'r2')
  await stand.must('unfreeze')
  // Asked again with its next failure, which a slow restart may put off by half a minute.
  await stand.wait('it is led back', () => folder.current() === 'r1')
  await stand.wait('it is verified', () => stand.of('rollback.verified')[0])
  assert.deepEqual(
    stand.entries().flatMap(({ kind, actor }) => (kind.startsWith('freeze.') ? [`${kind} ${actor}`] : [])),
    ['freeze.on telegram:1001', 'freeze.off local:admin'],
  )
})

test('the command line: every order is a command by local:admin, with the name behind sudo as a claim', async t => {
  const { stand } = await site(t, { policy: { restart: { approvals: 1 } } })
  const sudo = { SUDO_USER: 'alice' }
  const heald = (...words: string[]) => stand.run(stand.heald(...words), { env: sudo })
  for (const words of [
    ['stop', 'web'],
    ['start', 'web'],
    ['silence', 'web', '1h', 'a test'],
    ['freeze', 'a', 'test'],
  ])
    assert.equal((await heald(...words)).code, 0, words.join(' '))
  const requested = stand.of('command.requested')
  assert.deepEqual(
    requested.map(({ actor, data }) => [actor, data.by, data.operator, data.via, data.verb]),
    ['stop', 'start', 'silence', 'freeze'].map(verb => [
      'local:admin',
      'local:admin/alice',
      'local:admin',
      'cli',
      verb,
    ]),
  )
  assert.equal(stand.of('command.succeeded').length, 4)

  const waits = await heald('restart', 'web', '--json')
  assert.equal(waits.code, 3)
  assert.match(waits.stdout, /"code":"command.awaiting".*c5 \(restart web\) waits for an approval of others by bob,/)
  const list = await stand.json<CommandView[]>('commands')
  assert.deepEqual(
    list.map(({ id, state }) => `${id} ${state}`),
    ['c5 awaiting', 'c4 succeeded', 'c3 succeeded', 'c2 succeeded', 'c1 succeeded'],
  )
  const own = await heald('approve', 'c5')
  assert.equal(own.code, 3)
  assert.match(own.stderr, /asked for c5, so others have to approve it/)
  const pid = await stand.onlyProcess('web')
  // Somebody at the host is who they are by their code.
  assert.equal((await heald('approve', 'c5', '--json')).code, 3)
  const done = await stand.run(stand.heald('approve', '5', '--as', 'bob'), { input: code() })
  assert.equal(done.code, 0, done.stderr)
  await stand.wait('it is started anew', async () => (await stand.onlyProcess('web')) !== pid)
  const unknown = await stand.cli('approve', 'c9')
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /no command c9 that waits/)
  assert.match(await stand.must('whoami'), /You are local:admin/)
  assert.match(await stand.must('oncall'), /On call: bob, then alice/)
  assert.match(await stand.must('diff', 'app', 'r1', 'r2'), /./)
  await stand.must('verify', '--commands')
  await stand.verified()
})

test('a restart that was asked for before a stop does not undo that stop, not even while it is under way', async t => {
  const stand = await makeStand(t)
  const leave = join(stand.root, 'leave')
  const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => fs.existsSync('${leave}') && process.exit(), 20)`
  stand.configure({
    services: { web: { run: [NODE, '-e', stubborn], stop: { timeout: '1m' } } },
    ...CHATS,
    operators: { alice: { role: 'operator', telegram: 1001 } },
    policy: { restart: { approvals: 1 } },
  })
  await stand.up()
  const asked = commandIn(await chatClient(stand).say(ALICE, 'restart web'))
  assert.equal(asked.state, 'awaiting')
  const stopping = stand.cli('stop', 'web')
  await stand.wait('it is being stopped', async () => (await stand.status()).services[0]?.state === 'stopping')
  const { state, why } = await stand.json<CommandView>('approve', asked.id)
  writeFileSync(leave, '')
  assert.deepEqual([state, why], ['failed', 'not done, since the state has changed: state was wanted and is stopped'])
  assert.equal((await stopping).code, 0)
  assert.equal((await stand.status()).services[0]?.state, 'stopped')
})

test('words that only read are answered, as the command line answers them, and leave nothing', async t => {
  const { stand, client, answer } = await site(t)
  process.kill(await stand.onlyProcess('web'), 'SIGKILL')
  const [incident] = await stand.wait('an incident', async () => {
    const found = await stand.incidents()
    return found[0]?.state === 'resolved' ? found : null
  })
  const before = stand.entries().length
  assert.deepEqual(
    ((await answer('status web')) as { services: { name: string }[] }).services.map(({ name }) => name),
    ['web'],
  )
  assert.equal(((await answer('incidents')) as { id: string }[])[0]?.id, incident?.id)
  const told = (await answer(`incident ${incident?.id}`)) as { timeline: { receipt: string }[] }
  assert.ok(told.timeline.length >= 3)
  const report = (await answer(`report ${incident?.id}`)) as { name: string; text: string }
  assert.equal(report.name, `${incident?.id}.html`)
  assert.match(report.text, /<svg[\s\S]*<circle/)
  const page = (await answer('ledger svc:web kind:service')) as { lines: string[]; next: string | null }
  assert.ok(page.lines.every(line => line.includes('"svc":"web"')) && page.lines.length > 2)
  const all = (await answer('ledger')) as { lines: string[]; next: string | null }
  const older = (await answer(`ledger ${all.next}`)) as { lines: string[] }
  const seqs = [...all.lines, ...older.lines].map(line => Number(/"seq":(\d+)/.exec(line)?.[1]))
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => b - a),
  )
  assert.equal(new Set(seqs).size, seqs.length)
  const shown = (await answer('show 1')) as { line: string }
  assert.match(shown.line, /^\{"v":1,"seq":1,/)
  const [step] = told.timeline
  const checked = (await answer(`verify ${step?.receipt}`)) as { receipts: { fits: boolean }[] }
  assert.deepEqual(
    checked.receipts.map(({ fits }) => fits),
    [true],
  )
  assert.equal(((await answer('verify')) as { ledger: { ok: boolean } }).ledger.ok, true)
  assert.equal(((await answer('generations app')) as unknown[]).length, 3)
  assert.deepEqual(
    ((await answer('oncall')) as { operator: string }[]).map(({ operator }) => operator),
    ['bob', 'alice'],
  )
  assert.equal(((await answer('whoami')) as { operator: string }).operator, 'alice')
  assert.ok(((await answer('help')) as unknown[]).length > 25)
  // What could be read as an option or a file's name is neither.
  const odd = (await answer('ledger --state /etc --limit 1')) as { lines: string[] }
  assert.deepEqual(odd.lines, [], 'looked for as words')
  const file = (await answer('verify /etc/passwd')) as { receipts: { fits: unknown; why: string }[] }
  assert.doesNotMatch(JSON.stringify(file), /root:/)
  await assert.rejects(client.say(ALICE, 'logs web'), { code: 'logs.off' })
  await assert.rejects(client.say(ALICE, 'restart wbe'), { code: 'service.unknown' })
  const entries = stand.entries().slice(before)
  assert.deepEqual(
    entries.filter(({ kind }) => kind.startsWith('command.')),
    [],
  )
})

test('buttons of an incident: what may be done now, once each', async t => {
  const { stand, client } = await site(t)
  await stand.must('deploy', 'app', 'r2')
  process.kill(await stand.onlyProcess('web'), 'SIGKILL')
  const id = await stand.wait('an open incident', () => stand.of('incident.opened')[0]?.inc)
  const offers = await client.offers(id)
  const resolved = (await stand.incidents()).find(each => each.id === id)?.state === 'resolved'
  if (!resolved) {
    const labels = offers.map(({ label }) => label)
    assert.ok(labels.includes('Restart web') && labels.includes('Roll back to r1'), labels.join())
  }
  assert.deepEqual(await client.offers(id), resolved ? [] : await client.offers(id))
  const [target] = await client.offers('target:app')
  assert.equal(target?.label, 'Roll back to r1')
  const said: Reply = await client.say(ALICE, { button: target?.button ?? '' })
  assert.equal(commandIn(said).state, 'awaiting')
  await assert.rejects(client.say(ALICE, { button: target?.button ?? '' }), { code: 'command.stale' })
})
