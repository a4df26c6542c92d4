import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../until.ts'
import { makeWard, READY_MS } from './ward.ts'

const RESET_MS = 1000
const ranOf = (generation: string) => ({ generation, path: `/srv/app/${generation}` })
const stateOf = ({ patient }: ReturnType<typeof makeWard>) => patient.health().state

test('renewed, it runs what its target points at now; its entries and its status say which', async () => {
  const of = makeWard()
  await of.ready()
  assert.deepEqual([of.patient.ran(), of.patient.spec().target], [ranOf('r1'), 'app'])
  of.point('r2')
  of.patient.renew(null)
  assert.equal(stateOf(of), 'open')
  await of.clock.advance(READY_MS)
  assert.deepEqual([stateOf(of), of.patient.ran(), of.service.status().generation], ['ready', ranOf('r2'), 'r2'])
  assert.deepEqual(
    of.told('service.started').map(({ data }) => [data.generation, data.generationPath]),
    [
      ['r1', '/srv/app/r1'],
      ['r2', '/srv/app/r2'],
    ],
  )
  assert.equal(of.told('service.exited')[0]?.data.wanted, true, 'that is no failure')
  assert.deepEqual(of.told('incident.opened'), [])
})

test('a crash loop fails it until it is renewed, which forgets all that was counted', async () => {
  const of = makeWard()
  await of.ready()
  for (let n = 0; n < 3; n += 1) {
    of.crash()
    await of.clock.advance(20)
  }
  assert.equal(of.told('crashloop.detected').length, 1)
  assert.match(of.patient.health().why, /^crash loop: /)
  assert.deepEqual([stateOf(of), of.patient.health().isTroubled], ['failed', true])
  of.patient.renew('rolled back to r0')
  assert.deepEqual([stateOf(of), of.service.status().attempt], ['open', 0])
  await of.clock.advance(READY_MS)
  assert.deepEqual([stateOf(of), of.patient.health().isTroubled], ['ready', false])
  assert.equal(of.told('incident.resolved')[0]?.data.how, 'rolled back to r0')
})

test('a fall makes it troubled until it is stable', async () => {
  const of = makeWard({ restart: { firstMs: 0, baseMs: 10, capMs: 100, resetAfterMs: RESET_MS } })
  await of.ready()
  assert.equal(of.patient.health().isTroubled, false)
  of.crash()
  await of.clock.advance(READY_MS)
  assert.deepEqual([stateOf(of), of.patient.health().isTroubled], ['ready', true])
  await of.clock.advance(RESET_MS)
  assert.equal(of.patient.health().isTroubled, false)
})

test('that it fell is told of the generation it runs, until it is renewed, and since when it is well again', async () => {
  const of = makeWard({ restart: { firstMs: 0, baseMs: 10, capMs: 100, resetAfterMs: RESET_MS } })
  await of.ready()
  assert.equal(of.patient.health().failed, null)
  of.crash()
  await of.clock.advance(READY_MS)
  const { failed, readySinceMs } = of.patient.health()
  assert.match(failed ?? '', /code 1/)
  assert.ok(of.clock.monoMs() - readySinceMs <= READY_MS)
  await of.clock.advance(2 * RESET_MS)
  assert.deepEqual([of.patient.health().failed, of.patient.health().readySinceMs], [failed, readySinceMs])
  // It falls with the old one and comes back with the new one: that one has not failed.
  of.point('r2')
  of.crash()
  await of.clock.advance(READY_MS)
  assert.deepEqual([of.patient.ran(), of.patient.health().failed], [ranOf('r2'), null])
  of.crash()
  await of.clock.advance(READY_MS)
  assert.notEqual(of.patient.health().failed, null)
  of.patient.renew(null)
  await of.clock.advance(READY_MS)
  assert.deepEqual([stateOf(of), of.patient.health().failed], ['ready', null])
})

test('a failed check fails it, also once it is healed; when it is stable, that is forgotten', async () => {
  const check = { kind: 'file', path: '/nonexistent/heald', maxAgeMs: 1 } as const
  const probe = { check, everyMs: 10, timeoutMs: 10, failures: 2, successes: 1, startupMs: 200 }
  const restart = { firstMs: 0, baseMs: 10, capMs: 100, resetAfterMs: RESET_MS }
  const of = makeWard({ probes: { liveness: probe }, restart })
  of.service.begin()
  await of.clock.advance(190)
  assert.equal(stateOf(of), 'open')
  // A real file is looked for, which takes the clock's time nothing, but some of ours.
  await until('it fails', async () => {
    await of.clock.advance(1)
    return stateOf(of) === 'failed'
  })
  assert.match(of.patient.health().why, /did not get ready in time/)
  // Without its check it is ready once it has lived on.
  await of.service.describe({ ...of.patient.spec(), probes: {} })
  await of.clock.advance(READY_MS)
  assert.deepEqual([of.service.isReady(), stateOf(of)], [true, 'failed'])
  await of.clock.advance(RESET_MS)
  assert.equal(stateOf(of), 'ready')
})

