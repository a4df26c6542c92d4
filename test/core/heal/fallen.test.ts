import assert from 'node:assert/strict'
import { test } from 'node:test'
import { makeWard, READY_MS } from './ward.ts'

test('what falls with a unit that it is bound to has not failed itself: no crash loop, nothing against its generation', async () => {
  const of = makeWard({}, [], () => assert.fail('there is no crash loop'))
  await of.ready()
  for (let n = 0; n < 5; n += 1) {
    of.fall('base.service')
    await of.clock.advance(1000 + READY_MS)
    assert.equal(of.patient.health().state, 'ready')
  }
  assert.deepEqual([of.starts(), of.service.status().attempt], [6, 0])
  assert.deepEqual([of.patient.health().failed, of.patient.health().isTroubled], [null, false])
  // Each of its own failures counts as ever.
  of.crash()
  assert.equal(of.service.status().attempt, 1)
})

test('what falls again and again is one incident after the first, which ends once it is stable', async () => {
  const of = makeWard({ restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 } })
  const incidents = () => [of.told('incident.opened').length, of.told('incident.resolved').length]
  await of.ready()
  for (const expected of [
    [1, 1],
    [2, 1],
    [2, 1],
    [2, 1],
  ]) {
    of.fall('base.service')
    await of.clock.advance(1000 + READY_MS)
    assert.deepEqual(incidents(), expected)
  }
  await of.clock.advance(60_000)
  assert.deepEqual(incidents(), [2, 2])
  assert.equal(of.told('incident.resolved').at(-1)?.data.how, 'stable for 60 s')
  of.fall('base.service')
  await of.clock.advance(1000 + READY_MS)
  assert.deepEqual(incidents(), [3, 3], 'and then the next one is the first')
})

test('the time that it is down with another unit does not part its own failures', async () => {
  let loops = 0
  const restart = { firstMs: 0, baseMs: 100_000, capMs: 100_000, resetAfterMs: 600_000 }
  const of = makeWard({ restart, crashLoop: { failures: 2, withinMs: 60_000 } }, [], () => {
    loops += 1
    return null
  })
  await of.ready()
  of.crash()
  await of.clock.advance(READY_MS)
  of.fall('base.service')
  await of.clock.advance(100_000 + READY_MS)
  assert.equal(of.starts(), 3)
  of.crash()
  assert.equal(loops, 1)
})

test('whoever started it first has not started it after a fall', async () => {
  const of = makeWard()
  const started = of.service.start('local:admin')
  await of.clock.advance(READY_MS)
  await started
  of.fall('base.service')
  await of.clock.advance(READY_MS)
  assert.deepEqual(
    of.told('service.started').map(({ actor }) => actor),
    ['local:admin', undefined],
  )
})

test('it comes back at once the first time, then slower and slower until it is stable', async () => {
  const delays = async (restMs: number) => {
    const of = makeWard({ restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 } })
    await of.ready()
    for (let n = 0; n < 3; n += 1) {
      of.fall('base.service')
      await of.clock.advance(restMs)
    }
    return of.told('service.restarting').map(({ data }) => data.delayMs)
  }
  assert.deepEqual(await delays(1000), [0, 200, 400])
  assert.deepEqual(await delays(61_000), [0, 0, 0])
})

test('after several falls an incident that becomes known only then ends once it is stable, too', async () => {
  const of = makeWard({ restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 } })
  await of.ready()
  for (let n = 0; n < 2; n += 1) {
    of.fall('base.service')
    await of.clock.advance(1000 + READY_MS)
  }
  of.service.resolve('local:admin')
  const resolved = () => of.told('incident.resolved').map(({ data }) => data.how)
  assert.deepEqual(resolved(), ['restarted', 'by hand, by local:admin'])
  const before = {
    id: 'web-1',
    cause: 'fell',
    openedTs: new Date(0).toISOString(),
    attempts: 0,
    severity: 'warning',
  } as const
  of.service.recall({ memory: {}, openIncidents: () => [before] }, false)
  assert.equal(resolved().length, 2)
  await of.clock.advance(60_000)
  assert.equal(resolved()[2], 'stable for 60 s')
})
