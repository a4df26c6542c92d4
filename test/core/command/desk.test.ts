import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandView, Reply } from '../../../core/command/port.ts'
import { makeStand, SPEAKERS } from './stand.ts'

function command(reply: Reply): CommandView {
  assert.equal(reply.reply, 'command', JSON.stringify(reply))
  return reply.reply === 'command' ? reply.command : assert.fail()
}

test('an order that needs nobody is asked for, started and done, each step an entry of its own', async () => {
  const stand = makeStand()
  const asked = command(await stand.ask(SPEAKERS.carol, '/restart agent'))
  assert.deepEqual([asked.id, asked.state, asked.line, asked.operator], ['c1', 'started', 'restart agent', 'carol'])
  await stand.settle()
  assert.equal(stand.view('c1')?.state, 'succeeded')
  assert.deepEqual(
    stand.entries.filter(({ kind }) => kind.startsWith('command.')).map(({ kind, actor }) => `${kind} ${actor}`),
    ['command.requested slack:T01/U03', 'command.started heald', 'command.succeeded heald'],
  )
  const [requested] = stand.of('command.requested')
  assert.deepEqual(requested?.args, { service: 'agent' })
  assert.match(JSON.stringify(requested?.seen), /"hash":"[0-9a-f]{64}"/)
  assert.equal(stand.performed.length, 1)
})

test('a rollback waits for somebody else, on another platform, with a code of their own', async () => {
  const stand = makeStand()
  const asked = command(await stand.ask(SPEAKERS.alice, '/rollback app'))
  assert.equal(asked.state, 'awaiting')
  assert.deepEqual(asked.needs, { approvals: 1, code: true })
  assert.deepEqual(
    asked.approvers.map(({ operator }) => operator),
    ['bob'],
    'carol has no code, dave is a viewer',
  )
  assert.deepEqual(
    asked.offers.map(({ label, code }) => [label, code]),
    [
      ['Approve', true],
      ['Deny', false],
    ],
  )
  const approve = asked.offers[0]?.button ?? ''

  // Oneself, by another account; somebody without a code; a viewer; without a code; with a wrong one.
  const denied = { code: 'command.denied' }
  await assert.rejects(stand.ask(SPEAKERS.aliceOnSlack, '/approve c1', { code: stand.code('alice') }), denied)
  await assert.rejects(stand.ask(SPEAKERS.carol, { button: approve }), denied)
  await assert.rejects(stand.ask(SPEAKERS.dave, { button: approve }), denied)
  assert.equal((await stand.ask(SPEAKERS.bob, { button: approve })).reply, 'code')
  await assert.rejects(stand.ask(SPEAKERS.bob, { button: approve }, { code: '000000' }), denied)
  assert.equal(stand.performed.length, 0)

  const done = command(await stand.ask(SPEAKERS.bob, { button: approve }, { code: stand.code('bob') }))
  assert.equal(done.state, 'started')
  await stand.settle()
  const after = stand.view('c1')
  assert.deepEqual([after?.state, stand.world.current], ['succeeded', 'release-4'])
  assert.deepEqual(
    after?.approvals.map(({ operator, by }) => [operator, by]),
    [['bob', 'discord:42']],
  )
  assert.equal(stand.performed.length, 1)
  const everything = JSON.stringify(stand.entries)
  assert.doesNotMatch(everything, new RegExp(`"${stand.code('bob')}"|"000000"`), 'no code is ever recorded')
})

test('a code is used once, for one command, and five wrong ones lock it until the host unlocks it', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.alice, 'rollback app')
  await stand.ask(SPEAKERS.carol, 'rollback app')
  const code = stand.code('bob')
  command(await stand.ask(SPEAKERS.bob, 'approve c1', { code }))
  await stand.settle()
  await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c2', { code }), { code: 'command.denied' })
  for (let n = 2; n <= 5; n += 1)
    await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c2', { code: '111111' }), /wrong|not a code/)
  stand.crash()
  await stand.clock.advance(60_000)
  await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c2', { code: stand.code('bob') }), /locked after 5 wrong/)
  await assert.rejects(stand.ask(SPEAKERS.alice, 'unlock bob'), /host/)
  await stand.desk().order('unlock', { operator: 'bob' }, 'local:admin')
  const approved = command(await stand.ask(SPEAKERS.bob, 'approve c2', { code: stand.code('bob') }))
  assert.equal(approved.state, 'failed', 'another rollback had changed the state')
})

