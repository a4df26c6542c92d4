import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import { listener, seatTools } from './seat-tools.ts'
import { HAS_FAILED, IS_DOWN, RUNS, run } from './unit-ward.ts'

// What systemd does in its own time, which may be long.

const OURS = '/job/5'
const AWAITS = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'signal', MainPID: 0, Job: [0, '/'] }
const HOUR_US = 3_600_000_000
const settled = () => new Promise(resolve => setImmediate(resolve))

async function seated(found: object) {
  const calls: string[] = []
  const warnings: string[] = []
  const { told, ends, outside, ended } = listener()
  const tools = seatTools(calls, {}, (_, [id]) => {
    if (calls.at(-1) === 'CancelJob') calls.push(`${calls.pop()} ${id}`)
    return OURS
  })
  const seat = unitSeat('web.service', { ...tools, warn: text => void warnings.push(text) }, ended, outside)
  seat.take({ ...RUNS, ...found }, true)
  await seat.adopt()
  return { seat, calls, told, ends, warnings }
}

test('whoever asks for a start now does not wait for the time after which systemd would restart it', async () => {
  const { seat, calls } = await seated({ RestartUSec: HOUR_US })
  seat.take(AWAITS, true)
  seat.start()
  assert.deepEqual(
    calls.splice(0),
    ['ResetFailedUnit', 'StartUnit'],
    'left to systemd, which starts it in its own time',
  )
  seat.hurry?.()
  assert.deepEqual(calls.splice(0), ['ResetFailedUnit', 'RestartUnit'])
  seat.take({ ...RUNS, InvocationID: run(3) }, true)
  seat.take(AWAITS, true)
  seat.hurry?.()
  seat.start()
  assert.deepEqual(calls.splice(0), ['ResetFailedUnit', 'RestartUnit'])
  seat.take({ ...RUNS, InvocationID: run(4) }, true)
  seat.take(AWAITS, true)
  seat.start()
  assert.deepEqual(calls, ['ResetFailedUnit', 'StartUnit'], 'the wish was for that time')
  seat.release()
})

test('that systemd starts it in its own time, and that a start is the whole of its work, is no failure', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const began = { ActiveState: 'activating', SubState: 'start', MainPID: 9, Job: [5, OURS], InvocationID: run(3) }
  for (const [found, shown] of [
    [{ RestartUSec: HOUR_US }, AWAITS],
    [{ Type: 'oneshot', TimeoutStartUSec: 2 ** 64 }, began],
    [{ Type: 'notify', TimeoutStartUSec: HOUR_US }, began],
    // Each program of ExecStartPre= has that time, and the unit may ask for more (EXTEND_TIMEOUT_USEC=).
    [{ Type: 'notify', TimeoutStartUSec: 90_000_000 }, began],
  ] as const) {
    const { seat, ends } = await seated({ ...found, Restart: 'no' })
    seat.take(HAS_FAILED, true)
    seat.start()
    seat.take(shown, true)
    for (let n = 0; n < 59; n += 1) t.mock.timers.tick(60_000)
    assert.equal(ends.length, 1, JSON.stringify(found))
    seat.release()
  }
})

test('a start of which nothing comes is told, and of one that has all the time of its unit after a quarter of an hour', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const [startUs, withinMs] of [
    [90_000_000, 120_000],
    [2 ** 64, 900_000],
  ] as const) {
    const { seat, ends, calls } = await seated({ TimeoutStartUSec: startUs, Restart: 'no' })
    seat.take(HAS_FAILED, true)
    seat.start()
    await settled()
    seat.take({ ...IS_DOWN, Job: [5, OURS] }, true)
    t.mock.timers.tick(withinMs - 1)
    assert.equal(ends.length, 1)
    t.mock.timers.tick(1)
    assert.equal(ends[1]?.evidence().launchError, `systemd did not start it within ${withinMs / 1000} s`)
    assert.ok(!calls.includes('CancelJob 5'), 'it may still come')
    seat.release()
  }
})

