import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SeatState } from '../../../adapters/host/unit-bound.ts'
import { type Memory, remember } from '../../../core/heal/memory.ts'
import { entryOf } from '../../core/safeswitch/written.ts'
import { BEFORE, INCIDENT, IS_DOWN, MEMORY, PAST, RUNS, run, unitWard } from './unit-ward.ts'

// heald is killed while a unit is down that has fallen with the one that it is bound to.

const BOUND = { ...RUNS, MainPID: BEFORE, ExecMainPID: BEFORE, BindsTo: ['base.service'], Restart: 'no' }
/** systemd ends it with a job, as for somebody who asked. */
const STOPS = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [5, '/job/5'] }
const GONE = { ...IS_DOWN, ExecMainCode: 2, ExecMainStatus: 15 }
/** Longer than a look at a tree that is being ended, and than whatever is asked. */
const looked = () => new Promise(resolve => setTimeout(resolve, 60))

/** What is in the ledger once the fall was told, and nothing after it. */
async function fallen(): Promise<Memory> {
  const { service, seat, drafts } = unitWard(PAST, {}, { stateOf: () => 'fallen' })
  const adopted = service.adopt()
  seat.take(BOUND, true)
  await adopted
  service.begin()
  seat.take(STOPS, true)
  await looked()
  const told = [...drafts]
  seat.take(GONE, true)
  await looked()
  seat.release()
  const memory: Memory = {}
  for (const { kind, data } of told) remember(memory, { ...entryOf(kind, data), svc: 'web', boot: MEMORY.boot })
  assert.deepEqual([memory.web?.endedPid, memory.web?.runningPid], [BEFORE, null])
  return memory
}

async function nextHeald(picture: object, base: SeatState, memory: Memory) {
  const world = { base }
  const ward = unitWard({ memory, openIncidents: () => [INCIDENT] }, { JobType: 'stop' }, { stateOf: () => world.base })
  const adopted = ward.service.adopt()
  ward.seat.take({ ...BOUND, ...picture }, true)
  await adopted
  ward.service.begin()
  await looked()
  return { ...ward, world }
}

test('a fall whose rest is still ended when the next heald comes is no stop by hand, and no failure', async () => {
  const { service, seat, kinds, calls, clock } = await nextHeald(STOPS, 'up', await fallen())
  assert.deepEqual([kinds(), service.status().state], [[], 'backoff'])
  seat.take(GONE, true)
  await looked()
  assert.deepEqual([kinds(), service.status().attempt], [['service.restarting'], 0])
  await clock.advance(1000)
  await looked()
  seat.release()
  assert.deepEqual(calls.filter(call => call === 'StartUnit').length, 1)
})

test('the same where nothing is left of it by then: it is started once the other one is back', async () => {
  const memory = await fallen()
  const { service, seat, calls, kinds, world } = await nextHeald({ ...STOPS, ...GONE }, 'down', memory)
  assert.deepEqual([service.status().state, kinds(), calls], ['starting', [], []])
  world.base = 'up'
  await new Promise(resolve => setTimeout(resolve, 1100))
  seat.release()
  assert.deepEqual(calls, ['StartUnit'])
})

test('a run that came and went meanwhile did not fall', async () => {
  const other = { ...GONE, ActiveState: 'failed', Result: 'signal', ExecMainPID: 9 }
  const { seat, calls } = await nextHeald(other, 'down', await fallen())
  seat.release()
  assert.equal(calls.at(-1), 'StartUnit', 'and waits for nobody')
})

test('that it fell is forgotten with its next run, and with a stop', async () => {
  for (const kind of ['service.started', 'service.stopped'] as const) {
    const memory = await fallen()
    assert.equal(memory.web?.fell, true)
    remember(memory, { ...entryOf('service.exited', { pid: 0 }), svc: 'web' })
    assert.deepEqual(
      [memory.web?.fell, memory.web?.endedPid],
      [true, BEFORE],
      'a start that came to nothing has no run',
    )
    remember(memory, { ...entryOf(kind, { pid: 9, by: 'outside' }), svc: 'web' })
    assert.equal(memory.web?.fell, false)
  }
})

test('what a start waits for is shown, and waited for no longer once a restart is asked for', async () => {
  const { service, seat, calls, clock } = await nextHeald({ ...STOPS, ...GONE }, 'down', await fallen())
  assert.equal(service.status().why, 'waits for base.service, which it is bound to')
  const restarted = service.restart('operator')
  await looked()
  assert.deepEqual([calls.at(-1), service.status().why], ['StartUnit', null])
  seat.take({ ...BOUND, MainPID: 9, InvocationID: run(3) }, true)
  await clock.advance(1000)
  await restarted
  seat.release()
  assert.equal(service.status().state, 'ready')
})
