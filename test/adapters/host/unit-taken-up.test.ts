import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Data, Kind } from '../../../core/entry.ts'
import { type Memory, remember } from '../../../core/heal/memory.ts'
import { entryOf } from '../../core/safeswitch/written.ts'
import {
  BEFORE,
  HAS_FAILED,
  INCIDENT,
  IS_DOWN,
  LOADED,
  MEMORY,
  PAST,
  RUNS,
  run,
  unitWard as ward,
} from './unit-ward.ts'

// A unit that the daemon before this one had running, and of which systemd could not say at first what became of it.

const IS_BEGUN = { ...LOADED, ActiveState: 'inactive', SubState: 'dead', Job: [6, '/job'], InvocationID: run(2) }

test('a unit that has crashed is not recorded as stopped because it is found in the middle of a start', async () => {
  const { service, seat, kinds } = ward()
  seat.take(IS_BEGUN, true)
  assert.equal(await service.adopt(), false)
  service.begin()
  assert.deepEqual(kinds(), [])
  assert.match(service.status().why ?? '', /in the middle of a start or stop/)
  seat.take(HAS_FAILED, true)
  seat.release()
  assert.deepEqual(kinds(), [
    `service.exited ${BEFORE}`,
    ...['service.started 0', 'service.exited 0', 'service.restarting'],
  ])
  assert.equal(service.status().attempt, 1)
})

test('what runs once the start is over has taken the place of one that ended unseen', async () => {
  const { service, seat, kinds } = ward()
  seat.take(IS_BEGUN, true)
  await service.adopt()
  service.begin()
  seat.take(RUNS, true)
  seat.release()
  assert.deepEqual(kinds(), [`service.exited ${BEFORE}`, 'service.started 8'])
  assert.equal(service.status().why, null)
})

test('what is inactive once it is known was stopped, and the reason says so', async () => {
  const { service, seat, drafts, kinds } = ward()
  seat.take(IS_BEGUN, true)
  await service.adopt()
  service.begin()
  for (let n = 0; n < 2; n += 1) seat.take(IS_DOWN, true)
  assert.deepEqual(kinds(), ['incident.resolved', 'service.stopped'])
  assert.equal(drafts.at(-1)?.data.by, 'outside')
  assert.match(service.status().why ?? '', /its unit is inactive/)
  seat.take({ ...RUNS, InvocationID: run(3) }, true)
  seat.release()
  assert.deepEqual(kinds().slice(2), ['service.started 8'], 'the one before is accounted for')
})

test('what failed without a run is no stop either', async () => {
  const { service, seat, kinds } = ward()
  seat.take({ ...IS_BEGUN, InvocationID: Buffer.alloc(0) }, true)
  await service.adopt()
  service.begin()
  seat.take(HAS_FAILED, true)
  seat.release()
  assert.deepEqual(kinds(), [`service.exited ${BEFORE}`, 'service.restarting'])
  assert.deepEqual([service.status().state, service.status().why], ['backoff', null])
})

test('while systemd does not answer nothing is recorded', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { service, seat, kinds } = ward()
  const adopted = service.adopt()
  t.mock.timers.tick(5000)
  assert.equal(await adopted, false)
  service.begin()
  assert.deepEqual(kinds(), [])
  assert.match(service.status().why ?? '', /does not answer yet/)
  seat.take({ ...RUNS, ...IS_DOWN }, true)
  assert.deepEqual(kinds(), ['incident.resolved', 'service.stopped'])
})

test('what the ledger tells only then is held against what becomes known', async () => {
  const { service, seat, kinds } = ward({ memory: {}, openIncidents: () => [] })
  seat.take(IS_BEGUN, true)
  await service.adopt()
  service.begin()
  service.recall(PAST, true)
  assert.deepEqual(kinds(), [])
  assert.match(service.status().why ?? '', /in the middle of a start or stop/)
  seat.take(RUNS, true)
  seat.release()
  assert.deepEqual(kinds(), [`service.exited ${BEFORE}`, 'service.started 8'])
})

