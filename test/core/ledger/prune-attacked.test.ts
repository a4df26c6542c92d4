import assert from 'node:assert/strict'
import { cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { fullReceiptText } from '../../../core/ledger/tlog-proof.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { forge, sign } from './forged.ts'
import { manySegments, nextSegment, reopened } from './many-segments.ts'
import { copyOf, entriesIn, folder } from './stand.ts'

/*
 * Pruning is no way to hide a change: the attacker may write every file, has the present key, changes an entry, makes all
 * hashes, roots and snapshots fit, signs what he can, and then has heald prune what he changed.
 */

const originIn = (dir: string): string => originOf(entriesIn(dir)[0] ?? assert.fail())

for (const treeFiles of ['kept', 'removed', 'put back as they were'])
  test(`a change in an old epoch that is pruned then is noticed: tree files ${treeFiles}`, async t => {
    const victim = await manySegments(t, 3)
    const kept = join(folder(t), 'tree')
    cpSync(join(victim, 'tree'), kept, { recursive: true })
    const note = latestCheckpoint(victim) ?? assert.fail()
    for (const isAll of [false, true]) {
      const dir = copyOf(t, victim)
      forge(dir, 20)
      await sign(dir, originIn(dir), isAll)
      const before = await verifyLedger(dir)
      assert.deepEqual([before.checked.chain, before.ok], [true, false], before.firstBad?.why)
      const ledger = await reopened(t, dir)
      await ledger.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
      await ledger.checkpoint()
      await ledger.close(2000)
      if (treeFiles !== 'kept') rmSync(join(dir, 'tree'), { recursive: true })
      if (treeFiles === 'put back as they were') cpSync(kept, join(dir, 'tree'), { recursive: true })
      const verdict = await verifyLedger(dir)
      assert.deepEqual([verdict.checked.chain, verdict.ok], [true, false], 'the handovers of the old keys tell')
      assert.match(
        verdict.firstBad?.why ?? '',
        /not those that were signed|can't be believed|another epoch|does not vouch/,
      )
      const trust = { keys: [], checkpoints: [{ name: 'kept.txt', note }] }
      assert.equal((await verifyLedger(dir, { trust })).ok, false)
    }
  })

test('a change in the present epoch that is pruned then is noticed by a checkpoint kept elsewhere only, as ever', async t => {
  const dir = await manySegments(t, 1)
  const first = await reopened(t, dir)
  const note = (await first.checkpoint()).note
  await first.close(2000)
  // The newest epoch begins in the last segment; another segment makes part of it prunable.
  const ledger = await reopened(t, dir, { fsync: true })
  await nextSegment(t, ledger)
  await ledger.close(2000)
  forge(dir, (sealedSegments(dir)[0]?.end ?? 0) + 10)
  await sign(dir, originIn(dir), false)
  const again = await reopened(t, dir)
  await again.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
  await again.close(2000)
  assert.deepEqual((await verifyLedger(dir)).firstBad, null, 'the cell that says "no"')
  const verdict = await verifyLedger(dir, { trust: { keys: [], checkpoints: [{ name: 'kept.txt', note }] } })
  assert.equal(verdict.ok, false)
})

test('a full receipt that was forged with the present key, of an entry that is pruned, does not fit', async t => {
  const dir = await manySegments(t, 2)
  const stolen = copyOf(t, dir)
  forge(stolen, 20)
  await sign(stolen, originIn(stolen), false)
  const [genuine, forged] = [fullReceiptText(await proveEntry(dir, 20)), fullReceiptText(await proveEntry(stolen, 20))]
  const ledger = await reopened(t, dir)
  const keys = [parseVkey(ledger.vkey() ?? '') ?? assert.fail()]
  await ledger.prune({ upTo: sealedSegments(dir)[0]?.end ?? -1, archive: null, by: 'local:admin' })
  await ledger.close(2000)
  const by = { dir, keys }
  const [good, bad] = [await checkReceipt(genuine, by), await checkReceipt(forged, by)]
  assert.deepEqual([good.fits, /was pruned/.test(good.why)], [true, true], good.why)
  assert.deepEqual([bad.fits, /does not bear that out/.test(bad.why)], [false, true], bad.why)
})

test('beside a pruned ledger, a checkpoint that nobody signed is not passed over', async t => {
  const dir = await manySegments(t, 3)
  const ledger = await reopened(t, dir)
  await ledger.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
  await ledger.checkpoint()
  await ledger.close(2000)
  rmSync(join(dir, 'tree'), { recursive: true })
  const note = latestCheckpoint(dir) ?? assert.fail()
  assert.equal((await verifyLedger(dir)).ok, true)
  for (const [other, why] of [
    ['garbage\n', /^the checkpoint can't be believed/],
    [note.replace(/\n\d+\n/, '\n3\n'), /^the checkpoint can't be believed/],
  ] as const) {
    writeFileSync(join(dir, 'checkpoint'), other)
    const { ok, checked, firstBad } = await verifyLedger(dir)
    assert.deepEqual([ok, checked.checkpoints], [false, false], other)
    assert.match(firstBad?.why ?? '', why)
  }
})
