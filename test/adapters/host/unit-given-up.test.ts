import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusedStart } from '../../../adapters/host/unit-refused.ts'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import { NO_UNIT } from '../../../adapters/host/unit-view.ts'
import { type Memory, remember } from '../../../core/heal/memory.ts'
import { entryOf } from '../../core/safeswitch/written.ts'
import { listener, seatTools } from './seat-tools.ts'
import { HAS_FAILED, IS_DOWN, MEMORY, RUNS, run, unitWard as ward } from './unit-ward.ts'

// What systemd, or somebody's order to it, was to start and did not: the end of the job says why, or the picture does.

const NOTHING = { memory: {}, openIncidents: () => [] }
const JOB = '/job/9'
const OURS = '/job/10'
const KILLED = { Result: 'signal', ExecMainCode: 2, ExecMainStatus: 9, ExecMainPID: 8, MainPID: 0 }
const AWAITS = { ...KILLED, ActiveState: 'activating', SubState: 'auto-restart', Job: [0, '/'], NRestarts: 2 }
const TIMES = { ActiveExitTimestampMonotonic: 5000_000, ConditionTimestampMonotonic: 1000_000, ConditionResult: true }

const settled = () => new Promise(resolve => setImmediate(resolve))

async function running() {
  const of = ward(NOTHING, {}, { answer: () => OURS })
  of.seat.take(RUNS, true)
  await of.service.adopt()
  of.service.begin()
  return of
}

/** A unit that ran, was killed, and is about to be started again by systemd. */
async function awaiting() {
  const of = await running()
  of.seat.take({ ...AWAITS, ...TIMES }, true)
  assert.equal(of.service.status().state, 'backoff')
  return of
}

/** Its restart is over with `result`, and has come to nothing. */
function comesToNothing({ seat }: Awaited<ReturnType<typeof awaiting>>, result: string, more = {}): void {
  seat.take({ ActiveState: 'inactive', SubState: 'dead', Job: [9, JOB], ...more }, true)
  seat.jobRemoved(JOB, result)
  seat.take({ Job: [0, '/'] }, true)
}

test('a restart by systemd for which a unit that it requires could not be started is no stop by hand', async () => {
  const of = await awaiting()
  comesToNothing(of, 'dependency')
  const { state, attempt, incident, why } = of.service.status()
  assert.deepEqual([state, attempt, why], ['backoff', 1, null])
  assert.ok(incident !== null, 'it goes on')
  await of.clock.advance(1000)
  assert.deepEqual(of.calls.slice(-1), ['StartUnit'], 'heald tries')
  const restarting = of.drafts.filter(({ kind }) => kind === 'service.restarting').at(-1)
  assert.match(String(restarting?.data.cause), /a unit that it requires could not be started/)
  of.seat.release()
})

test('what could not be started because of another unit has not failed itself', async () => {
  const of = await awaiting()
  comesToNothing(of, 'dependency')
  for (let n = 0; n < 5; n += 1) {
    await of.clock.advance(1000)
    await settled()
    of.seat.jobRemoved(OURS, 'dependency')
    of.seat.take(IS_DOWN, true)
  }
  assert.equal(of.calls.filter(call => call === 'StartUnit').length, 5)
  assert.deepEqual([of.service.status().state, of.service.status().attempt], ['backoff', 1])
  assert.equal(of.drafts.filter(({ kind }) => kind === 'crashloop.detected').length, 0)
  of.seat.release()
})

test('a restart by systemd that a condition of the unit forbids is no stop by hand', async () => {
  const of = await awaiting()
  comesToNothing(of, 'done', { ConditionResult: false, ConditionTimestampMonotonic: 6000_000 })
  await of.clock.advance(1000)
  await settled()
  of.seat.jobRemoved(OURS, 'done')
  of.seat.take(IS_DOWN, true)
  const { state, why } = of.service.status()
  assert.equal(state, 'held')
  assert.match(why ?? '', /a condition of the unit is not met/)
  of.seat.release()
})

test('a stop by hand while systemd was to start it again is a wish', async () => {
  for (const more of [
    {},
    { ConditionResult: false, ConditionTimestampMonotonic: 0 },
    // A start before that has failed before it was ready.
    { ConditionResult: true, ConditionTimestampMonotonic: 6000_000 },
  ]) {
    const of = await awaiting()
    comesToNothing(of, 'done', more)
    assert.equal(of.service.status().why, 'stopped outside heald')
    of.seat.release()
  }
})

