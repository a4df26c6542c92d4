import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CommandView, Reply } from '../../../core/command/port.ts'
import { makeStand, PEOPLE, SPEAKERS } from './stand.ts'

function command(reply: Reply): CommandView {
  assert.equal(reply.reply, 'command', JSON.stringify(reply))
  return reply.reply === 'command' ? reply.command : assert.fail()
}

test('a command that nobody approves in time is given up, also when heald was away', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.alice, 'rollback app')
  await stand.clock.advance(599_000)
  assert.equal(stand.view('c1')?.state, 'awaiting')
  await stand.clock.advance(1000)
  await stand.settle()
  assert.deepEqual([stand.view('c1')?.state, stand.view('c1')?.why], ['expired', 'nobody approved it in time'])
  await stand.ask(SPEAKERS.alice, 'rollback app')
  stand.crash()
  await stand.clock.advance(700_000)
  await stand.settle()
  assert.equal(stand.view('c2')?.state, 'expired')
  await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c2', { code: stand.code('bob') }), { code: 'command.over' })
})

test('turned down by another, withdrawn by oneself', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.alice, 'rollback app')
  assert.equal(command(await stand.ask(SPEAKERS.carol, 'deny c1')).state, 'rejected')
  await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') }), { code: 'command.over' })
  await stand.ask(SPEAKERS.alice, 'rollback app')
  assert.match(command(await stand.ask(SPEAKERS.aliceOnSlack, 'deny c2')).why ?? '', /alice withdrew/)
  await assert.rejects(stand.ask(SPEAKERS.carol, 'deny c9'), { code: 'command.unknown' })
})

test('where no approval is asked for, a code verb needs one code: of who asks, or of somebody who has one', async () => {
  const stand = makeStand()
  assert.equal(command(await stand.ask(SPEAKERS.alice, 'stop agent', { code: stand.code('alice') })).state, 'started')
  await stand.settle()
  const carols = command(await stand.ask(SPEAKERS.carol, 'unfreeze'))
  assert.deepEqual([carols.state, carols.needs], ['awaiting', { approvals: 0, code: true }])
  assert.deepEqual(
    carols.approvers.map(({ operator }) => operator),
    ['alice', 'bob'],
  )
  await assert.rejects(stand.ask(SPEAKERS.carol, 'approve c2'), /none set up/)
  assert.equal(command(await stand.ask(SPEAKERS.bob, 'approve c2', { code: stand.code('bob') })).state, 'started')
})

test('approvals of those who may not any more do not count, and what they asked for is not done', async () => {
  const without = (...names: string[]) => ({
    ...PEOPLE,
    operators: PEOPLE.operators.filter(({ id }) => !names.includes(id)),
  })
  const host = { by: 'local:admin', as: null, code: null }
  const stand = makeStand()
  await stand.ask(SPEAKERS.carol, 'deploy app release-6')
  await stand.ask(SPEAKERS.bob, 'approve c1')
  stand.people = without('bob')
  const second = command(await stand.ask(SPEAKERS.alice, 'approve c1'))
  assert.deepEqual([second.state, second.needs], ['awaiting', { approvals: 1, code: false }])
  assert.deepEqual(
    second.approvals.map(({ operator }) => operator),
    ['alice'],
  )
  assert.equal((await stand.desk().decide('approve', 'c1', host)).state, 'started')
  await stand.settle()
  assert.equal(stand.view('c1')?.state, 'succeeded')

  stand.people = PEOPLE
  await stand.ask(SPEAKERS.carol, 'deploy app release-7')
  await stand.ask(SPEAKERS.bob, 'approve c2')
  stand.people = without('carol')
  const askers = command(await stand.ask(SPEAKERS.alice, 'approve c2'))
  assert.deepEqual([askers.state, askers.why], ['failed', 'carol, who asked for it, may not any more'])

  // Killed between the approval and the start, and the configuration is another one afterwards.
  stand.people = PEOPLE
  await stand.ask(SPEAKERS.alice, 'rollback app')
  stand.hold = new Promise(() => {})
  void stand.ask(SPEAKERS.bob, 'approve c3', { code: stand.code('bob') })
  while (stand.view('c3')?.state !== 'approved') await stand.settle()
  stand.people = without('bob')
  stand.crash()
  await stand.settle()
  assert.deepEqual([stand.view('c3')?.state, stand.view('c3')?.needs], ['awaiting', { approvals: 1, code: true }])
  assert.equal(stand.performed.length, 1)
})

