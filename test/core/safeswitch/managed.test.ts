import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, polls, SOAK_MS, since } from './managed-stand.ts'

test('what runs at first becomes known to be good after one soak', async () => {
  const stand = await makeManaged()
  assert.deepEqual([stand.managed.generation(), stand.managed.status().knownGood], [refOf('r1'), null])
  stand.managed.begin()
  stand.managed.begin()
  await stand.clock.advance(SOAK_MS - 1000)
  assert.equal(stand.managed.status().state, 'probation')
  assert.equal(stand.managed.isMoving(), false, 'nobody of ours moves it')
  await stand.clock.advance(2000)
  assert.deepEqual(stand.ledger.kinds(), [
    ...['switch.observed', 'switch.probation', 'switch.committing', 'switch.committed', 'generation.good'],
  ])
  assert.deepEqual(stand.managed.status().knownGood, refOf('r1'))
})

test('what is not well at first is not known to be good; it is looked at again later', async () => {
  const stand = await makeManaged()
  stand.web.is({ state: 'failed', why: 'crash loop' })
  stand.managed.begin()
  await stand.clock.advance(1000)
  assert.deepEqual(since(stand.ledger, 0), ['switch.observed', 'switch.probation', 'switch.failed'])
  assert.equal(stand.managed.status().knownGood, null)
  await stand.clock.advance(60_000)
  assert.equal(stand.ledger.entries.length, 3, 'not at once')
  stand.web.is({ state: 'ready' })
  await stand.clock.advance(600_000 + SOAK_MS)
  assert.deepEqual(stand.managed.status().knownGood, refOf('r1'))
})

test('a move from outside is seen, put on probation under a dead-man, and a bad one is led back', async () => {
  const stand = await makeManaged()
  await stand.known()
  const before = stand.ledger.entries.length
  stand.point('r2')
  await polls(stand)
  assert.deepEqual(since(stand.ledger, before), ['switch.observed', 'switch.probation'])
  assert.equal(stand.fake.standing?.path, refOf('r1').path)
  assert.deepEqual([stand.web.ran()?.generation, stand.managed.generation()?.generation], ['r2', 'r2'])
  stand.web.onRenew = () => ({})
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(1000)
  assert.deepEqual(since(stand.ledger, before).slice(2), [
    'rollback.started',
    'rollback.activated',
    'rollback.verified',
  ])
  assert.deepEqual([stand.fake.running, stand.web.ran()?.generation], [refOf('r1').path, 'r1'])
  assert.equal(stand.memory().automatic.length, 1)
})

test('a move during a probation is seen too: back to what was left, or on to what is elsewhere', async () => {
  const stand = await makeManaged()
  await stand.known()
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  stand.point('r3')
  await polls(stand)
  assert.ok(since(stand.ledger, 0).slice(-2).join() === 'switch.observed,switch.probation')
  stand.point('r1')
  await polls(stand)
  assert.deepEqual(since(stand.ledger, 0).slice(-3), ['rollback.started', 'rollback.activated', 'rollback.verified'])
  assert.equal(stand.ledger.entries.find(({ kind }) => kind === 'rollback.started')?.data.cause, 'recovery')
  assert.equal(order.done?.outcome, 'rolled back')
  assert.deepEqual(stand.managed.status().quarantined, [])
})

test('a pointer that is gone for a moment is none of our business; one that stays gone is made anew', async () => {
  const stand = await makeManaged()
  await stand.known()
  const before = stand.ledger.entries.length
  // Shorter than it takes to be believed, and at every place between two polls.
  for (let n = 0; n < 8; n += 1) {
    stand.point(null)
    await stand.clock.advance(1500)
    stand.point('r1')
    await polls(stand)
    await stand.clock.advance(700)
  }
  assert.equal(stand.ledger.entries.length, before)
  stand.point(null)
  await polls(stand, () => stand.managed.status().why !== null)
  assert.match(
    stand.managed.status().why ?? '',
    /nothing runs: its pointer is missing, or leads to nothing that is whole/,
  )
  await polls(stand)
  assert.deepEqual(since(stand.ledger, before), ['rollback.started', 'rollback.activated', 'rollback.verified'])
  const started = stand.ledger.entries.find(({ kind }) => kind === 'rollback.started')
  assert.deepEqual([started?.data.cause, started?.data.why], ['recovery', 'its pointer leads to nothing that is whole'])
  assert.deepEqual([stand.fake.running, stand.managed.status().why], [refOf('r1').path, null])
})

test('what can not be looked at says why, once, and is taken up when it can be', async () => {
  const stand = await makeManaged()
  stand.fake.before = act => {
    if (act === 'look')
      throw Object.assign(new Error('/srv/app is not there'), { name: 'Fault', code: 'target.missing' })
  }
  const later = stand.daemon()
  await later.look()
  assert.deepEqual([later.generation(), later.status().why], [null, '/srv/app is not there'])
  later.begin()
  await stand.clock.advance(120_000)
  assert.deepEqual(stand.warnings, ['app: /srv/app is not there'])
  assert.deepEqual(stand.ledger.kinds(), ['target.trouble'])
  assert.equal(later.onLoop('web').why, 'it can not be told what runs')
  stand.fake.before = () => {}
  await stand.clock.advance(SOAK_MS)
  await polls(stand)
  await polls(stand)
  assert.deepEqual([later.status().knownGood, later.status().why], [refOf('r1'), null])
})