test('what runs before its daemon begins its work is not taken for gone', async () => {
  const { service, seat, calls, kinds } = ward()
  seat.take(IS_BEGUN, true)
  await service.adopt()
  seat.take(RUNS, true)
  service.begin()
  seat.release()
  assert.deepEqual([kinds(), calls], [['service.started 8'], []])
})

test('what systemd is ending when its daemon begins is left to it, and is what it turns out to be', async () => {
  const ending = { ...RUNS, ActiveState: 'deactivating', SubState: 'stop-post', ControlPID: 9, MainPID: 0 }
  const stopped = ward()
  stopped.seat.take({ ...ending, Job: [6, '/job'] }, true)
  assert.equal(await stopped.service.adopt(), false)
  stopped.service.begin()
  assert.deepEqual(stopped.kinds(), [])
  stopped.seat.take({ ...IS_DOWN, ControlPID: 0 }, true)
  assert.deepEqual(stopped.kinds(), ['incident.resolved', 'service.stopped'])

  const fallen = ward()
  fallen.seat.take({ ...ending, Restart: 'no', Result: 'signal' }, true)
  await fallen.service.adopt()
  fallen.service.begin()
  assert.deepEqual(fallen.kinds(), [])
  fallen.seat.take({ ...HAS_FAILED, ControlPID: 0 }, true)
  assert.match(fallen.kinds().join(), /service\.exited.*service\.restarting$/)
  assert.ok(!fallen.calls.includes('KillUnit'))
  fallen.seat.release()
})

test('a stop keeps systemd from its own restart, and is over once systemd has heard it', async () => {
  const waits = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'signal', MainPID: 0, Job: [0, '/'] }
  const rest = { ...waits, ActiveState: 'deactivating', SubState: 'stop-sigterm' }
  for (const fallen of [waits, rest]) {
    const { service, seat, calls, drafts } = ward()
    seat.take(RUNS, true)
    await service.adopt()
    service.begin()
    seat.take(fallen, true)
    let isOver = false
    const stopped = service.stop('local:admin').then(() => {
      isOver = true
    })
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.deepEqual([calls, isOver, service.status().state], [['StopUnit'], false, 'stopping'])
    if (fallen === rest) seat.take({ Job: [9, '/job'] }, true)
    seat.take(IS_DOWN, true)
    await stopped
    assert.deepEqual([drafts.at(-1)?.kind, drafts.at(-1)?.data.by], ['service.stopped', 'local:admin'])
    assert.equal(seat.hasFallen(), false)
    seat.release()
  }
})

test('the same in the middle of a restart that was asked for', async () => {
  const { service, seat, calls } = ward()
  seat.take(RUNS, true)
  await service.adopt()
  service.begin()
  const restarted = assert.rejects(service.restart('local:admin'))
  await new Promise(resolve => setTimeout(resolve, 20))
  seat.take({ ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [9, '/job'] }, true)
  const stopped = service.stop('local:admin')
  assert.deepEqual(calls, ['RestartUnit', 'StopUnit'])
  seat.take(IS_DOWN, true)
  await Promise.all([restarted, stopped])
  seat.release()
})

test('a start that the daemon before this one owed is made, and no other', async () => {
  const owing = { ...MEMORY, runningPid: null, owes: true }
  async function taken(memory: typeof owing | typeof MEMORY, more: object = {}) {
    const { service, seat, calls } = ward({ memory: { web: memory }, openIncidents: () => [INCIDENT] })
    seat.take({ ...RUNS, ...IS_DOWN, ...more }, true)
    await service.adopt()
    service.begin()
    seat.release()
    return [service.status().state, calls.includes('StartUnit')]
  }
  assert.deepEqual(await taken(owing), ['starting', true])
  for (const each of [
    taken({ ...owing, boot: '11111111' }),
    taken({ ...owing, owes: false }),
    taken(owing, { LoadState: 'masked' }),
    taken({ ...owing, wanted: false }),
    taken(MEMORY),
  ])
    assert.deepEqual(await each, ['stopped', false])
})