test('a unit that is ready in an hour, where its own time has no end, is told of after a quarter', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { seat, ends } = await seated({ Type: 'notify', TimeoutStartUSec: 2 ** 64, Restart: 'no' })
  seat.take(HAS_FAILED, true)
  seat.start()
  seat.take({ ActiveState: 'activating', SubState: 'start', MainPID: 9, Job: [5, OURS], InvocationID: run(3) }, true)
  t.mock.timers.tick(900_000)
  assert.equal(ends.length, 2)
  seat.release()
})

test('a restart that systemd does not get to is taken back before it is told of, or it would be somebody’s stop later', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const waits = { Job: [5, OURS] }
  for (const [how, shown, wanted] of [
    ['what runs goes on', [{ Job: [0, '/'] }], ['runs', 'goes on']],
    // It was canceled in the middle: nobody else is going to start it.
    [
      'it had begun',
      [{ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [0, '/'] }, IS_DOWN],
      ['runs', 'ended', 'ended'],
    ],
    [
      'somebody had it stopped instead',
      [{ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [6, '/job/6'] }, IS_DOWN],
      ['runs', 'ended', 'stops'],
    ],
  ] as const) {
    const { seat, calls, told, warnings } = await seated({ TimeoutStartUSec: 90_000_000, Restart: 'no' })
    told.push('runs')
    seat.stop?.(true)
    seat.take(waits, true)
    await settled()
    t.mock.timers.tick(120_000)
    assert.deepEqual([calls.splice(0), told.length], [['RestartUnit', 'CancelJob 5'], 1], how)
    seat.jobRemoved(OURS, 'canceled')
    for (const each of shown) seat.take(each, true)
    t.mock.timers.tick(1000)
    assert.deepEqual(told, wanted, how)
    if (how === 'what runs goes on')
      assert.deepEqual(warnings, ['web.service could not be restarted: systemd did not get to it within 120 s'])
    seat.release()
  }
})

test('a restart that systemd gets to before it is taken back is one, and one that it never tells of is given up', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const isDone of [true, false]) {
    const { seat, told, calls } = await seated({ TimeoutStartUSec: 90_000_000, Restart: 'no' })
    seat.stop?.(true)
    seat.take({ Job: [5, OURS] }, true)
    await settled()
    t.mock.timers.tick(120_000)
    if (isDone) seat.take({ ...RUNS, InvocationID: run(3) }, true)
    t.mock.timers.tick(120_000)
    assert.deepEqual(told, isDone ? ['ended', 'runs'] : ['goes on'])
    assert.equal(calls.length, 2)
    seat.release()
  }
})

test('an end with which systemd is told to restart it is left to systemd', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const forced = { Restart: 'no', RestartForceExitStatus: [[7], []] }
  const { seat, told } = await seated(forced)
  const end = { ...HAS_FAILED, ExecMainCode: 1, ExecMainStatus: 7 }
  seat.take(end, true)
  assert.deepEqual(told, [], 'failed for an instant')
  seat.take(AWAITS, true)
  assert.deepEqual(told, ['ended'])
  assert.equal(seat.restartsItself?.()?.runs, false)
  seat.release()
  // While systemd ends the rest, too.
  const clean = await seated({ ...forced, Restart: 'on-failure', RestartForceExitStatus: [[0], []] })
  const rest = { ActiveState: 'deactivating', SubState: 'stop-post', ExecMainCode: 1, ExecMainStatus: 0, MainPID: 0 }
  clean.seat.take({ ...rest, ControlPID: 9 }, true)
  assert.deepEqual([clean.told, clean.ends[0]?.leftDown], [['ended'], null])
  clean.seat.release()
  const other = await seated(forced)
  other.seat.take({ ...end, ExecMainStatus: 8 }, true)
  assert.deepEqual(other.told, ['ended'])
  other.seat.release()
  await settled()
})