test('the host needs no code, and is bound by approvals like anybody', async () => {
  const stand = makeStand()
  assert.deepEqual(await stand.desk().order('stop', { service: 'agent' }, 'local:admin/alice'), { did: 'stop' })
  await assert.rejects(
    stand.desk().order('rollback', { target: 'app' }, 'local:admin'),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'command.awaiting')
      assert.match(error.message, /c2 \(rollback app\) waits for an approval of others by alice, bob/)
      return true
    },
  )
  const itself = { by: 'local:admin/bob', as: null, code: null }
  await assert.rejects(stand.desk().decide('approve', 'c2', itself), { code: 'command.denied' })
  // Somebody at the host who proves it by a code is that somebody.
  await assert.rejects(stand.desk().decide('approve', 'c2', { ...itself, as: 'bob' }), { code: 'usage.code' })
  const done = await stand.desk().decide('approve', 'c2', { ...itself, as: 'bob', code: stand.code('bob') })
  assert.equal(done.state, 'started')
  await assert.rejects(stand.desk().order('rollback', { target: 'web' }, 'local:admin'), { code: 'target.unknown' })
  const [requested] = stand.entries.filter(({ kind }) => kind === 'command.requested')
  assert.deepEqual(
    [requested?.actor, requested?.data.by, requested?.data.operator],
    ['local:admin', 'local:admin/alice', 'local:admin'],
  )
})

test('who approves for another at the host shows a code of theirs, where the policy asks for none too', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.carol, 'deploy app release-6')
  const at = (as: string, code: string | null) => ({ by: 'local:admin/root', as, code })
  for (const code of ['000000', '111111'])
    await assert.rejects(stand.desk().decide('approve', 'c1', at('alice', code)), { code: 'command.denied' })
  await assert.rejects(stand.desk().decide('approve', 'c1', at('bob', null)), { code: 'usage.code' })
  await assert.rejects(stand.desk().decide('deny', 'c1', at('alice', null)), { code: 'command.denied' })
  assert.equal(stand.view('c1')?.state, 'awaiting')
  await stand.desk().decide('approve', 'c1', at('alice', stand.code('alice')))
  assert.equal((await stand.desk().decide('approve', 'c1', at('bob', stand.code('bob')))).state, 'started')
})

test('who gives a name at the host that asked or approved in a chat is not somebody else', async () => {
  const stand = makeStand()
  const host = (name: string) => ({ by: `local:admin/${name}`, as: null, code: null })
  const denied = { code: 'command.denied', message: /^alice asked for c\d, so others have to approve it$/ }
  await stand.ask(SPEAKERS.alice, 'rollback app')
  await assert.rejects(stand.desk().decide('approve', 'c1', host('alice')), denied)
  assert.equal((await stand.desk().decide('approve', 'c1', host('bob'))).state, 'started')
  await stand.settle()

  // The other way round.
  await assert.rejects(stand.desk().order('rollback', { target: 'app' }, 'local:admin/alice'), {
    message: /c2 .* waits for an approval of others by bob,/,
  })
  const code = stand.code('alice')
  await assert.rejects(stand.ask(SPEAKERS.alice, 'approve c2', { code }), denied)
  await assert.rejects(stand.desk().decide('approve', 'c2', { ...host('root'), as: 'alice', code }), denied)

  // Nor are they a second one to approve it.
  await stand.ask(SPEAKERS.carol, 'deploy app release-6')
  await stand.ask(SPEAKERS.alice, 'approve c3')
  const again = await stand.desk().decide('approve', 'c3', host('alice'))
  assert.deepEqual([again.state, again.approvals.length], ['awaiting', 1])
  await stand.desk().decide('approve', 'c3', host('bob'))
  await stand.settle()
  await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c3'), { code: 'command.over' })
})

test('while nothing can be recorded orders are refused, and what could not start is done later or given up', async () => {
  const stand = makeStand()
  stand.broken = 'not stored'
  await assert.rejects(stand.ask(SPEAKERS.carol, 'restart agent'), { code: 'ledger.degraded' })
  await assert.rejects(stand.desk().order('restart', { service: 'agent' }, 'local:admin'), { code: 'ledger.degraded' })
  for (const line of ['status', 'rollback app --dry-run'])
    assert.equal((await stand.ask(SPEAKERS.carol, line)).reply, 'answer', line)
  await assert.rejects(
    stand.ask(SPEAKERS.dave, 'restart agent'),
    { code: 'command.denied' },
    'not even that is recorded',
  )
  stand.broken = 'no'
  await stand.ask(SPEAKERS.alice, 'rollback app')
  const approving = stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') })
  await stand.settle()
  await approving
  await stand.settle()
  assert.equal(stand.performed.length, 1)
})

