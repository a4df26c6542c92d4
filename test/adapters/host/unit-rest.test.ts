import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Memory, remember } from '../../../core/heal/memory.ts'
import { entryOf } from '../../core/safeswitch/written.ts'
import { serviceSpec } from '../../fakes/patient.ts'
import { BEFORE, HAS_FAILED, INCIDENT, IS_DOWN, LOADED, MEMORY, PAST, RUNS, run, unitWard } from './unit-ward.ts'

// A unit of which systemd still ends the rest, once its end was told: perhaps by the daemon before this one.

/** What is left of the run of before. */
const REST = {
  ...LOADED,
  ...{ ActiveState: 'deactivating', SubState: 'stop-sigterm', Result: 'signal', Restart: 'no', Job: [0, '/'] },
  ...{ MainPID: 0, ExecMainPID: BEFORE, ExecMainCode: 2, ExecMainStatus: 9, InvocationID: run(2) },
}
const ENDED = { ...MEMORY, runningPid: null, endedPid: BEFORE }
const RECORDED = { memory: { web: ENDED }, openIncidents: () => [INCIDENT] }
const AWAITS_RESTART = { ActiveState: 'activating', SubState: 'auto-restart', MainPID: 0 }
/** Longer than a look at a tree that is being ended. */
const looked = () => new Promise(resolve => setTimeout(resolve, 60))

test('an end that the daemon before this one has recorded is told once: this one only waits for the rest', async () => {
  const { service, seat, kinds, calls, clock } = unitWard(RECORDED)
  const adopted = service.adopt()
  seat.take(REST, true)
  assert.equal(await adopted, false)
  service.begin()
  assert.deepEqual([kinds(), service.status().state], [[], 'backoff'])
  seat.take(HAS_FAILED, true)
  await looked()
  assert.deepEqual([kinds(), service.status().attempt], [['service.restarting'], 1])
  await clock.advance(1000)
  assert.deepEqual(calls, ['ResetFailedUnit', 'StartUnit'])
  seat.take({ ...RUNS, InvocationID: run(3) }, true)
  await clock.advance(1000)
  seat.release()
  assert.deepEqual(kinds().slice(1, 4), ['service.started 8', 'service.ready 8', 'service.recovered'])
})

test('the same where systemd tells of it only once the work has begun, and where it restarts it by itself', async () => {
  const { service, seat, drafts, kinds, calls } = unitWard(RECORDED)
  // As when its bus comes up before anybody has asked.
  seat.take(REST, true)
  assert.equal(await service.adopt(), false)
  service.begin()
  seat.take({ ...REST, Restart: 'always' }, true)
  seat.take(AWAITS_RESTART, true)
  await looked()
  seat.release()
  assert.deepEqual([kinds(), calls], [['service.restarting'], []])
  assert.equal(drafts[0]?.data.by, 'systemd')
})

test('what is down already when systemd answers late, and was recorded, is not told again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { service, seat, kinds, calls } = unitWard(RECORDED)
  const adopted = service.adopt()
  t.mock.timers.tick(5000)
  await adopted
  service.begin()
  seat.take({ ...REST, ...HAS_FAILED }, true)
  seat.release()
  assert.deepEqual([kinds(), calls.at(-1)], [[], 'StartUnit'])
})

test('the end of another run than the recorded one is told', async () => {
  for (const memory of [
    { ...ENDED, endedPid: 6 },
    { ...ENDED, boot: '11111111' },
  ]) {
    const { service, seat, kinds } = unitWard({ ...PAST, memory: { web: memory } })
    seat.take(REST, true)
    await service.adopt()
    service.begin()
    seat.take(HAS_FAILED, true)
    seat.release()
    assert.ok(kinds().includes(`service.exited ${BEFORE}`), kinds().join())
  }
})

test('which end was recorded last is remembered until another run begins', () => {
  const memory: Memory = {}
  const told = (kind: 'service.exited' | 'service.started', pid: number) =>
    remember(memory, { ...entryOf(kind, { pid }), svc: 'web' })
  told('service.started', 7)
  assert.equal(memory.web?.endedPid, null)
  told('service.exited', 7)
  assert.deepEqual([memory.web?.endedPid, memory.web?.runningPid], [7, null])
  told('service.started', 7)
  assert.equal(memory.web?.endedPid, null)
})

