import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SeatState } from '../../../adapters/host/unit-bound.ts'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import { listener, seatTools } from './seat-tools.ts'

const RUNS = {
  ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', Result: 'success', MainPID: 7 },
  ...{ InvocationID: Buffer.alloc(16, 1), BindsTo: ['base.service'], Job: [0, '/'] },
  ...{ ActiveEnterTimestampMonotonic: 10_000, ActiveExitTimestampMonotonic: 5_000 },
}
/** systemd ends it with a job, as for somebody who asked. */
const STOPS = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [5, '/job'] }
const IS_DOWN = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0, ExecMainCode: 2, ExecMainStatus: 15 }
const settled = () => new Promise(resolve => setImmediate(resolve))

/** A unit that is bound to `base.service`, of which systemd says `base`, and its seat here, if it has one, `state`, and when it fell. */
async function seated(base: Record<string, unknown>, state: SeatState | null = null, fallsMs: readonly number[] = []) {
  const calls: string[] = []
  const { told, ends, outside, ended } = listener()
  const tools = seatTools(calls, { JobType: 'stop' })
  const other = { ...base, state }
  const bus = { ...tools.bus, properties: async (_: string, take: (is: typeof base) => void) => take(other) }
  const seat = unitSeat(
    'bound.service',
    { ...tools, bus, stateOf: () => other.state, fallsMonoMs: () => fallsMs },
    ended,
    outside,
  )
  seat.take(RUNS, true)
  await seat.adopt()
  return { seat, calls, told, ends, other }
}

test('a stop because the unit that it is bound to has fallen is an end, told at once, by the name of that', async () => {
  for (const base of [{ ActiveState: 'failed' }, { ActiveState: 'activating', SubState: 'auto-restart' }]) {
    const { seat, told, ends } = await seated(base)
    seat.take(STOPS, true)
    assert.deepEqual(told, [], 'why is being asked')
    await settled()
    assert.deepEqual(told, ['ended'])
    seat.take(STOPS, true)
    await settled()
    seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
    assert.deepEqual([told, seat.isEmpty(), ends[0]?.leftDown], [['ended'], true, null])
    assert.deepEqual([ends[0]?.evidence().result, ends[0]?.evidence().fellWith], ['dependency', 'base.service'])
    assert.equal(ends[0]?.fellWith, 'base.service')
    seat.release()
  }
})

test('the same where its start is under way already, and where it is over before that was asked', async () => {
  const { seat, told } = await seated({ ActiveState: 'inactive', Job: [6, '/job'] }, 'fallen')
  seat.take(STOPS, true)
  seat.take(IS_DOWN, true)
  await settled()
  assert.deepEqual(told, ['ended'])
  seat.release()
})

test('the same where both run again before anybody could see how it ended', async () => {
  for (const state of ['fallen', null] as const) {
    const { seat, ends } = await seated({ ActiveState: 'activating', SubState: 'auto-restart' }, state)
    seat.take(STOPS, true)
    seat.take({ ...RUNS, MainPID: 99, InvocationID: Buffer.alloc(16, 9) }, true)
    await settled()
    const evidence = ends[0]?.evidence()
    assert.deepEqual([ends.length, ends[0]?.fellWith, evidence?.result], [1, 'base.service', 'unseen'])
    assert.equal(evidence?.fellWith, 'base.service')
    seat.release()
  }
})

test('the same where the other one has fallen in the time of this run, and runs again by the time of the stop', async () => {
  const stopsAt = { ...STOPS, ActiveExitTimestampMonotonic: 30_000 }
  const cases = [
    { fallsMs: [20], told: ['ended'] },
    { fallsMs: [30], told: ['ended'] },
    // It has fallen before and after, too.
    { fallsMs: [9, 20, 40], told: ['ended'] },
    // That was the run of before, or one that nobody can have stopped this for.
    { fallsMs: [9], told: ['stops'] },
    { fallsMs: [9, 31], told: ['stops'] },
    { fallsMs: [], told: ['stops'] },
  ]
  for (const { fallsMs, told } of cases) {
    const { seat, told: was } = await seated({ ActiveState: 'active' }, 'up', fallsMs)
    seat.take(stopsAt, true)
    await settled()
    seat.release()
    assert.deepEqual(was, told, `${fallsMs}`)
  }
})