test('a start that can not be recorded in time is tried again, and nobody is told that it failed', async () => {
  for (const broken of ['not stored', 'busy'] as const) {
    const stand = makeStand()
    await stand.ask(SPEAKERS.alice, 'rollback app')
    const held = Promise.withResolvers<void>()
    stand.hold = held.promise
    const approving = stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') })
    while (stand.of('command.approved').length === 0) await stand.settle()
    stand.broken = broken
    held.resolve()
    assert.equal(command(await approving).state, 'approved', broken)
    stand.broken = 'no'
    await stand.clock.advance(5000)
    await stand.settle()
    assert.deepEqual([stand.view('c1')?.state, stand.performed.length], ['succeeded', 1], broken)
  }
})

test('what was told to be refused is not run, also when it was recorded after all', async () => {
  const stand = makeStand()
  stand.broken = 'stored'
  await assert.rejects(stand.ask(SPEAKERS.carol, 'restart agent'), { code: 'ledger.degraded' })
  stand.broken = 'no'
  await stand.ask(SPEAKERS.carol, 'freeze', { waitMs: 10 })
  await stand.clock.advance(10_000)
  await stand.settle()
  const first = stand.view('c1')
  assert.deepEqual([first?.state, first?.why], ['failed', 'it was refused, since it could not be recorded in time'])
  assert.equal(stand.performed.length, 1, 'only the freeze')
})

test('what is not known yet is told so: not done while heald lives, and as any other order after a kill', async () => {
  for (const isKilled of [false, true]) {
    const stand = makeStand()
    stand.broken = 'stalled'
    const asks = [
      () => stand.ask(SPEAKERS.carol, 'restart agent'),
      () => stand.desk().order('freeze', {}, 'local:admin'),
    ]
    for (const ask of asks) await assert.rejects(ask(), { code: 'ledger.stalled', message: /^not known yet/ })
    stand.broken = 'no'
    if (isKilled) stand.crash()
    await stand.settle()
    await stand.clock.advance(10_000)
    await stand.settle()
    const states = (await stand.desk().commands()).map(({ state }) => state)
    assert.deepEqual(states, isKilled ? ['succeeded', 'succeeded'] : ['failed', 'failed'])
    assert.equal(stand.performed.length, isKilled ? 2 : 0)
  }
})

test('a step that is not known yet is told as where the command stands', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.alice, 'rollback app')
  const held = Promise.withResolvers<void>()
  stand.hold = held.promise
  const approving = stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') })
  while (stand.of('command.approved').length === 0) await stand.settle()
  stand.broken = 'stalled'
  held.resolve()
  const { state } = command(await approving)
  assert.ok(state === 'started', state)
})

test('the chain of commands holds over restarts', async () => {
  const stand = makeStand()
  await stand.ask(SPEAKERS.alice, 'rollback app')
  stand.crash()
  await stand.ask(SPEAKERS.carol, 'deny c1')
  stand.crash({ bySnapshot: true })
  await stand.ask(SPEAKERS.carol, 'restart agent')
  await stand.settle()
  let before = '0'.repeat(64)
  for (const { kind, data, h } of stand.entries) {
    if (!kind.startsWith('command.')) continue
    assert.equal(data.prevCommand, before)
    before = h
  }
})

test('orders from chats are bounded for the ledger’s sake; the host’s are not', async () => {
  const stand = makeStand()
  let taken = 0
  for (let n = 0; n < 400; n += 1) {
    await stand.clock.advance(100)
    const how = await stand.ask(SPEAKERS.carol, 'silence agent 1h').then(
      () => 'ok',
      (error: { code: string }) => error.code,
    )
    if (how === 'ok') taken += 1
    else assert.equal(how, 'request.rate')
    await stand.settle()
  }
  // 200 at once after a rest, and one each half minute: 40 s have passed.
  assert.ok(taken >= 200 && taken <= 202, String(taken))
  await stand.desk().order('silence', { service: 'agent', for: '1h' }, 'local:admin')
  const { byId, keys } = stand.folded().commands
  assert.ok(byId.size <= 201 && keys.size === taken, `${byId.size} commands, ${keys.size} keys are remembered`)
})

test('more commands than anybody looks at are not left open, and they never keep the host out', async () => {
  const stand = makeStand()
  for (let n = 0; n < 100; n += 1) {
    await stand.clock.advance(100)
    command(await stand.ask(SPEAKERS.carol, 'deploy app release-6'))
  }
  await stand.clock.advance(1000)
  await assert.rejects(stand.ask(SPEAKERS.carol, 'deploy app release-6'), { code: 'command.many' })
  assert.deepEqual(await stand.desk().order('restart', { service: 'agent' }, 'local:admin'), { did: 'restart' })
  await stand.clock.advance(600_000)
  await stand.settle()
  command(await stand.ask(SPEAKERS.carol, 'deploy app release-6'))
  assert.equal(stand.of('command.expired').length, 100)
})
