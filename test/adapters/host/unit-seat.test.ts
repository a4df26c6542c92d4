import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import type { SystemdBus } from '../../../adapters/host/systemd-bus.ts'
import { unitSeat } from '../../../adapters/host/unit-seat.ts'

const RUNS = {
  LoadState: 'loaded',
  ActiveState: 'active',
  SubState: 'running',
  MainPID: 7,
  InvocationID: Buffer.alloc(16, 1),
}
const STOPS = { ActiveState: 'deactivating', SubState: 'stop-sigterm', Job: [5, '/job'] }
const IS_DOWN = { ActiveState: 'inactive', SubState: 'dead', MainPID: 0, Job: [0, '/'] }

test('a unit that systemd takes long to stop is waited for, past the time that a tree is given, and is not killed', async () => {
  const calls: string[] = []
  const bus: SystemdBus = {
    manager: async member => void calls.push(member),
    properties: async () => ({}),
    ...{ isUp: () => true, renew: () => {}, close: () => {} },
  }
  const tools = {
    bus,
    kernelLog: openKernelLog(null),
    warn: assert.fail,
    refresh: async () => {},
    tail: async () => '',
  }
  const outside = { runs: () => {}, stops: () => {}, givesUp: () => {}, said: () => {} }
  const seat = unitSeat('slow.service', tools, () => {}, outside)
  seat.take(RUNS, true)
  assert.equal((await seat.adopt())?.pid, 7)
  seat.stop?.(false)
  seat.take(STOPS, true)
  setTimeout(() => seat.take(IS_DOWN, true), 100)
  await seat.killTree(20)
  assert.ok(seat.isEmpty())
  assert.deepEqual(calls, ['StopUnit'])
})
