import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Standing } from '../../../core/api/switch-control.ts'
import type { Order } from '../../../core/safeswitch/decide.ts'
import { createWaitingOrder } from '../../../core/safeswitch/waiting-order.ts'
import { refOf } from '../../fakes/target.ts'
import { makeManaged, SOAK_MS } from './managed-stand.ts'

/*
 * An order that was given for what somebody saw: it begins only where that is still so, looked at in the very turn in which
 * its first entry is written.
 */

const idle = (name: string): Standing => ({ state: 'idle', current: refOf(name) })

/** r2 runs, and r1 is known to be good as well. */
async function onSecond() {
  const stand = await makeManaged()
  await stand.known()
  stand.deploy('r2')
  await stand.clock.advance(SOAK_MS + 1000)
  assert.equal(stand.fake.running, refOf('r2').path)
  const bound = (verb: 'rollback' | 'deploy', seen: Standing) => {
    const by = 'local:admin/carol'
    return verb === 'rollback'
      ? stand.order(stand.managed.rollback({ to: refOf('r1').path, dryRun: false, seen }, by))
      : stand.order(stand.managed.deploy({ ref: refOf('r1').path, force: false, unchecked: false, seen }, by))
  }
  return { ...stand, bound }
}

const FIRST = { rollback: 'rollback.started', deploy: 'switch.armed' } as const

for (const verb of ['rollback', 'deploy'] as const)
  test(`a ${verb}: wherever the pointer is moved meanwhile, it begins with what was seen or not at all`, async () => {
    const ends = new Set<string>()
    for (let nth = 1; nth < 12; nth += 1) {
      const stand = await onSecond()
      const before = stand.ledger.entries.length
      let looks = 0
      stand.fake.before = act => {
        if (!act.startsWith('look')) return
        looks += 1
        if (looks === nth) stand.point('r3')
      }
      const order = stand.bound(verb, idle('r2'))
      await stand.clock.advance(0)
      const started = stand.ledger.entries.slice(before).find(({ kind }) => kind === FIRST[verb])
      ends.add(started === undefined ? 'refused' : 'begun')
      if (started === undefined) {
        assert.equal(order.fault?.code, 'switch.changed', `look ${nth}`)
        assert.match(order.fault?.message ?? '', /it was on r2 and is (on|being switched to) r3/)
        assert.equal(stand.managed.isMoving(), false)
        await stand.clock.advance(SOAK_MS * 3)
        assert.equal(stand.fake.running, refOf('r3').path, 'and not later either')
        assert.ok(stand.ledger.entries.every(({ data }) => data.by !== 'local:admin/carol'))
      } else if (verb === 'rollback') assert.deepEqual(started.data.from, refOf('r2'), `look ${nth}`)
    }
    assert.deepEqual([...ends].sort(), ['begun', 'refused'])
  })

test('a dry run says how it stands, and the order that is given with that is carried out', async () => {
  const stand = await onSecond()
  const plan = await stand.managed.rollback({ to: null, dryRun: true }, 'local:admin')
  assert.deepEqual(plan.standing, idle('r2'))
  const order = stand.bound('rollback', plan.standing ?? assert.fail())
  await stand.clock.advance(SOAK_MS)
  assert.equal(order.done?.outcome, 'rolled back')
})

test('a switch under way: who saw it leads it back, who did not see it does not even disturb it', async () => {
  const stand = await onSecond()
  const gate = Promise.withResolvers<void>()
  stand.fake.before = act => (act === 'activate r3' ? gate.promise : undefined)
  const deploy = stand.deploy('r3')
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'switching')
  const before = stand.ledger.entries.length
  for (const [seen, words] of [
    [idle('r2'), 'on r2'],
    [{ state: 'being switched', current: refOf('r1') }, 'being switched to r1'],
  ] as const) {
    const order = stand.bound('rollback', seen)
    await stand.clock.advance(0)
    assert.equal(order.fault?.code, 'switch.changed')
    assert.equal(
      order.fault?.message,
      `not done, since the state has changed: it was ${words} and is being switched to r3`,
    )
  }
  assert.deepEqual([stand.managed.status().state, stand.ledger.entries.length], ['switching', before])
  gate.resolve()
  await stand.clock.advance(1000)
  assert.equal(stand.managed.status().state, 'probation')
  const plan = await stand.managed.rollback({ to: null, dryRun: true }, 'local:admin')
  assert.deepEqual(plan.standing, { state: 'being switched', current: refOf('r3') })
  const seen = stand.bound('rollback', plan.standing ?? assert.fail())
  await stand.clock.advance(1000)
  assert.deepEqual([seen.done?.outcome, deploy.done?.outcome], ['rolled back', 'rolled back'])
})

test('an order whose place one took that is refused waits again', async () => {
  const waiting = createWaitingOrder()
  const [deploy, rollback]: Order[] = [
    { verb: 'deploy', to: refOf('r2') },
    { verb: 'rollback', to: refOf('r1'), cause: 'operator', why: '' },
  ]
  void waiting.put(deploy ?? assert.fail(), null)
  const refused = waiting.put(rollback ?? assert.fail(), idle('r3'))
  waiting.mustFit(idle('r1'))
  await assert.rejects(refused, { code: 'switch.changed' })
  assert.equal(waiting.get(), deploy)
  waiting.mustFit(idle('r2'))
  assert.equal(waiting.get(), deploy)
})

test('an order that has led to something waits no more, whatever was put above it and refused', async () => {
  const stand = await onSecond()
  const held = Promise.withResolvers<void>()
  stand.disk.takes = ({ kind }) => (kind === 'switch.armed' ? held.promise : undefined)
  stand.fake.activation = { verdict: 'failed', exitCode: 1, why: 'no' }
  const deploy = stand.deploy('r3')
  await stand.clock.advance(10)
  const rollback = stand.bound('rollback', idle('r2'))
  await stand.clock.advance(10)
  stand.disk.takes = () => undefined
  held.resolve()
  await stand.clock.advance(3000)
  stand.fake.activation = { verdict: 'done', exitCode: null, why: '' }
  for (let n = 0; n < 20; n++) await stand.clock.advance(SOAK_MS)
  assert.equal(rollback.fault?.code, 'switch.changed')
  assert.equal(deploy.done?.outcome, 'rolled back')
  const armed = stand.ledger.entries.filter(({ kind }) => kind === 'switch.armed')
  assert.deepEqual(
    armed.map(({ data }) => data.to),
    [refOf('r2'), refOf('r3')],
  )
})

test('an order whose place another took is told so, and not that it was done', async () => {
  const stand = await onSecond()
  stand.deploy('r3')
  await stand.clock.advance(SOAK_MS + 1000)
  const gate = Promise.withResolvers<void>()
  stand.fake.before = act => (act === 'look at the dead-man' ? gate.promise : undefined)
  const rollback = stand.bound('rollback', idle('r3'))
  await stand.clock.advance(10)
  assert.equal(stand.managed.onLoop('web').verdict, 'rollback')
  stand.fake.before = () => {}
  gate.resolve()
  for (let n = 0; n < 10; n++) await stand.clock.advance(SOAK_MS)
  assert.deepEqual([rollback.fault?.code, rollback.done], ['switch.changed', null])
  const verified = stand.ledger.entries.filter(({ kind }) => kind === 'rollback.verified')
  assert.deepEqual(
    verified.map(({ data }) => data.to),
    [refOf('r2')],
  )
})
