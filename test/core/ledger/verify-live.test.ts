import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ZEROS } from '../../../core/ledger/line.ts'
import { isTornEnd } from '../../../core/ledger/torn-end.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { join as joined } from '../../../core/ledger/verify-join.ts'
import { planOf } from '../../../core/ledger/verify-plan.ts'
import { walkSegment } from '../../../core/ledger/verify-walk.ts'
import { written } from './stand.ts'

/** A ledger in the midst of a write: `rest` is what its writer has still to put behind what is there. */
async function halfWritten(t: TestContext, lines: number) {
  const dir = await written(t, 8)
  const path = join(dir, 'seg/000000000000.jsonl')
  const whole = readFileSync(path)
  let from = whole.length
  for (let n = 0; n < lines; n++) from = whole.lastIndexOf(10, from - 2) + 1
  const cut = from + 40
  truncateSync(path, cut)
  rmSync(join(dir, 'head'), { force: true })
  return { dir, path, rest: whole.subarray(cut) }
}

test('a write that ends between two looks is none that was broken off, and no damage', async t => {
  for (const lines of [1, 3])
    for (const writer of ['is alive', 'has ended meanwhile']) {
      const { dir, path, rest } = await halfWritten(t, lines)
      if (writer === 'is alive') writeFileSync(join(dir, 'lock.pid'), `${process.pid}\n`)
      // Told right after the first look.
      const verdict = await verifyLedger(dir, { onProgress: () => appendFileSync(path, rest) })
      assert.deepEqual([verdict.firstBad, verdict.size], [null, 9], `its writer ${writer}, ${lines} lines`)
    }
})

test('of a write that goes on, and never ends, it is said that it is not finished', async t => {
  const { dir, path, rest } = await halfWritten(t, 3)
  const verdict = await verifyLedger(dir, { onProgress: () => appendFileSync(path, rest.subarray(0, -1)) })
  assert.deepEqual([verdict.torn, verdict.firstBad?.why, verdict.size], [true, 'the line has no end', 8])
})

test('what is written after the last look is not held against what was seen', async t => {
  for (const lines of [1, 3]) {
    const { dir, path, rest } = await halfWritten(t, lines)
    const file = { name: '000000000000', first: 0, path }
    const plan = planOf([file], { sizes: [], isOnlyChain: true })
    const walks = plan.map(({ task }) => walkSegment({ ...task, prev: ZEROS }))
    const { length } = readFileSync(join(dir, 'seg/000000000000.jsonl'))
    appendFileSync(path, rest)
    assert.ok(isTornEnd(plan, walks, joined(plan, walks, null), null), `${lines} lines`)
    // What was there already and is no end of a write stays damage.
    truncateSync(path, length)
    appendFileSync(path, `\n${rest.subarray(rest.indexOf(10) + 1)}`)
    const again = planOf([file], { sizes: [], isOnlyChain: true })
    const seen = again.map(({ task }) => walkSegment({ ...task, prev: ZEROS }))
    assert.equal(isTornEnd(again, seen, joined(again, seen, null), null), lines === 1)
  }
})
