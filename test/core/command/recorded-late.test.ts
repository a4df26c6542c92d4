import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LATE_MS, makeStand, SPEAKERS } from './stand.ts'

test('an order that is recorded long after it was told to be not known fails at once', async () => {
  const stand = makeStand()
  stand.broken = 'late'
  const asks = [() => stand.ask(SPEAKERS.carol, 'restart agent'), () => stand.desk().order('freeze', {}, 'local:admin')]
  for (const ask of asks) await assert.rejects(ask(), { code: 'ledger.stalled' })
  stand.broken = 'no'
  await stand.clock.advance(LATE_MS)
  await stand.settle()
  const why = 'it was refused, since it could not be recorded in time'
  for (const id of ['c1', 'c2'])
    assert.deepEqual([stand.view(id)?.state, stand.view(id)?.why], ['failed', why], stand.kinds().join())
  assert.equal(stand.performed.length, 0)
})

test('an approval or a denial that is recorded long after it was told to be not known counts from then on', async () => {
  for (const isAtHost of [false, true]) {
    const stand = makeStand()
    const bob = { by: 'local:admin/bob', as: 'bob', code: stand.code('bob') }
    await stand.ask(SPEAKERS.alice, 'rollback app')
    await stand.ask(SPEAKERS.alice, 'deploy app release-6')
    stand.broken = 'late'
    const asks = [
      () =>
        isAtHost
          ? stand.desk().decide('approve', 'c1', bob)
          : stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') }),
      () => stand.ask(SPEAKERS.carol, 'deny c2'),
    ]
    for (const ask of asks) await assert.rejects(ask(), { code: 'ledger.stalled' })
    stand.broken = 'no'
    await stand.clock.advance(LATE_MS)
    await stand.settle()
    assert.deepEqual([stand.view('c1')?.state, stand.view('c2')?.state], ['succeeded', 'rejected'])
    assert.equal(stand.performed.length, 1)
  }
})

test('an approval that was recorded although it was told to be refused, or not known, counts too', async () => {
  for (const broken of ['stored', 'stalled'] as const) {
    const stand = makeStand()
    await stand.ask(SPEAKERS.alice, 'rollback app')
    stand.broken = broken
    await assert.rejects(stand.ask(SPEAKERS.bob, 'approve c1', { code: stand.code('bob') }), { code: /^ledger\./ })
    stand.broken = 'no'
    await stand.clock.advance(5000)
    await stand.settle()
    assert.equal(stand.view('c1')?.state, 'succeeded', broken)
  }
})