test('what was stopped for a restart by hand that came to nothing is wanted', async () => {
  for (const [result, end] of [
    ['dependency', { ActiveState: 'inactive' }],
    ['assert', { ActiveState: 'inactive' }],
    ['failed', { ActiveState: 'failed', SubState: 'failed', Result: 'start-limit-hit' }],
    // As the program's code at its stop is one of failure.
    ['failed', { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' }],
  ] as const) {
    const of = await running()
    of.seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [9, JOB] }, true)
    of.seat.take({ ...IS_DOWN, Job: [9, JOB] }, true)
    assert.equal(of.service.status().state, 'stopped')
    of.seat.jobRemoved(JOB, result)
    of.seat.take({ ...IS_DOWN, ...end }, true)
    assert.equal(of.service.status().state, 'starting', result)
    assert.deepEqual(of.calls.slice(-1), ['StartUnit'])
    of.seat.take({ ...RUNS, InvocationID: run(3) }, true)
    assert.equal(of.drafts.filter(({ kind }) => kind === 'service.started').at(-1)?.actor, 'outside')
    // Of a later stop that is no reason any more.
    of.seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [9, JOB] }, true)
    of.seat.take({ ...IS_DOWN, Job: [9, JOB] }, true)
    of.seat.jobRemoved(JOB, 'done')
    of.seat.take(IS_DOWN, true)
    assert.equal(of.service.status().state, 'stopped')
    of.seat.release()
  }
})

test('the same where systemd tells of the stop and of what came of the start at once', async () => {
  for (const [result, end] of [
    ['dependency', IS_DOWN],
    ['failed', { ...HAS_FAILED, Result: 'start-limit-hit' }],
  ] as const) {
    const of = await running()
    of.seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [9, JOB] }, true)
    of.seat.jobRemoved(JOB, result)
    of.seat.take(end, true)
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.deepEqual([of.service.status().state, of.calls.slice(-1)], ['starting', ['StartUnit']], result)
    of.seat.release()
  }
})

test('somebody’s start that came to nothing takes back no order to heald to stop it, and no wait for other services', async () => {
  const stopped = ward(NOTHING)
  stopped.seat.take(RUNS, true)
  await stopped.service.adopt()
  stopped.service.begin()
  stopped.service.stop('local:admin').catch(() => {})
  stopped.service.outside().refused()
  stopped.seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [9, JOB] }, true)
  stopped.seat.take({ ...IS_DOWN, Job: [9, JOB] }, true)
  stopped.seat.take(IS_DOWN, true)
  await settled()
  assert.equal(stopped.service.status().why, 'stopped by local:admin')
  stopped.seat.release()

  const waits = ward(NOTHING, {}, { waitingFor: ['db'] })
  waits.seat.take({ ...RUNS, ...HAS_FAILED }, true)
  await waits.service.adopt()
  waits.service.begin()
  waits.service.outside().refused()
  assert.deepEqual([waits.service.isWaiting(), waits.calls], [true, []])
  waits.seat.release()
})

test('where nothing comes of a restart by systemd, and systemd says nothing of that, heald starts it half a minute later', async () => {
  const { clock, calls, seat } = await awaiting()
  await clock.advance(100 + 30_000 - 1)
  assert.deepEqual(calls, [])
  await clock.advance(1)
  assert.deepEqual(calls, ['ResetFailedUnit', 'StartUnit'])
  seat.release()
})

test('a stop in an earlier boot, as that boot’s own end is one, is no reason to leave down what this one has started and failed', async () => {
  const wish = { ...MEMORY, runningPid: null, wanted: false, why: 'stopped outside heald' }
  async function taken(memory: typeof wish, found: object, ...waitingFor: string[]) {
    const { service, seat, calls } = ward({ memory: { web: memory }, openIncidents: () => [] }, {}, { waitingFor })
    seat.take({ ...RUNS, Restart: 'no', ...found }, true)
    await service.adopt()
    service.begin()
    seat.release()
    return [service.status().state, calls.includes('StartUnit'), service.isWaiting()]
  }
  const earlier = { ...wish, boot: '11111111' }
  assert.deepEqual(await taken(earlier, HAS_FAILED), ['starting', true, false])
  assert.deepEqual(await taken({ ...earlier, stayDown: true }, HAS_FAILED), ['starting', true, false])
  assert.deepEqual(await taken({ ...earlier, stayDown: true }, HAS_FAILED, 'db'), ['held', false, true])
  // A stop may make a program fail.
  assert.deepEqual(await taken(wish, HAS_FAILED), ['stopped', false, false])
  assert.deepEqual(await taken(earlier, IS_DOWN), ['stopped', false, false])
})