test('the same where nobody looks after it here, and systemd has restarted it by itself', async () => {
  const base = { ActiveState: 'active', NRestarts: 1, ActiveExitTimestampMonotonic: 20_000 }
  for (const [other, told] of [
    [base, ['ended']],
    [{ ...base, NRestarts: 0 }, ['stops']],
    [{ ...base, ActiveExitTimestampMonotonic: 9_000 }, ['stops']],
  ] as const) {
    const { seat, told: was } = await seated(other)
    seat.take({ ...STOPS, ActiveExitTimestampMonotonic: 30_000 }, true)
    await settled()
    seat.release()
    assert.deepEqual(was, told)
  }
})

test('when it fell is what systemd says of its ends that nobody asked for', async () => {
  const { seat } = await seated({})
  assert.deepEqual(seat.fallsMonoMs(), [])
  seat.take({ ...IS_DOWN, ActiveState: 'failed', Job: [0, '/'], ActiveExitTimestampMonotonic: 20_000 }, true)
  assert.deepEqual(seat.fallsMonoMs(), [20])
  seat.take({ ...RUNS, InvocationID: Buffer.alloc(16, 2), ActiveExitTimestampMonotonic: 20_000 }, true)
  assert.deepEqual(seat.fallsMonoMs(), [20], 'also once it runs again')
  seat.take({ ...STOPS, ActiveExitTimestampMonotonic: 30_000 }, true)
  await settled()
  seat.take(IS_DOWN, true)
  assert.deepEqual(seat.fallsMonoMs(), [20], 'a stop is no fall')
  for (let n = 3; n < 30; n += 1) {
    seat.take({ ...RUNS, InvocationID: Buffer.alloc(16, n) }, true)
    const fell = { ...IS_DOWN, ActiveState: 'failed', Job: [0, '/'], ActiveExitTimestampMonotonic: n * 20_000 }
    seat.take(fell, true)
  }
  const last = seat.fallsMonoMs()
  assert.deepEqual([last.length, last.at(0), last.at(-1)], [8, 440, 580], 'the last ones')
  seat.release()
})

test('a stop is a wish where the other one runs as before, was stopped, or can’t be asked', async () => {
  for (const base of [
    { ActiveState: 'active' },
    { ActiveState: 'deactivating', Job: [9, '/job'] },
    { ActiveState: 'inactive' },
  ]) {
    const { seat, told } = await seated(base)
    seat.take(STOPS, true)
    // It is over, job and all, before that was asked.
    seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
    await settled()
    assert.deepEqual(told, ['stops', 'ended'])
    seat.release()
  }
})

test('where systemd has forgotten the run by then, nobody is asked: it was stopped', async () => {
  const { seat, told } = await seated({ ActiveState: 'failed' })
  seat.take({ ...IS_DOWN, InvocationID: Buffer.alloc(0), Job: [0, '/'] }, true)
  assert.deepEqual(told, ['stops', 'ended'])
  seat.release()
})

test('of a unit that is looked after only its seat is asked', async () => {
  // It fails with code 143 as it is stopped, or has asked to be left down.
  const { seat, told } = await seated({ ActiveState: 'failed' }, 'down')
  seat.take(STOPS, true)
  await settled()
  assert.deepEqual(told, ['stops'])
  seat.release()
})

test('a unit that was stopped, or asks to be left down, has not fallen; one of which it is not told yet has', async () => {
  const fails = {
    ...IS_DOWN,
    ActiveState: 'failed',
    Result: 'exit-code',
    ExecMainCode: 1,
    ExecMainStatus: 1,
    Job: [0, '/'],
  }
  const asks = { ...fails, ExecMainStatus: 125 }
  async function hasFallen(...pictures: object[]) {
    const { seat } = await seated({})
    for (const each of pictures) seat.take({ ...each }, true)
    const is = seat.hasFallen()
    seat.release()
    return is
  }
  // systemd may still restart it, so its end is told only in a moment.
  const mayRestart = { Restart: 'on-abort' }
  assert.deepEqual([await hasFallen(fails), await hasFallen(mayRestart, fails)], [true, true])
  assert.deepEqual([await hasFallen(asks), await hasFallen(mayRestart, asks)], [false, false])
  assert.equal(await hasFallen({ ...mayRestart, BindsTo: [] }, STOPS, fails), false)
})

