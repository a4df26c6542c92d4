import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusError } from '../../../adapters/host/bus-call.ts'
import { Fault } from '../../../core/fault.ts'
import { BEFORE, IS_DOWN, PAST, RUNS, unitWard } from './unit-ward.ts'

// heald's own stop of a unit, and what may come between that and its end.

const UNHEARD = new BusError('org.freedesktop.DBus.Error.NoReply', 'recipient disconnected without replying')
const REFUSED = new BusError('org.freedesktop.DBus.Error.AccessDenied', 'Access denied')
const JOB = { Job: [5, '/job/5'] }
const STOPS = { ActiveState: 'deactivating', SubState: 'stop-sigterm', ...JOB }
const settled = () => new Promise(resolve => setImmediate(resolve))

/** A unit that runs; `answer` is what systemd says to a stop. */
async function running(answer: () => unknown) {
  const warnings: string[] = []
  const ward = unitWard(PAST, {}, { answer: member => (member === 'StopUnit' ? answer() : undefined), warnings })
  const { service, seat, kinds } = ward
  const adopted = service.adopt()
  seat.take({ ...RUNS, MainPID: BEFORE }, true)
  await adopted
  service.begin()
  const before = kinds().length
  const news = () => kinds().slice(before)
  const stops = () => ward.calls.filter(call => call === 'StopUnit').length
  return { ...ward, news, stops, warnings }
}

function failing(error: Error): never {
  throw error
}

test('a stop that nobody heard is asked for again, until a picture shows it under way', async t => {
  let heard = 0
  const { service, seat, stops, news, warnings } = await running(() => {
    heard += 1
    return heard < 3 ? failing(UNHEARD) : '/job/5'
  })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const stopped = service.stop('operator')
  for (let n = 1; n <= 3; n += 1) {
    await settled()
    assert.equal(stops(), n)
    t.mock.timers.tick(200)
    if (n < 3) seat.take({}, true)
  }
  t.mock.timers.reset()
  seat.take(STOPS, true)
  seat.take(IS_DOWN, true)
  await stopped
  seat.release()
  assert.deepEqual(
    [service.status().state, news(), warnings],
    ['stopped', ['service.exited 7', 'incident.resolved', 'service.stopped'], []],
  )
})

test('one that was heard all the same is not ordered twice', async () => {
  const { service, seat, stops } = await running(() => failing(UNHEARD))
  const stopped = service.stop('operator')
  await settled()
  seat.take(JOB, true)
  seat.take(STOPS, true)
  seat.take(IS_DOWN, true)
  await stopped
  seat.release()
  assert.equal(stops(), 1)
})

test('a stop that systemd refuses fails in words, and what runs goes on, watched', async () => {
  const { service, seat, calls, news, drafts, clock } = await running(() => failing(REFUSED))
  await assert.rejects(service.stop('operator'), (error: unknown) => {
    assert(error instanceof Fault)
    assert.match(error.message, /web was not stopped: Access denied/)
    return true
  })
  assert.deepEqual([service.status().pid, service.isWanted(), news()], [BEFORE, true, ['service.adopted 7']])
  // Longer than a stop may take.
  await clock.advance(5000)
  await settled()
  assert.ok(!drafts.some(({ kind }) => kind === 'service.stopped'))
  seat.take({ ...IS_DOWN, ActiveState: 'failed', Result: 'signal', Restart: 'no' }, true)
  seat.release()
  assert.deepEqual([news().includes('service.exited 7'), calls.includes('KillUnit')], [true, false])
  const { data } = drafts.find(({ kind }) => kind === 'service.exited') ?? assert.fail()
  assert.equal(data.wanted, false, 'its end is one')
})

test('a unit that says so itself (RefuseManualStop=) is not even asked', async () => {
  const { service, seat, stops, news } = await running(() => '/job/5')
  seat.take({ CanStop: false }, true)
  await assert.rejects(service.stop('operator'), /web was not stopped: .*RefuseManualStop/)
  await assert.rejects(service.restart('operator'), /web was not restarted: .*RefuseManualStop/)
  seat.take({ CanStop: true, CanStart: false }, true)
  await assert.rejects(service.restart('operator'), /web was not restarted: .*RefuseManualStart/)
  // What systemd can't load it can't start either.
  seat.take({ LoadState: 'not-found' }, true)
  await assert.rejects(service.restart('operator'), /web was not restarted: systemd has no unit web\.service/)
  seat.release()
  assert.deepEqual([stops(), news(), service.status().pid], [0, [], BEFORE])
})

test('a stop that somebody’s start has taken the place of is told as that', async () => {
  const { service, seat, calls, news } = await running(() => '/job/5')
  const stopped = service.stop('operator')
  seat.take(JOB, true)
  await settled()
  seat.take({ Job: [0, '/'] }, true)
  await assert.rejects(stopped, { code: 'service.overridden' })
  seat.release()
  assert.deepEqual([calls.includes('KillUnit'), service.isWanted(), news()], [false, true, ['service.adopted 7']])
})

test('one that a new systemd knows nothing of is asked for again', async () => {
  const { service, seat, stops } = await running(() => '/job/5')
  const stopped = service.stop('operator')
  seat.take(JOB, true)
  await settled()
  seat.systemdIsNew()
  seat.take({ Job: [0, '/'] }, true)
  await settled()
  assert.equal(stops(), 2)
  seat.take(STOPS, true)
  seat.take(IS_DOWN, true)
  await stopped
  seat.release()
})

test('a stop asked for before it is known what became of the unit is to be asked for again', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const unknown = {
    name: 'the ledger',
    ward: unitWard({ memory: {}, openIncidents: () => [] }, {}, { isRemembered: false }),
    picture: { ...RUNS, ...IS_DOWN },
  }
  const silent = { name: 'systemd', ward: unitWard(PAST), picture: null }
  for (const { name, ward, picture } of [unknown, silent]) {
    const { service, seat, kinds, calls } = ward
    const adopted = service.adopt()
    if (picture !== null) seat.take(picture, true)
    t.mock.timers.tick(5000)
    await adopted
    service.begin()
    await assert.rejects(service.stop('operator'), { code: 'service.unclear', retry: 2000 }, name)
    seat.release()
    assert.deepEqual([kinds(), calls, service.status().state], [[], [], 'stopped'], name)
  }
})

test('a unit that nobody has ever run is stopped, and known to be', async () => {
  const { service, seat, kinds } = unitWard({ memory: {}, openIncidents: () => [] })
  seat.take({ ...RUNS, ...IS_DOWN }, true)
  await service.adopt()
  service.begin()
  await service.stop('operator')
  seat.release()
  assert.deepEqual(kinds(), [])
})