test('stopped by an operator, it is started by neither', async () => {
  const of = makeWard()
  await of.ready()
  await of.service.stop('local:admin')
  assert.equal(stateOf(of), 'stopped')
  of.patient.renew(null)
  of.patient.revive('rolled back to r1')
  await of.clock.advance(READY_MS)
  assert.deepEqual([stateOf(of), of.starts()], ['stopped', 1])
})

test('left down by its own wish: `down`, which only a revival ends', async () => {
  for (const isQuick of [true, false]) {
    const of = makeWard()
    await of.ready()
    of.crash(125)
    assert.equal(stateOf(of), 'down', 'from the moment it asks')
    if (!isQuick) await of.clock.advance(10)
    of.patient.renew(null)
    await of.clock.advance(READY_MS)
    assert.deepEqual([stateOf(of), of.starts()], ['down', 1])
    of.patient.revive('rolled back to r1')
    await of.clock.advance(READY_MS)
    assert.deepEqual([stateOf(of), of.starts()], ['ready', 2])
  }
})

test('held until others are ready, it stays so: `open`', async () => {
  const of = makeWard({}, ['db'])
  of.service.begin()
  of.patient.renew(null)
  of.patient.revive('rolled back to r1')
  await of.clock.advance(READY_MS)
  assert.deepEqual([stateOf(of), of.starts()], ['open', 0])
  of.free()
  of.service.dependencyReady()
  await of.clock.advance(READY_MS)
  assert.equal(stateOf(of), 'ready')
})

test('a service of another target runs none of its generations, whatever their names', async () => {
  const of = makeWard()
  await of.ready()
  await of.service.describe({ ...of.patient.spec(), target: 'app', critical: true })
  assert.deepEqual(of.patient.ran(), ranOf('r1'))
  await of.service.describe({ ...of.patient.spec(), target: 'other' })
  assert.equal(of.patient.ran(), null)
})

test('in doubt about its start, what it runs can not be told; what was ready before is not in doubt', async () => {
  const of = makeWard()
  await of.ready()
  of.patient.doubt(of.clock.monoMs() + 1)
  assert.deepEqual(of.patient.ran(), ranOf('r1'))
  of.crash()
  await of.clock.advance(READY_MS / 10)
  // It still reads its files.
  of.patient.doubt(of.clock.monoMs() + 1)
  assert.equal(of.patient.ran(), null)
  await of.clock.advance(READY_MS)
  of.patient.renew(null)
  await of.clock.advance(READY_MS)
  assert.deepEqual(of.patient.ran(), ranOf('r1'))
  of.patient.doubt(of.clock.monoMs() - READY_MS)
  assert.equal(of.patient.ran(), null)
  // What has ended reads nothing any more.
  of.patient.renew(null)
  await of.clock.advance(READY_MS)
  of.crash(125)
  of.patient.doubt(0)
  assert.deepEqual(of.patient.ran(), ranOf('r1'))
})

test('who heeds it looks after each of its events, until the answer ends that', async () => {
  const of = makeWard()
  const seen: string[] = []
  const end = of.patient.heed(() => seen.push(stateOf(of)))
  await of.ready()
  of.crash()
  await of.clock.advance(READY_MS)
  end()
  const count = seen.length
  of.crash()
  await of.clock.advance(READY_MS)
  assert.deepEqual([seen[0], seen.at(-1), seen.length], ['open', 'ready', count])
})

test('its incident is what entries of its trouble carry; a held target makes it worse', async () => {
  const of = makeWard()
  await of.ready()
  assert.deepEqual(of.patient.inc(), {})
  of.patient.escalate('the target is held', 'held')
  assert.deepEqual(of.told('incident.escalated'), [], 'no trouble, nothing to make worse')
  of.crash()
  await of.clock.advance(10)
  assert.deepEqual(of.patient.inc().inc, { svc: 'web' })
  of.patient.escalate('the target is held', 'held')
  const [worse] = of.told('incident.escalated')
  assert.deepEqual([worse?.data.severity, worse?.data.step], ['critical', 'held'])
})