test('two of two approvals: two humans, however many accounts', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.carol, 'deploy app release-6')
  const first = command(await stand.ask(SPEAKERS.bob, 'approve c1'))
  assert.deepEqual([first.state, first.needs], ['awaiting', { approvals: 1, code: false }])
  const again = await stand.ask(SPEAKERS.bobOnTelegram, 'approve c1')
  assert.ok(again.reply === 'command' && again.isAgain && again.command.state === 'awaiting')
  const second = await stand.desk().decide('approve', 'c1', { by: 'local:admin/root', as: null, code: null })
  assert.equal(second.state, 'started')
  await stand.settle()
  assert.equal(stand.world.current, 'release-6')
})

test('who is not known, not here, or not enough is refused; each try is an entry, but not without end', async () => {
  const stand = makeStand()
  for (const [from, line, why] of [
    [SPEAKERS.eve, 'restart agent', /nobody here is known/],
    [SPEAKERS.eve, 'status', /nobody/],
    [SPEAKERS.elsewhere, 'restart agent', /chat is not one/],
    [SPEAKERS.dave, 'restart agent', /dave is a viewer, and "restart" needs an operator/],
  ] as const)
    await assert.rejects(stand.ask(from, line), { code: 'command.denied', message: why })
  assert.deepEqual(
    stand.of('command.denied').map(({ by, verb }) => [by, verb]),
    [
      ['telegram:6666', 'restart'],
      ['telegram:6666', 'status'],
      ['telegram:1001', 'restart'],
      ['telegram:1004', 'restart'],
    ],
  )
  assert.equal((await stand.ask(SPEAKERS.eve, 'whoami')).reply, 'answer')
  await assert.rejects(stand.ask(SPEAKERS.eve, 'anything at all'), { code: 'command.denied' })
  let refused = 0
  for (let n = 0; n < 300; n += 1) {
    await stand.ask(SPEAKERS.dave, 'restart agent').catch(() => (refused += 1))
    if (n % 10 === 0) await stand.clock.advance(1000)
  }
  assert.equal(refused, 300)
  assert.ok(stand.of('command.denied').length <= 32, String(stand.of('command.denied').length))
  await stand.clock.advance(130_000)
  await stand.ask(SPEAKERS.eve, 'restart agent').catch(() => {})
  assert.ok(Number(stand.of('command.denied').at(-1)?.suppressed) > 200)
  assert.equal(stand.performed.length, 0)
})

test('a code that was typed in the place of something else is not recorded with a denied try', async () => {
  const stand = makeStand()
  for (const [from, line] of [
    [SPEAKERS.dave, '/rollback app 123456'],
    [SPEAKERS.eve, '/rollback app 123456'],
    [SPEAKERS.dave, '/silence agent 1h 123456'],
  ] as const)
    await assert.rejects(stand.ask(from, line), { code: 'command.denied' })
  assert.deepEqual(
    stand.of('command.denied').map(({ args }) => args),
    [{ target: 'app' }, { target: 'app' }, { service: 'agent', for: '1h' }],
  )
})

test('however much strangers say, the operators are heard', async () => {
  const stand = makeStand()
  const answers = new Map<string, number>()
  for (let n = 0; n < 300; n += 1) {
    const eve = { ...SPEAKERS.eve, user: `66${n}` }
    const answer = await stand.ask(eve, 'whoami').then(
      ({ reply }) => reply,
      (error: { code: string }) => error.code,
    )
    answers.set(answer, (answers.get(answer) ?? 0) + 1)
  }
  assert.deepEqual(Object.fromEntries(answers), { answer: 20, 'request.rate': 280 })
  assert.equal(command(await stand.ask(SPEAKERS.alice, 'rollback app')).state, 'awaiting')
  await stand.clock.advance(1000)
  assert.equal((await stand.ask(SPEAKERS.eve, 'whoami')).reply, 'answer')
})

