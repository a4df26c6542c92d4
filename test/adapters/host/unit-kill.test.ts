import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { killUnit } from '../../../adapters/host/unit-kill.ts'
import { begun, type Life, NO_LIFE, stopOrdered, stopRefused } from '../../../adapters/host/unit-life.ts'
import { NO_UNIT } from '../../../adapters/host/unit-view.ts'
import { seatTools } from './seat-tools.ts'

/** So long a unit may be stopped (`TimeoutStopSec=infinity`) before it is killed. */
const TAKES_LONG_MS = 540_000
/** Longer ago than any stop may last. */
const longAgo = () => performance.now() - 600_000
/** No start of heald's is under way. */
const order = { isUnderWay: () => false }

test('what systemd has started again meanwhile is stopped, and killed where that takes too long as well', async () => {
  const calls: string[] = []
  let life: Life = stopOrdered(begun(NO_LIFE, { pid: 7, run: 'a' }), longAgo())
  let isEmpty = false
  function answer(member: string): void {
    assert.equal(member, 'KillUnit')
    if (calls.filter(call => call === member).length === 2) isEmpty = true
    else life = begun(life, { pid: 8, run: 'b' })
  }
  const { bus, refresh } = seatTools(calls, {}, answer)
  await killUnit(5000, {
    ...{ unit: 'web.service', bus, refresh, order, view: () => NO_UNIT, life: () => life, isEmpty: () => isEmpty },
    stop() {
      calls.push('stop')
      life = stopOrdered(life, longAgo())
    },
  })
  assert.deepEqual(calls, ['KillUnit', 'stop', 'KillUnit'])
})

test('one that is being stopped already by then is not stopped again', async () => {
  const calls: string[] = []
  let life: Life = stopOrdered(begun(NO_LIFE, { pid: 7, run: 'a' }), longAgo())
  let isEmpty = false
  function answer(): void {
    if (calls.length === 2) isEmpty = true
    else life = stopOrdered(begun(life, { pid: 8, run: 'b' }), longAgo())
  }
  const { bus, refresh } = seatTools(calls, {}, answer)
  await killUnit(5000, {
    ...{ unit: 'web.service', bus, refresh, order, view: () => NO_UNIT, life: () => life, isEmpty: () => isEmpty },
    stop: () => void calls.push('stop'),
  })
  assert.deepEqual(calls, ['KillUnit', 'KillUnit'])
})

test('one whose stop has taken all its time has its time to end after the kill, and only then it is said that it does not', async t => {
  const calls: string[] = []
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const life = stopOrdered(begun(NO_LIFE, { pid: 7, run: 'a' }), 0)
  const { bus, refresh } = seatTools(calls)
  const timeoutMs = 5000
  let ended: string | null = null
  const killed = killUnit(timeoutMs, {
    ...{ unit: 'web.service', bus, refresh, order, view: () => NO_UNIT, life: () => life, isEmpty: () => false },
    stop: assert.fail,
  }).catch((error: Error) => {
    ended = error.message
  })
  const at = async (ms: number) => {
    nowMs = ms
    t.mock.timers.tick(100)
    for (let n = 0; n < 10; n += 1) await Promise.resolve()
  }
  await at(TAKES_LONG_MS - 1)
  assert.deepEqual(calls, [])
  await at(TAKES_LONG_MS)
  await at(TAKES_LONG_MS + timeoutMs)
  assert.deepEqual([calls, ended], [['KillUnit'], null])
  await at(TAKES_LONG_MS + timeoutMs + 1)
  await killed
  assert.match(String(ended), /still there 5000 ms after SIGKILL/)
})

test('one whose stop systemd has refused in the end is not killed instead', async () => {
  const calls: string[] = []
  let life: Life = stopOrdered(begun(NO_LIFE, { pid: 7, run: 'a' }), performance.now())
  const { bus, refresh } = seatTools(calls)
  const killed = killUnit(5000, {
    ...{ unit: 'web.service', bus, refresh, order, view: () => NO_UNIT, life: () => life, isEmpty: () => false },
    stop: assert.fail,
  })
  life = stopRefused(life)
  await killed
  assert.deepEqual(calls, [])
})

test('what runs is not killed while systemd does not get to its restart, which then has all the time of a stop', async () => {
  const calls: string[] = []
  let life: Life = stopOrdered(begun(NO_LIFE, { pid: 7, run: 'a' }), longAgo())
  let active = 'active'
  const { bus, refresh } = seatTools(calls)
  const killed = killUnit(5000, {
    ...{ unit: 'web.service', bus, refresh, order: { isUnderWay: () => true } },
    ...{ view: () => ({ ...NO_UNIT, active }), life: () => life, isEmpty: () => false },
    stop: assert.fail,
  })
  await setTimeout(200)
  active = 'deactivating'
  await setTimeout(200)
  assert.deepEqual(calls, [])
  // What has been started anew between two looks is what was asked for.
  life = begun(life, { pid: 8, run: 'b' })
  await killed
  assert.deepEqual(calls, [])
})