test('let go in the middle: nothing further is done, and a later daemon ends it', async () => {
  for (const where of ['probation', 'activation'] as const) {
    const stand = await makeManaged()
    await stand.known()
    const activated = Promise.withResolvers<void>()
    if (where === 'activation') stand.fake.before = act => (act === 'activate r2' ? activated.promise : undefined)
    const order = stand.deploy('r2')
    await stand.clock.advance(1000)
    const released = stand.order(stand.managed.release())
    await stand.clock.advance(0)
    if (where === 'activation') assert.deepEqual(released, { done: null, fault: null }, 'the act at hand goes on')
    activated.resolve()
    await stand.clock.advance(100)
    assert.deepEqual([released.fault, order.fault?.code], [null, 'daemon.stopping'])
    const [before, acts] = [stand.ledger.entries.length, stand.fake.acts.length]
    stand.point('r3')
    await stand.clock.advance(600_000)
    assert.deepEqual([stand.ledger.entries.length, stand.fake.acts.length], [before, acts], where)
    assert.equal(stand.clock.pending(), 0)
    assert.deepEqual([stand.fake.isLocked, stand.fake.standing?.path], [false, refOf('r1').path])

    stand.point('r2')
    const later = stand.daemon()
    await later.look()
    later.begin()
    await stand.clock.advance(100)
    if (where === 'probation') assert.equal(later.isMoving(), true, 'it is a switch of ours, whoever began it')
    await stand.clock.advance(SOAK_MS + 1000)
    const ended = where === 'probation' ? 'r2' : 'r1'
    assert.deepEqual([later.status().state, stand.fake.running, stand.fake.standing], ['idle', refOf(ended).path, null])
    assert.ok(later.status().knownGood !== null)
  }
})

test('let go for good: no dead-man is left either, and one that can not be taken away is told', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.point('r2')
  await polls(stand)
  assert.notEqual(stand.fake.standing, null)
  stand.fake.before = act => {
    if (act === 'disarm') throw new Error('it is at work')
  }
  await stand.managed.retire()
  assert.deepEqual(stand.warnings, ['app: it is at work'])
  stand.fake.before = () => {}
  await stand.managed.retire()
  assert.equal(stand.fake.standing, null)
})

test('another place of the same name is another target: nothing of before is known of it', async () => {
  const stand = await makeManaged()
  await stand.known()
  const order = stand.deploy('r2')
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(order.done?.outcome, 'committed')
  await stand.managed.retire()
  const moved = stand.daemon({ path: '/srv/other' })
  assert.deepEqual([moved.status().knownGood, moved.status().quarantined], [null, []])
  const before = stand.ledger.entries.length
  stand.web.is({ ran: 'r2' })
  moved.begin()
  await stand.clock.advance(SOAK_MS + 1000)
  const [observed] = stand.ledger.entries.slice(before)
  assert.deepEqual([observed?.kind, observed?.data.from], ['switch.observed', null])
  assert.deepEqual(
    (await moved.generations()).filter(({ knownGood }) => knownGood).map(({ generation }) => generation),
    ['r2'],
  )
  assert.equal(moved.onLoop('web').why, 'no other generation is known to be good')
})

test('a dead-man that fired beside us ends in the ledger, and in a rollback that is seen through', async () => {
  const stand = await makeManaged()
  await stand.known()
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  stand.point('r1')
  stand.fake.standing = null
  const to = refOf('r1')
  stand.fake.fired = { id: '1', to, atMs: stand.clock.wallMs(), result: 'done', why: 'its time was up' }
  await polls(stand)
  const fired = stand.ledger.entries.find(({ kind }) => kind === 'deadman.fired')
  assert.deepEqual([fired?.data.result, fired?.data.to], ['done', to])
  const started = stand.ledger.entries.find(({ kind }) => kind === 'rollback.started')
  assert.equal(started?.data.cause, 'deadman')
  assert.deepEqual([order.done?.outcome, stand.fake.fired], ['rolled back', null])

  const next = stand.deploy('r2')
  await stand.clock.advance(1000 + SOAK_MS)
  assert.equal(next.done?.outcome, 'committed', 'that was another switch’s dead-man')
})

test('the dead-man waits as long as the settings say when it is armed', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.set({ deadManMs: 777_000 })
  stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.ok(stand.fake.acts.includes('arm r1 777000'), stand.fake.acts.join(', '))
})

test('a lock that somebody else holds: nothing is moved, it says so, and goes on once it is free', async () => {
  const stand = await makeManaged()
  await stand.known()
  const acts = stand.fake.acts.length
  stand.fake.isTaken = true
  const order = stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(order.fault?.code, 'switch.locked')
  assert.equal(stand.fake.acts.length, acts)
  stand.fake.isTaken = false
  await stand.clock.advance(60_000)
  assert.equal(stand.fake.acts.length, acts, 'the order was answered with no')
})

test('generations: which runs, which is good, which failed and why', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.web.onRenew = () => (stand.web.generation === 'r2' ? { state: 'failed', why: 'crash loop' } : {})
  stand.deploy('r2')
  await stand.clock.advance(1000)
  const listed = await stand.managed.generations()
  assert.deepEqual(
    listed.map(({ generation, current, knownGood, quarantined, why }) => [
      generation,
      current,
      knownGood,
      quarantined,
      why,
    ]),
    [
      ['r1', true, true, false, null],
      ['r2', false, false, true, 'the services are not well with it: web: crash loop'],
      ['r3', false, false, false, null],
    ],
  )
})
