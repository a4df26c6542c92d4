import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, polls, SOAK_MS, since } from './managed-stand.ts'

type Stand = Awaited<ReturnType<typeof makeManaged>>

/** r2 was committed, so it is to blame for a while. */
async function committed(spec: Parameters<typeof makeManaged>[0] = {}): Promise<Stand> {
  const stand = await makeManaged(spec)
  await stand.known()
  stand.deploy('r2')
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(stand.managed.status().current?.generation, 'r2')
  return stand
}
const slow = (stand: Stand, words: RegExp) => {
  const { verdict, why } = stand.managed.onLoop('web')
  assert.equal(verdict, 'slow restarts')
  assert.match(why, words)
}

test('at rest: rolled back, once, and what is blamed is quarantined', async () => {
  const stand = await committed()
  const before = stand.ledger.entries.length
  stand.web.is({ state: 'failed', why: 'crash loop' })
  assert.deepEqual(stand.managed.onLoop('web'), { verdict: 'rollback', why: 'to r1' })
  // A second service in the same turn.
  assert.deepEqual(stand.managed.onLoop('other'), { verdict: 'rollback', why: 'to r1' })
  await stand.clock.advance(1000)
  assert.deepEqual(since(stand.ledger, before), ['rollback.started', 'rollback.activated', 'rollback.verified'])
  assert.deepEqual(stand.managed.status().quarantined, [refOf('r2').path])
  assert.equal(stand.ledger.entries.find(({ kind }) => kind === 'rollback.started')?.data.why, 'other crash-loops')
})

test('what was rolled back to loops as well: the cause is the environment, so it is held and nobody is blamed', async () => {
  const stand = await committed()
  stand.managed.onLoop('web')
  await stand.clock.advance(1000)
  slow(stand, /rolled back to r1 already, so the cause is not the generation/)
  await stand.clock.advance(1000)
  const { state, quarantined, why } = stand.managed.status()
  assert.deepEqual([state, quarantined], ['held', []])
  assert.match(why ?? '', /it stays on r1 until somebody deploys or rolls back/)
  slow(stand, /held until somebody decides/)
  const again = stand.deploy('r3')
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(again.done?.outcome, 'committed')
  assert.equal(stand.managed.status().state, 'idle')
})

test('in each phase of a switch it says what is done about it', async () => {
  const stand = await makeManaged()
  slow(stand, /the ledger is still being read/)
  assert.equal(stand.managed.onLoop('web').isPassing, true)
  stand.managed.begin()
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'probation')
  slow(stand, /nothing else is known to be good/)
  assert.equal(stand.managed.onLoop('web').isPassing, undefined)
  await stand.clock.advance(SOAK_MS)
  slow(stand, /no other generation is known to be good/)

  stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'probation')
  assert.deepEqual(stand.managed.onLoop('web'), { verdict: 'rollback', why: 'to r1' })
  stand.web.onRenew = () => ({ state: 'open' })
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(100)
  assert.equal(stand.managed.status().state, 'rolling-back')
  slow(stand, /app is rolling-back already/)
})

test('one that was not well before the deploy is not what it is rolled back for', async () => {
  const stand = await makeManaged()
  await stand.known()
  const { web } = stand
  web.is({ state: 'failed', why: 'crash loop' })
  stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'probation')
  slow(stand, /not well before app was switched either/)
})

test('a deploy that can not be taken back: not rolled back on probation either, and it says why', async () => {
  const stand = await makeManaged({ spec: { irreversible: ['r2'] } })
  await stand.known()
  stand.deploy('r2')
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'probation')
  slow(stand, /r2 is marked irreversible/)
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(1000)
  assert.deepEqual([stand.managed.status().state, stand.fake.running], ['held', refOf('r2').path])
})

test('a probation of what others switched to, without a budget: not rolled back, and it says why', async () => {
  const stand = await makeManaged()
  await stand.known()
  stand.set({ budget: { perHour: 0, perDay: 0 } })
  stand.point('r2')
  await polls(stand, () => stand.managed.status().state === 'probation')
  slow(stand, /budget of 0/)
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(1000)
  assert.deepEqual([stand.managed.status().state, stand.fake.running], ['held', refOf('r2').path])
  assert.match(stand.managed.status().why ?? '', /crash loop; the budget of 0/)
})

