import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import { listener, seatTools } from './seat-tools.ts'

const OURS = '/job/5'
const THEIRS = '/job/6'
const RUNS = {
  ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', Result: 'success', MainPID: 7 },
  ...{ InvocationID: Buffer.alloc(16, 1), Job: [0, '/'] },
}
const STOPS = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [5, OURS] }
const IS_DOWN = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0, Job: [0, '/'] }
const settled = () => new Promise(resolve => setImmediate(resolve))

/** A unit that runs, on a systemd whose answer to a start is our job. */
async function seated() {
  const calls: string[] = []
  const { told, ends, outside, ended } = listener()
  const tools = seatTools(calls)
  async function manager(member: string): Promise<unknown> {
    calls.push(member)
    return OURS
  }
  const bus = { ...tools.bus, manager }
  const seat = unitSeat('web.service', { ...tools, bus }, ended, outside)
  seat.take(RUNS, true)
  await seat.adopt()
  return { seat, calls, told, ends }
}

test('a stop by somebody else in the middle of our restart is a wish', async () => {
  const { seat, told } = await seated()
  seat.stop?.(true)
  await settled()
  seat.take(STOPS, true)
  seat.jobRemoved(OURS, 'canceled')
  seat.take({ Job: [6, THEIRS] }, true)
  seat.take({ ...IS_DOWN, Job: [6, THEIRS] }, true)
  seat.jobRemoved(THEIRS, 'done')
  assert.deepEqual(told, ['ended'])
  seat.take({ Job: [0, '/'] }, true)
  assert.deepEqual(told, ['ended', 'stops'])
  seat.release()
})

test('a job of somebody else is not the result of our start', async () => {
  const { seat, told } = await seated()
  seat.take({ ...IS_DOWN, ActiveState: 'failed', Result: 'exit-code' }, true)
  seat.start()
  // Before systemd has answered, and after.
  seat.jobRemoved(THEIRS, 'done')
  await settled()
  seat.jobRemoved(THEIRS, 'failed')
  assert.deepEqual(told.splice(0), ['ended'])
  seat.jobRemoved(OURS, 'failed')
  assert.deepEqual(told, ['ended'])
  seat.release()
})

test('a unit that systemd leaves out is left down, and people have to know', async () => {
  const { seat, ends } = await seated()
  seat.take({ ...IS_DOWN, ActiveState: 'failed', Result: 'exit-code' }, true)
  seat.start()
  // Our job may be over before its name is known.
  seat.jobRemoved(OURS, 'done')
  await settled()
  const why = 'systemd left it out: a condition of the unit is not met'
  assert.deepEqual(ends[1]?.leftDown, { why, isTrouble: true })
  assert.equal(ends[1]?.evidence().launchError, why)
  seat.release()
})

test('what would not be restarted is told before anything is stopped', async () => {
  const { seat, calls } = await seated()
  assert.equal(await seat.refusesRestart?.(), null)
  seat.take({ LoadState: 'masked' }, true)
  assert.equal(await seat.refusesRestart?.(), 'the unit web.service is masked')
  seat.take({ LoadState: 'bad-setting' }, true)
  assert.match((await seat.refusesRestart?.()) ?? '', /bad-setting/)
  seat.take({ ...IS_DOWN, LoadState: 'not-found' }, true)
  assert.equal(await seat.refusesRestart?.(), null, 'nothing runs that could go on')
  assert.deepEqual(calls, [])
  seat.release()
})

test('that a unit has failed is not taken from one that systemd can’t load: it would forget it', async () => {
  for (const [load, orders] of [
    ['bad-setting', ['StartUnit']],
    ['loaded', ['ResetFailedUnit', 'StartUnit']],
  ] as const) {
    const { seat, calls } = await seated()
    seat.take({ ...IS_DOWN, LoadState: load, ActiveState: 'failed', Result: 'exit-code' }, true)
    seat.start()
    assert.deepEqual(calls, orders)
    await settled()
    seat.release()
  }
})