test('a unit that was left down, and that somebody or its timer has started while no heald ran, runs on', async () => {
  for (const boot of ['00000000', '11111111']) {
    const left = { ...MEMORY, wanted: false, runningPid: null, stayDown: true, why: 'it is done until then', boot }
    const { service, seat, calls, kinds } = ward({ memory: { web: left }, openIncidents: () => [] })
    seat.take(RUNS, true)
    await service.adopt()
    service.begin()
    const { state, why } = service.status()
    assert.deepEqual([state, why, calls, kinds()], ['starting', null, [], ['service.adopted 8']], boot)
    seat.release()
  }
})

test('what is to be started again after a stop is wanted, also by the next heald', () => {
  const memory: Memory = {}
  for (const kind of ['service.stopped', 'service.restarting'] as const)
    remember(memory, { ...entryOf(kind, { by: 'outside' }), svc: 'web' })
  assert.deepEqual([memory.web?.wanted, memory.web?.why], [true, null])
})

test('a start that systemd began, and that has failed, is none that was refused', () => {
  const refused = refusedStart()
  const before = { ...NO_UNIT, run: 'a', active: 'failed', result: 'exit-code' }
  for (const [after, isRefused] of [
    [before, true],
    [{ ...before, run: 'b' }, false],
    [{ ...before, active: 'inactive' }, false],
  ] as const) {
    refused.seen(before)
    refused.seen({ ...before, job: 9, run: 'c' })
    refused.jobRemoved('failed')
    assert.equal(refused.take(after) !== null, isRefused, JSON.stringify(after))
  }
})

test('a reload at which the program ends is no start that was refused: what is to be left down then stays down', async () => {
  for (const code of [125, 255]) {
    const of = ward(NOTHING, {}, { answer: () => OURS })
    of.seat.take({ ...RUNS, RestartPreventExitStatus: [[255], []] }, true)
    await of.service.adopt()
    of.service.begin()
    of.seat.take({ ActiveState: 'reloading', SubState: 'reload', Job: [9, JOB] }, true)
    of.seat.take({ ActiveState: 'deactivating', SubState: 'stop-post', Result: 'exit-code', MainPID: 0 }, true)
    of.seat.jobRemoved(JOB, 'failed')
    of.seat.take({ ...HAS_FAILED, ExecMainCode: 1, ExecMainStatus: code }, true)
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.deepEqual([of.service.status().state, of.calls.includes('StartUnit')], ['held', false], `${code}`)
    of.seat.release()
  }
  // Of a start that comes after it, it says nothing.
  const refused = refusedStart()
  const before = { ...NO_UNIT, run: 'a', active: 'failed', result: 'exit-code' }
  refused.seen({ ...before, active: 'reloading', job: 9 })
  refused.seen(before)
  refused.seen({ ...before, job: 10 })
  refused.jobRemoved('failed')
  assert.notEqual(refused.take(before), null)
})

test('how a job ended is told of once, and is nothing new of a start of heald’s own', async () => {
  const refused = refusedStart()
  refused.jobRemoved('dependency')
  assert.deepEqual([refused.take({ ...NO_UNIT, job: 9 }), typeof refused.take(NO_UNIT)], [null, 'string'])
  assert.equal(refused.take(NO_UNIT), null)
  const { told, outside, ended } = listener()
  const seat = unitSeat(
    'web.service',
    seatTools([], {}, () => OURS),
    ended,
    outside,
  )
  seat.take({ ...RUNS, ...HAS_FAILED }, true)
  await seat.adopt()
  seat.start()
  await settled()
  seat.jobRemoved(OURS, 'dependency')
  seat.take(HAS_FAILED, true)
  assert.deepEqual(told, ['ended'])
  seat.release()
})