test('the same word delivered again, also after a restart and days, does nothing and tells how it stands', async () => {
  const stand = makeStand()
  const key = 'telegram:bot:-100:7'
  command(await stand.ask(SPEAKERS.alice, 'restart agent', { key }))
  await stand.settle()
  for (const days of [0, 1, 6]) {
    stand.crash({ bySnapshot: days === 1 })
    await stand.clock.advance(days * 86_400_000 - (days > 0 ? 3_600_000 : 0))
    const again = await stand.ask(SPEAKERS.alice, 'restart agent', { key })
    assert.ok(again.reply === 'command' && again.isAgain && again.command.state === 'succeeded')
  }
  assert.equal(stand.performed.length, 1)
  const denied = 'telegram:bot:-100:8'
  await assert.rejects(stand.ask(SPEAKERS.dave, 'restart agent', { key: denied }), /viewer/)
  await assert.rejects(stand.ask(SPEAKERS.dave, 'restart agent', { key: denied }), /viewer/)
  assert.equal(stand.of('command.denied').length, 1)
})

test('a changed state: nothing is run, and the answer says what has changed and how to ask again', async () => {
  const stand = makeStand()
  const asked = command(await stand.ask(SPEAKERS.alice, 'rollback app'))
  stand.world.current = 'release-6'
  const reply = command(await stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') }))
  assert.equal(reply.state, 'failed')
  assert.match(reply.why ?? '', /current was release-5 and is release-6/)
  assert.match(JSON.stringify(reply.changedTo?.facts.current), /release-6/)
  assert.notEqual(reply.changedTo?.hash, asked.seen?.hash)
  const [again] = reply.offers
  assert.deepEqual([again?.label, again?.word], ['Roll back to release-4', 'rollback'])
  const second = command(await stand.ask(SPEAKERS.alice, { button: again?.button ?? '' }))
  assert.deepEqual([second.id, second.state, second.seen?.hash], ['c2', 'awaiting', reply.changedTo?.hash])
  await stand.settle()
  assert.equal(stand.performed.length, 0)
})

test('freeze is part of the state that a rollback is asked against', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.alice, 'rollback app')
  command(await stand.ask(SPEAKERS.carol, 'freeze audit', { waitMs: 1000 }))
  await stand.settle()
  assert.equal(stand.folded().commands.frozen?.by, 'slack:T01/U03')
  const reply = command(await stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') }))
  assert.match(reply.why ?? '', /frozen was false and is true/)
})

test('buttons of a card: durable before they are shown, the same while nothing changes, pressed once', async () => {
  const stand = makeStand()
  const first = await stand.desk().offers('agent-1')
  assert.deepEqual(
    first.map(({ label }) => label),
    ['Acknowledge', 'Restart agent', 'Roll back to release-4'],
  )
  stand.crash()
  assert.deepEqual(await stand.desk().offers('agent-1'), first)
  assert.equal(stand.of('command.offered').length, 1)
  const restart = first[1]?.button ?? ''
  await assert.rejects(stand.ask(SPEAKERS.dave, { button: restart }), { code: 'command.denied' })
  command(await stand.ask(SPEAKERS.carol, { button: restart }))
  await assert.rejects(stand.ask(SPEAKERS.carol, { button: restart }), {
    code: 'command.stale',
    message: /used already, for c1/,
  })
  await stand.settle()
  stand.crash({ bySnapshot: true })
  await assert.rejects(stand.ask(SPEAKERS.carol, { button: restart }), { code: 'command.stale' })
  assert.equal(stand.performed.length, 1)
  // What it was offered against is not so any more.
  stand.world.current = 'release-9'
  const stale = command(await stand.ask(SPEAKERS.alice, { button: first[2]?.button ?? '' }))
  assert.equal(stale.state, 'failed')
  await stand.clock.advance(86_400_000)
  await assert.rejects(stand.ask(SPEAKERS.carol, { button: first[0]?.button ?? '' }), /too old/)
  await assert.rejects(stand.ask(SPEAKERS.carol, { button: 'bnobody' }), { code: 'command.stale' })
})

test('a dry run is an answer: nothing is recorded, nothing is done', async () => {
  const stand = makeStand()
  for (const said of ['rollback app --dry-run', { word: 'rollback', args: { target: 'app', 'dry-run': true } }]) {
    const reply = await stand.ask(SPEAKERS.carol, said)
    assert.deepEqual(reply, {
      ...{ reply: 'answer', word: 'rollback', args: { target: 'app', 'dry-run': true } },
      data: { word: 'rollback', operator: 'carol' },
    })
  }
  await assert.rejects(stand.ask(SPEAKERS.dave, 'rollback app --dry-run'), { code: 'command.denied' })
  assert.deepEqual([stand.of('command.requested'), stand.performed, stand.world.current], [[], [], 'release-5'])
})