test('nothing is rolled back that can not be recorded, is irreversible, or has run for long', async () => {
  const full = await committed()
  full.ledger.isFull = true
  slow(full, /nothing can be recorded/)
  slow(await committed({ spec: { irreversible: ['r2'] } }), /r2 is marked irreversible/)
  const old = await committed({ spec: { blameWindowMs: 60_000 } })
  await old.clock.advance(60_000)
  slow(old, /longer than the blame window/)
})

test('while the ledger is damaged and nobody has seen that, nothing is rolled back on its own', async () => {
  const stand = await committed()
  stand.ledger.isDamaged = true
  slow(stand, /ledger is damaged, and nobody has acknowledged its incident/)
  assert.equal(stand.managed.onLoop('web').isPassing, true)
  // Somebody else's switch is held where it is; what an operator orders is done.
  stand.point('r3')
  await polls(stand, () => stand.managed.status().state === 'probation')
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(1000)
  assert.deepEqual([stand.managed.status().state, stand.fake.running], ['held', refOf('r3').path])
  const back = stand.rollback('r1')
  await stand.clock.advance(1000)
  assert.equal(back.done?.outcome, 'rolled back')
})

test('while frozen nothing is rolled back on its own, and no dead-man is armed for what others switched to', async () => {
  const stand = await committed()
  stand.ledger.isFrozen = true
  slow(stand, /automatic changes are frozen/)
  assert.equal(stand.managed.onLoop('web').isPassing, true)
  const before = stand.ledger.entries.length
  stand.point('r3')
  await polls(stand, () => stand.managed.status().state === 'probation')
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(1000)
  assert.deepEqual([stand.managed.status().state, stand.fake.running], ['held', refOf('r3').path])
  assert.match(stand.managed.status().why ?? '', /frozen/)
  const kinds = stand.ledger.entries.slice(before).map(({ kind }) => kind)
  assert.ok(!kinds.includes('deadman.armed') && kinds.includes('rollback.held'), kinds.join())
  // What an operator orders is done.
  const back = stand.rollback('r1')
  await stand.clock.advance(1000)
  assert.equal(back.done?.outcome, 'rolled back')
})

test('while frozen a deploy that was ordered still comes to its end, also back', async () => {
  const stand = await committed()
  stand.ledger.isFrozen = true
  const deploy = stand.deploy('r3')
  await polls(stand, () => stand.managed.status().state === 'probation')
  assert.ok(stand.ledger.entries.some(({ kind }) => kind === 'deadman.armed'))
  stand.web.is({ state: 'failed', why: 'crash loop' })
  await stand.clock.advance(500)
  stand.web.is({ state: 'ready', passes: 9 })
  await stand.clock.advance(2000)
  assert.equal(deploy.done?.outcome, 'rolled back')
})

test('a budget that is used up is there again later, and asked then, it is rolled back', async () => {
  const stand = await committed()
  stand.set({ budget: { perHour: 0, perDay: 0 } })
  slow(stand, /budget of 0/)
  assert.equal(stand.managed.onLoop('web').isPassing, true)
  stand.set({ budget: { perHour: 1, perDay: 1 } })
  assert.deepEqual(stand.managed.onLoop('web'), { verdict: 'rollback', why: 'to r1' })
  await stand.clock.advance(1000)
  assert.equal(stand.fake.running, refOf('r1').path)
})

test('a rollback that could not begin is begun once it can be', async () => {
  const stand = await committed()
  stand.ledger.refused = /^rollback/
  assert.equal(stand.managed.onLoop('web').verdict, 'rollback')
  await stand.clock.advance(10_000)
  assert.equal(stand.fake.running, refOf('r2').path)
  assert.match(stand.managed.status().why ?? '', /not recorded/)
  stand.ledger.refused = /^$/
  await stand.clock.advance(60_000)
  assert.equal(stand.fake.running, refOf('r1').path)
})
