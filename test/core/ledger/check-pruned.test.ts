import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { baseOf } from '../../../core/ledger/base.ts'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { claimOf } from '../../../core/ledger/checkpoint.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import { ownEpochs } from '../../../core/ledger/own-epochs.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { olderRoots } from '../../../core/ledger/tree/older-roots.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { manySegments, nextSegment, reopened } from './many-segments.ts'
import { copyOf, exit } from './stand.ts'

/* Checkpoints from before a prune: the tree's files can tell of what is gone, and what stands for it tells some by itself. */

/** Pruned behind its second change of keys; with a checkpoint of then from the middle of it, and one from just where it begins. */
async function stand(t: TestContext) {
  const dir = await manySegments(t, 2)
  const ledger = await reopened(t, dir, { fsync: true })
  const { note: middle, size } = await ledger.checkpoint()
  for (let n = 0; n < 20; n++) await ledger.append(exit(n))
  const border = (await ledger.checkpoint()).note
  await nextSegment(t, ledger)
  await ledger.append(exit(1))
  const upTo = sealedSegments(dir).at(-1)?.end ?? assert.fail()
  const { root } = await treeOfSegments(dir, size)
  await ledger.prune({ upTo, archive: null, by: 'local:admin' })
  const newest = (await ledger.checkpoint()).note
  await ledger.close(2000)
  const keys = ((await ownEpochs(dir)) ?? assert.fail()).epochs.map(({ key }) => key)
  return { dir, keys, middle, border, newest, upTo, size, root }
}

test('with the tree’s files gone, what stands for pruned entries vouches for the keys all the same', async t => {
  const { dir, keys, middle, border, newest, upTo } = await stand(t)
  assert.equal(claimOf(border)?.size, upTo)
  const handovers = keptCheckpoints(dir).filter(({ name }) => name !== 'checkpoint')
  for (const isThere of [true, false]) {
    if (!isThere) rmSync(join(dir, 'tree'), { recursive: true })
    for (const given of [[], ...keys.map(key => [key]), keys]) {
      for (const note of [newest, border]) {
        const { fits, why } = await checkReceipt(note, { dir, keys: given })
        assert.equal(fits, true, why)
      }
    }
    for (const { note } of handovers)
      assert.equal(
        (await checkReceipt(note, { dir, keys: keys.slice(0, 1) })).fits,
        true,
        'it ends with a line that is kept',
      )
    assert.equal((await checkReceipt(middle, { dir, keys })).fits, isThere ? true : null)
  }
  assert.ok(handovers.some(({ note }) => (claimOf(note)?.size ?? 0) < (baseOf(dir).base?.seq ?? 0)))
})

test('the tree’s files are believed of what was pruned only as far as they lead to what stands for it', async t => {
  const { dir, keys, middle, upTo, size, root } = await stand(t)
  const { base } = baseOf(dir)
  assert.deepEqual(olderRoots(dir, base, [size, upTo, 0]), new Map([[size, root]]))
  let lost = 0
  for (const name of readdirSync(join(dir, 'tree'))) {
    const bytes = readFileSync(join(dir, 'tree', name))
    for (let at = 0; at < Math.min(bytes.length, upTo * 32); at += 32 * 3) {
      const other = copyOf(t, dir)
      writeFileSync(join(other, 'tree', name), bytes.with(at, (bytes[at] ?? 0) ^ 1))
      const found = olderRoots(other, base, [size]).get(size)
      assert.ok(found === undefined || found === root, `${name} at ${at}`)
      if (found !== undefined) continue
      lost += 1
      if (lost < 4) assert.equal((await checkReceipt(middle, { dir: other, keys })).fits, null, 'it can not be told')
    }
  }
  assert.ok(lost > 3)
})
