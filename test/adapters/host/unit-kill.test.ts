import assert from 'node:assert/strict'
import { test } from 'node:test'
import { killUnit } from '../../../adapters/host/unit-kill.ts'
import { begun, type Life, NO_LIFE, stopOrdered } from '../../../adapters/host/unit-life.ts'
import { NO_UNIT } from '../../../adapters/host/unit-view.ts'
import { seatTools } from './seat-tools.ts'

/** Longer ago than any stop may last. */
const longAgo = () => performance.now() - 600_000

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
    ...{ unit: 'web.service', bus, refresh, view: () => NO_UNIT, life: () => life, isEmpty: () => isEmpty },
    stop() {
      calls.push('stop')
      life = stopOrdered(life, longAgo())
    },
  })
  assert.deepEqual(calls, ['KillUnit', 'stop', 'KillUnit'])
})
