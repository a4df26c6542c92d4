import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'
import type { Remains } from '../../../core/heal/host.ts'
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

/** A seat with what it asked systemd for, and what it told; `of`: single properties that it may ask for. */
function seated(of: Readonly<Record<string, unknown>> = {}) {
  const calls: string[] = []
  const told: string[] = []
  const tell = (what: string) => () => void told.push(what)
  const outside = {
    runs: tell('runs'),
    stops: tell('stops'),
    goesOn: tell('goes on'),
    refused: tell('refused'),
    givesUp: tell('gives up'),
    known: tell('known'),
    left: (pid: number, { rssBytes }: Remains) => void told.push(`${pid} held ${rssBytes}`),
  }
  return { seat: unitSeat('slow.service', seatTools(calls, of), tell('ended'), outside), calls, told }
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

test('what is left of a unit whose end was told is left to systemd, also its restart', async () => {
  const { seat, calls, told } = seated()
  seat.take({ ...RUNS, Restart: 'always' }, true)
  await seat.adopt()
  const post = { ActiveState: 'deactivating', SubState: 'stop-post', Result: 'signal', ExecMainCode: 2, ControlPID: 9 }
  seat.take({ ...post, MainPID: 0 }, true)
  assert.deepEqual([told, seat.isEmpty()], [['ended'], false])
  setTimeout(() => seat.take({ ...HAS_FAILED, ControlPID: 0 }, true), 50)
  setTimeout(() => seat.take({ ActiveState: 'activating', SubState: 'auto-restart' }, true), 120)
  await seat.killTree(20)
  assert.deepEqual([calls, seat.restartsItself?.()?.runs], [[], false])
  seat.release()
})

test('what a run leaves is asked for once nothing of it is left: it may write until then', async () => {
  const { seat, calls, told } = seated({ MemoryPeak: 5_000_000, InvocationID: RUNS.InvocationID })
  seat.take({ ...RUNS, MemoryPeak: 3_000_000 }, true)
  await seat.adopt()
  seat.take({ ActiveState: 'deactivating', SubState: 'stop-watchdog', Result: 'watchdog' }, true)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual([told, calls], [['ended'], []])
  seat.take(HAS_FAILED, true)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(told, ['ended', '7 held 5000000'])
  seat.release()
})

test('what is stopped by hand while systemd ends the rest of it has not fallen any more', async () => {
  const { seat, told, calls } = seated({ JobType: 'stop' })
  seat.take(RUNS, true)
  await seat.adopt()
  const rest = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Result: 'signal', ExecMainCode: 2, MainPID: 0 }
  seat.take({ ...rest, Job: [0, '/'] }, true)
  for (let n = 0; n < 2; n += 1) seat.take({ Job: [5, '/job'] }, true)
  await new Promise(resolve => setImmediate(resolve))
  seat.take(HAS_FAILED, true)
  assert.deepEqual([told, seat.isEmpty(), seat.hasFallen()], [['ended', 'stops'], true, false])
  assert.deepEqual(calls, ['JobType'], 'asked once')
  seat.release()
})

test('a start or a restart that waits for the rest of a fallen unit to be gone is no stop', async () => {
  for (const JobType of ['start', 'restart', 'stop']) {
    const { seat, told } = seated({ JobType })
    seat.take(RUNS, true)
    await seat.adopt()
    const rest = {
      ActiveState: 'deactivating',
      SubState: 'stop-sigterm',
      Result: 'signal',
      ExecMainCode: 2,
      MainPID: 0,
    }
    seat.take({ ...rest, Job: [0, '/'] }, true)
    for (let n = 0; n < 2; n += 1) {
      seat.take({ Job: [5, '/job'] }, true)
      await new Promise(resolve => setImmediate(resolve))
    }
    seat.take({ ...HAS_FAILED, Job: [5, '/job'] }, true)
    seat.take({ ...RUNS, MainPID: 8, InvocationID: Buffer.alloc(16, 2), Result: 'success' }, true)
    assert.deepEqual(told, JobType === 'stop' ? ['ended', 'stops', 'runs'] : ['ended', 'runs'])
    seat.release()
  }
})

test('an instance that systemd has started meanwhile is not killed in the place of the one before', async () => {
  const { seat, calls, told } = seated()
  seat.take(RUNS, true)
  await seat.adopt()
  const next = { ...RUNS, MainPID: 8, InvocationID: Buffer.alloc(16, 2) }
  setTimeout(() => seat.take(next, true), 50)
  await seat.killTree(20_000)
  assert.deepEqual([calls, told], [['KillUnit'], ['ended', 'runs']])
})

test('a stop that crosses a restart by systemd stops what runs then, and kills nothing of it', async () => {
  const next = { ...RUNS, MainPID: 8, InvocationID: Buffer.alloc(16, 2), Job: [0, '/'] }
  for (const ofOthers of [false, true]) {
    const { seat, calls, told } = seated()
    seat.take(RUNS, true)
    await seat.adopt()
    seat.take({ ActiveState: 'activating', SubState: 'auto-restart', Result: 'signal', MainPID: 0 }, true)
    seat.stop?.(false)
    const killed = seat.killTree(20)
    seat.take({ ...next, Result: 'success' }, true)
    if (ofOthers) seat.take(STOPS, true)
    setTimeout(() => seat.take(STOPS, true), 60)
    setTimeout(() => seat.take(IS_DOWN, true), 120)
    await killed
    assert.deepEqual([calls.includes('KillUnit'), told.at(-1), seat.isEmpty()], [false, 'ended', true])
  }
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

test('the most memory of a run comes after its end, from a systemd that keeps it, unless another run has begun', async () => {
  const runs = { ...RUNS, MemoryPeak: 3_000_000 }
  async function heldBy(MemoryPeak: unknown, InvocationID: Buffer, picture: object = runs) {
    const { seat, calls, told } = seated({ MemoryPeak, InvocationID })
    seat.take({ ...picture }, true)
    await seat.adopt()
    seat.take(HAS_FAILED, true)
    await new Promise(resolve => setImmediate(resolve))
    seat.release()
    assert.equal(told.shift(), 'ended')
    return { calls, told }
  }
  const asked = ['MemoryPeak', 'InvocationID']
  assert.deepEqual(await heldBy(5_000_000, RUNS.InvocationID), { calls: asked, told: ['7 held 5000000'] })
  assert.deepEqual(await heldBy(5_000_000, Buffer.alloc(16, 2)), { calls: asked, told: [] })
  assert.deepEqual(await heldBy(2 ** 64 - 1, RUNS.InvocationID), { calls: asked, told: [] })
  assert.deepEqual(
    await heldBy(5_000_000, RUNS.InvocationID, RUNS),
    { calls: [], told: [] },
    'an older one is not asked',
  )
})