test('a stop by hand of what is left is recorded at once, so that the next daemon leaves it stopped', async () => {
  const { service, seat, drafts, kinds } = unitWard(PAST, { JobType: 'stop' })
  seat.take({ ...RUNS, MainPID: BEFORE }, true)
  await service.adopt()
  service.begin()
  seat.take(REST, true)
  for (let n = 0; n < 2; n += 1) seat.take({ Job: [5, '/job'] }, true)
  await looked()
  assert.deepEqual([kinds().at(-1), service.status().state], ['service.stopped', 'stopping'])
  assert.match(service.status().why ?? '', /stopped outside heald/)
  const memory: Memory = {}
  for (const { kind, data } of drafts) remember(memory, { ...entryOf(kind, data), svc: 'web', boot: MEMORY.boot })
  seat.take(HAS_FAILED, true)
  await looked()
  seat.release()
  const stops = () => kinds().filter(kind => kind === 'service.stopped').length
  assert.deepEqual([stops(), service.status().state], [1, 'stopped'], 'and told once')

  const next = unitWard({ memory, openIncidents: () => [] })
  const adopted = next.service.adopt()
  next.seat.take(REST, true)
  await adopted
  next.service.begin()
  next.seat.take(HAS_FAILED, true)
  await looked()
  next.seat.release()
  assert.deepEqual([next.kinds(), next.calls, next.service.status().state], [[], [], 'stopped'])
})

test('a stop of the next run after such a one is told again', async () => {
  const { service, seat, kinds } = unitWard(PAST, { JobType: 'stop' })
  seat.take({ ...RUNS, MainPID: BEFORE }, true)
  await service.adopt()
  service.begin()
  seat.take(REST, true)
  seat.take({ Job: [5, '/job'] }, true)
  await looked()
  seat.take({ ...RUNS, Restart: 'no', MainPID: 9, InvocationID: run(3) }, true)
  await looked()
  seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [6, '/job'] }, true)
  seat.take(IS_DOWN, true)
  await looked()
  seat.release()
  assert.deepEqual(kinds().filter(kind => kind === 'service.stopped').length, 2)
})

test('a stop by hand of the rest that came while no heald ran is one too', async () => {
  const { service, seat, kinds, calls, clock } = unitWard(RECORDED, { JobType: 'stop' })
  const adopted = service.adopt()
  seat.take({ ...REST, Job: [5, '/job'] }, true)
  await adopted
  service.begin()
  await looked()
  assert.deepEqual([kinds(), service.status().state], [['incident.resolved', 'service.stopped'], 'stopping'])
  seat.take(HAS_FAILED, true)
  await looked()
  await clock.advance(1000)
  seat.release()
  assert.deepEqual([kinds().length, service.status().state, calls.includes('StartUnit')], [2, 'stopped', false])
})

test('somebody who asks for a start while the rest is ended waits for that, and for the start', async () => {
  const { service, seat, kinds, calls, clock } = unitWard()
  seat.take({ ...RUNS, MainPID: BEFORE }, true)
  await service.adopt()
  service.begin()
  seat.take(REST, true)
  const started = service.start('operator')
  await looked()
  seat.take(HAS_FAILED, true)
  await looked()
  assert.equal(calls.at(-1), 'StartUnit', 'at once then')
  seat.take({ ...RUNS, MainPID: 9, InvocationID: run(3) }, true)
  await clock.advance(1000)
  await started
  seat.release()
  assert.deepEqual([kinds().includes('service.started 9'), service.status().state], [true, 'ready'])
})

test('a stop by hand of the rest is recorded at once in a crash loop too', async () => {
  const { service, seat, kinds } = unitWard(
    PAST,
    { JobType: 'stop' },
    { spec: { crashLoop: { failures: 1, withinMs: 1000 } } },
  )
  seat.take({ ...RUNS, MainPID: BEFORE }, true)
  await service.adopt()
  service.begin()
  seat.take(REST, true)
  assert.equal(service.status().state, 'looping')
  seat.take({ Job: [5, '/job'] }, true)
  await looked()
  assert.equal(kinds().at(-1), 'service.stopped')
  seat.take(HAS_FAILED, true)
  await looked()
  seat.release()
})

test('a stop by hand of what did not get ready, and is being killed for it, is recorded after its end', async () => {
  const { liveness } = serviceSpec('web').probes
  assert.ok(liveness !== undefined)
  const { service, seat, kinds, clock } = unitWard(PAST, {}, { spec: { probes: { liveness } } })
  seat.take({ ...RUNS, MainPID: BEFORE, Restart: 'no' }, true)
  await service.adopt()
  service.begin()
  for (let n = 0; n < 100 && service.status().state !== 'backoff'; n += 1) {
    await clock.advance(1000)
    await looked()
  }
  assert.equal(kinds().at(-1), 'service.unhealthy')
  seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [5, '/job'] }, true)
  assert.equal(service.status().state, 'stopping')
  assert.ok(!kinds().includes('service.stopped'))
  seat.take(IS_DOWN, true)
  await looked()
  seat.release()
  assert.deepEqual(kinds().slice(-3), ['service.exited 7', 'incident.resolved', 'service.stopped'])
})

test('what asks to be left down has not fallen, also where only its rest is found', async () => {
  for (const [status, hasFallen] of [
    [125, false],
    [1, true],
  ] as const) {
    const { service, seat } = unitWard(RECORDED)
    const adopted = service.adopt()
    seat.take({ ...REST, Result: 'exit-code', ExecMainCode: 1, ExecMainStatus: status }, true)
    await adopted
    assert.equal(seat.hasFallen(), hasFallen)
    seat.release()
  }
})
