import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, polls, SOAK_MS, since } from './managed-stand.ts'

type Stand = Awaited<ReturnType<typeof makeManaged>>

async function refused(stand: Stand, order: ReturnType<Stand['deploy' | 'rollback']>, code: string, words: RegExp) {
  const before = stand.ledger.entries.length
  const acts = stand.fake.acts.length
  await stand.clock.advance(0)
  assert.equal(order.fault?.code, code)
  assert.match(order.fault?.message ?? '', words)
  if (code === 'generation.unknown') assert.equal(order.fault?.hint, 'name one that is there: heald generations app')
  assert.equal(stand.ledger.entries.length, before, 'nothing is recorded')
  assert.equal(stand.fake.acts.length, acts, 'nothing is done')
}

test('a deploy that proves well: from, to, and what was failing before stand in its first entry', async () => {
  const stand = await makeManaged()
  await stand.known()
  const before = stand.ledger.entries.length
  const order = stand.deploy('r2')
  await stand.clock.advance(SOAK_MS + 1000)
  const ref = { from: refOf('r1'), to: refOf('r2'), current: refOf('r2') }
  assert.deepEqual({ ...order.done, tookMs: 0 }, { target: 'app', ...ref, outcome: 'committed', why: null, tookMs: 0 })
  const armed = stand.ledger.entries[before]
  assert.deepEqual(
    [armed?.kind, armed?.actor, armed?.data.by, armed?.data.baseline],
    ['switch.armed', 'local:admin', 'local:admin/alice', []],
  )
  assert.deepEqual(since(stand.ledger, before), [
    ...['switch.armed', 'switch.activating', 'switch.probation', 'switch.committing', 'switch.committed'],
  ])
  assert.equal(stand.fake.standing, null)
  assert.equal(stand.fake.isLocked, false)
})

test('a deploy that does not: rolled back, why, and quarantined until somebody insists', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.web.onRenew = () => (stand.web.generation === 'r2' ? { state: 'failed', why: 'crash loop: no room' } : {})
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.deepEqual([order.done?.outcome, order.done?.current], ['rolled back', refOf('r1')])
  assert.match(order.done?.why ?? '', /the services are not well with it: web: crash loop: no room/)
  await refused(stand, stand.deploy('r2'), 'switch.quarantined', /r2 of app is quarantined: the services are not well/)
  await refused(
    stand,
    stand.rollback('r2'),
    'switch.quarantined',
    /r2 of app is quarantined: the services are not well/,
  )
  stand.web.onRenew = () => ({})
  const forced = stand.deploy('r2', { force: true })
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(forced.done?.outcome, 'committed')
  assert.deepEqual(stand.managed.status().quarantined, [])
})

test('refused before anything is done: not read yet, not recording, nothing to check, no such release', async () => {
  const stand = await makeManaged()
  await refused(stand, stand.deploy('r2'), 'switch.not-yet', /before the ledger is read/)
  await refused(stand, stand.rollback(), 'switch.not-yet', /before the ledger is read/)
  await stand.known()
  await refused(stand, stand.deploy('r9'), 'generation.unknown', /r9 is not there/)
  await refused(stand, stand.rollback('r9'), 'generation.unknown', /r9 is not there/)
  await refused(stand, stand.rollback(), 'switch.no-way-back', /no other generation of app is known to be good/)
  stand.web.is({ state: 'stopped' })
  await refused(stand, stand.deploy('r2'), 'switch.unchecked', /has no checks that run/)
  stand.web.is({ state: 'ready' })
  stand.ledger.isFull = true
  await refused(stand, stand.deploy('r2'), 'ledger.degraded', /nothing is switched/)
  await refused(stand, stand.rollback('r2'), 'ledger.degraded', /nothing is switched/)
})

test('unchecked, when somebody says so: the time alone proves it, and the entry says that', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.web.is({ state: 'stopped' })
  const order = stand.deploy('r2', { unchecked: true })
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(order.done?.outcome, 'committed')
  assert.equal(stand.ledger.entries.find(({ kind }) => kind === 'switch.armed')?.data.unchecked, true)
})

test('one switch at a time: a second deploy is refused in every phase, also in the turn in which the first came', async () => {
  const stand = await makeManaged()
  await stand.known()
  const first = stand.deploy('r2')
  const second = stand.deploy('r3')
  await stand.clock.advance(1000)
  assert.equal(second.fault?.code, 'switch.busy')
  assert.equal(stand.managed.status().state, 'probation')
  await refused(stand, stand.deploy('r3'), 'switch.busy', /app is probation already/)
  await stand.clock.advance(SOAK_MS)
  assert.deepEqual([first.done?.outcome, first.done?.current], ['committed', refOf('r2')])
  assert.equal(stand.fake.running, refOf('r2').path)
})

test('a target is moving from the moment an order is taken, before anything of it is recorded', async () => {
  const stand = await makeManaged()
  await stand.known()
  const seen = Promise.withResolvers<void>()
  stand.fake.before = act => (act === 'look' ? seen.promise : undefined)
  stand.deploy('r2')
  await stand.clock.advance(0)
  assert.deepEqual([stand.managed.isMoving(), stand.managed.status().state], [true, 'idle'])
  seen.resolve()
  await stand.clock.advance(SOAK_MS + 1000)
  assert.deepEqual([stand.managed.isMoving(), stand.managed.status().current], [false, refOf('r2')])
})

