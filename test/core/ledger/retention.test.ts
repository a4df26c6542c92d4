import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../../core/clock.ts'
import type { PruneOrder } from '../../../core/ledger/prune.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { keepRetention } from '../../../core/ledger/retention.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { manySegments, reopened } from './many-segments.ts'
import { folder } from './stand.ts'

const DAY_MS = 86_400_000

/** A clock whose wall is `aheadMs` ahead, and whose timers are run by hand. */
function clockAhead(aheadMs: number): Clock & { readonly due: (() => void)[] } {
  const due: (() => void)[] = []
  return {
    ...systemClock,
    due,
    wallMs: () => Date.now() + aheadMs,
    after(_ms, work) {
      due.push(work)
      return () => void due.splice(due.indexOf(work), 1)
    },
  }
}

async function until(isSo: () => boolean): Promise<void> {
  const endMs = Date.now() + 60_000
  while (!isSo()) {
    assert.ok(Date.now() < endMs, 'it takes too long')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

test('what is older than it is kept is archived and pruned by itself, and nothing that is not', async t => {
  const dir = await manySegments(t, 2)
  const archive = join(folder(t), 'archive')
  const ledger = await reopened(t, dir)
  const orders: PruneOrder[] = []
  for (const [aheadMs, left] of [
    [DAY_MS - 3_600_000, 3],
    [DAY_MS, 1],
  ] as const) {
    const clock = clockAhead(aheadMs)
    const retention = keepRetention({
      ...{ dir, keep: { ms: DAY_MS, archive }, clock },
      prune: order => {
        orders.push(order)
        return ledger.prune(order)
      },
      onTrouble: what => assert.fail(what),
    })
    clock.due.shift()?.()
    await until(() => clock.due.length > 0)
    retention.stop()
    assert.equal(clock.due.length, 0)
    assert.equal(readdirSync(join(dir, 'seg')).length, left)
  }
  assert.equal(orders.length, 1)
  assert.equal(orders[0]?.archive?.folder, archive)
  assert.equal(readdirSync(archive).filter(name => name.endsWith('.zst')).length, 2)
  await ledger.close(2000)
  assert.equal((await verifyLedger(dir)).firstBad, null)
})

test('a clock that is far off for one look makes nothing old', async t => {
  const dir = await manySegments(t, 1)
  const clock = clockAhead(0)
  let aheadMs = 0
  const jumping = { ...clock, wallMs: () => Date.now() + aheadMs }
  const troubles: string[] = []
  const orders: PruneOrder[] = []
  const retention = keepRetention({
    ...{ dir, keep: { ms: DAY_MS, archive: null }, clock: jumping },
    async prune(order) {
      orders.push(order)
      return { upTo: order.upTo, seq: 0, segments: 1 }
    },
    onTrouble: what => troubles.push(what),
  })
  t.after(() => retention.stop())
  aheadMs = 9 * DAY_MS
  for (const pruned of [0, 1]) {
    clock.due.shift()?.()
    await until(() => clock.due.length > 0)
    assert.equal(orders.length, pruned)
  }
  assert.match(troubles.join(), /the wall clock has jumped/)
})

test('trouble is told once, nothing is pruned then, and it is tried again', async t => {
  const dir = await manySegments(t, 1)
  const path = join(dir, 'seg/000000000000.jsonl')
  const good = readFileSync(path, 'utf8')
  chmodSync(path, 0o600)
  writeFileSync(path, good.replace('"pid":7', '"pid":8'))
  const clock = clockAhead(2 * DAY_MS)
  const troubles: string[] = []
  const orders: PruneOrder[] = []
  const retention = keepRetention({
    ...{ dir, keep: { ms: DAY_MS, archive: null }, clock },
    async prune(order) {
      orders.push(order)
      return { upTo: order.upTo, seq: 0, segments: 1 }
    },
    onTrouble: what => troubles.push(what),
  })
  t.after(() => retention.stop())
  for (let look = 1; look <= 3; look++) {
    if (look === 3) writeFileSync(path, good)
    clock.due.shift()?.()
    await until(() => clock.due.length > 0)
    assert.equal(orders.length, look === 3 ? 1 : 0)
  }
  assert.equal(troubles.length, 1)
  assert.match(troubles[0] ?? '', /old entries are not pruned: nothing was pruned: the hash does not match the line/)
  assert.deepEqual(orders, [{ upTo: sealedSegments(dir)[0]?.end, archive: null, by: 'heald' }])
})