test('the same where the ledger tells of it only once the work has begun', async () => {
  async function taken(memory: object) {
    const { service, seat, calls, kinds } = ward({ memory: {}, openIncidents: () => [] })
    seat.take({ ...RUNS, ...IS_DOWN }, true)
    await service.adopt()
    service.begin()
    assert.equal(service.status().state, 'stopped')
    service.recall({ memory: { web: { ...MEMORY, ...memory } }, openIncidents: () => [INCIDENT] }, true)
    seat.release()
    return [service.status().state, calls.includes('StartUnit'), kinds()]
  }
  assert.deepEqual(await taken({ runningPid: null, owes: true }), ['starting', true, []])
  assert.deepEqual(await taken({ runningPid: null }), ['stopped', false, ['incident.resolved']])
  assert.deepEqual(await taken({ wanted: false, owes: true }), ['stopped', false, ['incident.resolved']])
  const stopped = ['incident.resolved', 'service.stopped']
  assert.deepEqual(await taken({}), ['stopped', false, stopped], 'it was stopped while no daemon looked')
})

test('what is owed is what heald itself was to start: not what systemd was to, nor what has come or was stopped since', () => {
  const at = (kind: Kind, data: Data = {}) => entryOf(kind, data)
  const owes = (...told: readonly (readonly [Kind, Data?])[]) => {
    const memory: Memory = {}
    for (const [kind, data] of told) remember(memory, { ...at(kind, data), svc: 'web' })
    return memory.web?.owes === true
  }
  assert.equal(owes(['service.exited'], ['service.restarting']), true)
  assert.equal(owes(['service.exited'], ['service.restarting', { by: 'systemd' }]), false)
  assert.equal(owes(['service.restarting', { by: 'systemd' }], ['service.restarting']), true, 'systemd has given up')
  for (const kind of ['started', 'adopted', 'stopped', 'held', 'released'] as const)
    assert.equal(owes(['service.restarting'], [`service.${kind}`]), false, kind)
})

for (const what of ['start', 'restart'])
  test(`a ${what} by hand while systemd ends the rest of a fallen unit is taken up in the end, however soon it runs`, async () => {
    const { service, seat } = ward()
    seat.take(RUNS, true)
    await service.adopt()
    service.begin()
    const rest = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Result: 'signal', MainPID: 0 }
    seat.take({ ...rest, ExecMainCode: 2, ExecMainStatus: 9, Job: [0, '/'] }, true)
    // A job on it may be one of a start, too, which waits until nothing is left.
    seat.take({ Job: [9, '/job'] }, true)
    seat.take({ ...HAS_FAILED, Job: [9, '/job'] }, true)
    seat.take({ ...RUNS, MainPID: 99, InvocationID: run(3) }, true)
    await new Promise(resolve => setTimeout(resolve, 200))
    assert.deepEqual([service.status().state !== 'stopped', service.status().pid], [true, 99])
    seat.release()
  })

test('a stop by hand that is under way when its daemon begins is one, also where the program fails of it', async () => {
  const { service, seat, kinds } = ward()
  seat.take({ ...RUNS, ActiveState: 'deactivating', SubState: 'stop-sigterm', Restart: 'no', Job: [6, '/job'] }, true)
  await service.adopt()
  service.begin()
  seat.take({ ...HAS_FAILED, ExecMainCode: 1, ExecMainStatus: 143 }, true)
  assert.deepEqual(kinds(), ['incident.resolved', 'service.stopped'])
  assert.match(service.status().why ?? '', /stopped/)
  seat.take({ ...RUNS, InvocationID: run(3) }, true)
  seat.release()
  assert.equal(kinds().at(-1), 'service.started 8')
})