test('a rollback ends a probation at once; a second one is refused while it is carried out', async () => {
  const stand = await makeManaged()
  await stand.known()
  const deploy = stand.deploy('r2')
  await stand.clock.advance(1000)
  stand.web.onRenew = () => ({ state: 'open' })
  const rollback = stand.rollback()
  const other = stand.rollback('r1')
  await stand.clock.advance(100)
  assert.equal(other.fault?.code, 'switch.busy')
  assert.equal(stand.managed.status().state, 'rolling-back')
  await refused(stand, stand.rollback('r1'), 'switch.busy', /rolling-back already/)
  await refused(stand, stand.deploy('r3'), 'switch.busy', /rolling-back already/)
  stand.web.is({ state: 'ready' })
  await stand.clock.advance(100)
  assert.deepEqual([rollback.done?.outcome, rollback.done?.current], ['rolled back', refOf('r1')])
  assert.deepEqual([deploy.done?.outcome, deploy.done?.why], ['rolled back', 'asked for by local:admin/bob'])
  const started = stand.ledger.entries.find(({ kind }) => kind === 'rollback.started')
  assert.deepEqual([started?.actor, started?.data.cause], ['local:admin', 'operator'])
  assert.deepEqual(stand.managed.status().quarantined, [], 'nobody said that it is bad')
})

test('a rollback ends the activation that runs, and does not wait for its deadline', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.fake.before = act => (act === 'activate r2' ? new Promise(() => {}) : undefined)
  const deploy = stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'switching')
  const rollback = stand.rollback()
  await stand.clock.advance(1000)
  assert.deepEqual([rollback.done?.outcome, rollback.done?.current], ['rolled back', refOf('r1')])
  assert.deepEqual([deploy.done?.outcome, deploy.done?.why], ['rolled back', 'asked for by local:admin/bob'])
  assert.deepEqual(stand.managed.status().quarantined, [], 'nobody said that it is bad')
})

test('a rollback comes between two tries of an activation', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.fake.activation = { verdict: 'retry', exitCode: 11, why: 'others switch' }
  stand.deploy('r2')
  await stand.clock.advance(100)
  const tries = () => stand.fake.acts.filter(act => act === 'activate r2').length
  assert.equal(tries(), 1)
  const rollback = stand.rollback()
  stand.fake.activation = { verdict: 'done', exitCode: null, why: '' }
  await stand.clock.advance(1000)
  assert.deepEqual([rollback.done?.outcome, rollback.done?.to, tries()], ['rolled back', refOf('r1'), 1])
})

test('there already: nothing to do, nothing recorded, and whoever asked is not named by what comes later', async () => {
  const stand = await makeManaged()
  await stand.known()
  const before = stand.ledger.entries.length
  for (const order of [() => stand.deploy('r1'), () => stand.rollback('r1')]) {
    const given = order()
    await stand.clock.advance(100)
    assert.equal(given.done?.outcome, 'nothing to do')
  }
  assert.equal(stand.ledger.entries.length, before)
  stand.point('r3')
  await polls(stand, () => stand.ledger.entries.length > before)
  const observed = stand.ledger.entries[before]
  assert.deepEqual([observed?.kind, observed?.actor, observed?.data.by], ['switch.observed', 'heald', 'outside'])
})

test('a dry run tells where it would lead, and moves nothing', async () => {
  const stand = await makeManaged()
  await stand.known()
  const before = stand.ledger.entries.length
  const plan = stand.rollback('r1', true)
  await stand.clock.advance(0)
  assert.deepEqual([plan.done?.outcome, plan.done?.to, plan.done?.current], ['planned', refOf('r1'), refOf('r1')])
  await refused(stand, stand.rollback('r3', true), 'switch.unproven', /r3 of app is not known to be good/)
  assert.equal(stand.ledger.entries.length, before)
  assert.equal(stand.managed.isMoving(), false)
})

test('an order whose first entry can not be recorded is not carried out later either', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.ledger.refused = /^switch\.armed$/
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(order.fault?.code, 'ledger.degraded')
  stand.ledger.refused = /^$/
  const before = stand.ledger.entries.length
  await stand.clock.advance(10 * 60_000)
  assert.equal(stand.ledger.entries.length, before)
  assert.deepEqual([stand.fake.running, stand.managed.isMoving()], [refOf('r1').path, false])
  const again = stand.deploy('r2')
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(again.done?.outcome, 'committed')
})

test('one that has begun goes on once it can be recorded again, and its asker is told that', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.ledger.refused = /^switch\.probation$/
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(order.fault?.code, 'ledger.degraded')
  assert.match(order.fault?.message ?? '', /has begun and goes on by itself; in its way: not recorded/)
  assert.match(stand.managed.status().why ?? '', /not recorded/)
  assert.equal(stand.managed.status().state, 'switching')
  assert.notEqual(stand.fake.standing, null, 'under its dead-man')
  assert.equal(stand.fake.isLocked, false, 'which may strike meanwhile')
  await stand.clock.advance(60_000)
  assert.equal(stand.warnings.filter(text => /not recorded/.test(text)).length, 1, 'it is said once')
  stand.ledger.refused = /^$/
  await stand.clock.advance(60_000 + SOAK_MS)
  assert.deepEqual([stand.ledger.kinds().at(-1), stand.managed.status().why], ['generation.good', null])
  assert.equal(stand.fake.standing, null)
})

test('services that are not well with what was good either: held, un-blamed, and people are told', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.web.onRenew = () => ({ state: 'failed', why: 'no database' })
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(order.done?.outcome, 'held')
  assert.match(order.done?.why ?? '', /so the cause is not the generation/)
  const { state, why, quarantined } = stand.managed.status()
  assert.deepEqual([state, quarantined], ['held', []])
  assert.match(why ?? '', /until somebody deploys or rolls back/)
  assert.ok(stand.web.asked.some(word => /^escalate held/.test(word)))
  stand.web.is({ state: 'failed', why: 'no database' })
  assert.equal(stand.managed.onLoop('web').verdict, 'slow restarts')
})