test('its start does not wait for one that nobody brings back, and no longer once somebody asks for it', async t => {
  const { seat, calls } = await seated({ ActiveState: 'failed' })
  seat.take(STOPS, true)
  await settled()
  seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  seat.start()
  await settled()
  assert.deepEqual(calls.splice(0), ['StartUnit'])
  seat.release()

  const asked = await seated({ ActiveState: 'failed' }, 'fallen')
  asked.seat.take(STOPS, true)
  await settled()
  asked.seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
  asked.seat.start()
  await settled()
  assert.deepEqual(asked.calls, [])
  asked.seat.hurry?.()
  t.mock.timers.tick(1000)
  await settled()
  assert.deepEqual(asked.calls, ['StartUnit'])
  asked.seat.release()
})

test('its start waits until the other one is back, for as long as a start of its own may take', async t => {
  const { seat, calls, ends, other } = await seated({ ActiveState: 'activating', SubState: 'auto-restart' })
  seat.take(STOPS, true)
  await settled()
  seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  assert.equal(seat.start(), null)
  await settled()
  assert.deepEqual(calls, [])
  t.mock.timers.tick(120_000)
  assert.deepEqual([ends.length, ends[1]?.fellWith, ends[1]?.leftDown], [2, 'base.service', null])
  assert.match(ends[1]?.evidence().launchError ?? '', /base\.service, which it is bound to, was not back within 120 s/)
  assert.equal(seat.start(), null)
  await settled()
  t.mock.timers.tick(900_000)
  assert.equal(ends.length, 2, 'that is told once, however long it lasts')
  Object.assign(other, { ActiveState: 'active', SubState: 'running' })
  t.mock.timers.tick(1000)
  await settled()
  assert.deepEqual([calls, ends.length], [['StartUnit'], 2])
  t.mock.timers.tick(120_000)
  assert.match(ends[2]?.evidence().launchError ?? '', /systemd did not start it within 120 s/)
  assert.equal(ends[2]?.fellWith, undefined, 'it has all its time for that, and it is its own')
  seat.release()
})

test('its start does not start one that was stopped by hand, which nobody looks after here, and waits for nobody that can’t run', async t => {
  const isStopped = { LoadState: 'loaded', ActiveState: 'inactive', Result: 'signal', Job: [0, '/'] }
  for (const [base, expected] of [
    [isStopped, []],
    [{ ...isStopped, Job: [6, '/job'] }, ['StartUnit']],
    [{ ...isStopped, LoadState: 'not-found' }, ['StartUnit']],
    [{ ...isStopped, LoadState: 'masked' }, ['StartUnit']],
  ] as const) {
    const { seat, calls, other } = await seated({ ActiveState: 'activating', SubState: 'auto-restart' })
    seat.take(STOPS, true)
    await settled()
    seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
    Object.assign(other, base)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    seat.start()
    await settled()
    assert.deepEqual(calls, expected)
    t.mock.timers.reset()
    seat.release()
  }
})

test('that the other one is not back is told again of another run', async t => {
  const { seat, ends } = await seated({ ActiveState: 'activating', SubState: 'auto-restart' })
  for (const n of [1, 2]) {
    seat.take({ ...RUNS, InvocationID: Buffer.alloc(16, n) }, true)
    seat.take(STOPS, true)
    await settled()
    seat.take({ ...IS_DOWN, Job: [0, '/'] }, true)
    t.mock.timers.enable({ apis: ['setTimeout'] })
    seat.start()
    await settled()
    t.mock.timers.tick(120_000)
    t.mock.timers.reset()
    assert.equal(ends.length, 2 * n, 'its end, and that')
  }
  seat.release()
})
