import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import { seatTools } from './seat-tools.ts'

const RUNS = {
  LoadState: 'loaded',
  ActiveState: 'active',
  SubState: 'running',
  MainPID: 7,
  InvocationID: Buffer.alloc(16, 1),
}
const STOPS = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [5, '/job'] }
/** In the middle of a start, for an instant. */
const IS_BEGUN = { ...RUNS, ActiveState: 'inactive', SubState: 'dead', Job: [6, '/job'] }
const HAS_FAILED = { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code', MainPID: 0, Job: [0, '/'] }
const IS_DOWN = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0, Job: [0, '/'] }

/** A seat with what it asked systemd for, and what it told. */
function seated() {
  const calls: string[] = []
  const told: string[] = []
  const tell = (what: string) => () => void told.push(what)
  const outside = {
    runs: tell('runs'),
    stops: tell('stops'),
    givesUp: tell('gives up'),
    known: tell('known'),
    said: () => {},
  }
  return { seat: unitSeat('slow.service', seatTools(calls), tell('ended'), outside), calls, told }
}

test('a unit that systemd takes long to stop is waited for, past the time that a tree is given, and is not killed', async () => {
  const { seat, calls } = seated()
  seat.take(RUNS, true)
  assert.equal((await seat.adopt())?.pid, 7)
  seat.stop?.(false)
  seat.take(STOPS, true)
  setTimeout(() => seat.take(IS_DOWN, true), 100)
  await seat.killTree(20)
  assert.ok(seat.isEmpty())
  assert.deepEqual(calls, ['StopUnit'])
})

test('a unit that is found in the middle of a start is not one that somebody stopped', async () => {
  const failing = seated()
  failing.seat.take(IS_BEGUN, true)
  assert.equal(await failing.seat.adopt(), null)
  assert.equal(failing.seat.rests?.()?.isKnown, false)
  failing.seat.take(HAS_FAILED, true)
  assert.deepEqual(failing.told, ['runs', 'ended'])

  const stopped = seated()
  stopped.seat.take(IS_BEGUN, true)
  assert.equal(await stopped.seat.adopt(), null)
  stopped.seat.take(IS_DOWN, true)
  assert.deepEqual(stopped.told, ['known'], 'and one that was being stopped is')
  assert.match(stopped.seat.rests?.()?.why ?? '', /its unit is inactive/)
})
