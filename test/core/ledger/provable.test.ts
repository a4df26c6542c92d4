import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { entriesIn, exit, folder, optionsFor } from './stand.ts'
import { coverUp, linesOf, victim, withNote, writeLines } from './victim.ts'

/* Where a ledger stops being the one that was signed: what a thief of the present key has signed anew shows nothing to be good. */

test('what the present key has signed beside a rewritten ledger moves no border of what is proved', async t => {
  const it = await victim(t)
  const { dir, size } = it
  const handover = entriesIn(dir).find(({ kind }) => kind === 'key.rotated')?.seq ?? assert.fail()
  const changed = handover + 3
  writeLines(
    dir,
    linesOf(dir).map((line, at) => (at === changed ? line.replace('SIGKILL', 'SIGTERM') : line)),
    { rehash: true },
  )
  await coverUp(dir, { checkpoints: 'sign the newest' })
  const between = changed + 2
  const { root } = await treeOfSegments(dir, between)
  const origin = originOf(entriesIn(dir)[0] ?? assert.fail())
  const key = createPrivateKey(readFileSync(join(dir, 'keys/1.pem')))
  writeFileSync(
    join(dir, 'cp', `${String(between).padStart(12, '0')}.cp`),
    signCheckpoint({ origin, size: between, root }, key),
  )
  assert.equal((await verifyLedger(dir)).ok, true, 'alone nothing tells of it')
  const { firstBad, provableUpTo } = await withNote(dir, it)
  assert.equal(firstBad?.why, `the entries #${handover + 1} to #${size - 1} are not those that were signed`)
  assert.ok(provableUpTo <= changed, `proved up to ${provableUpTo}`)
})

test('a handover that was kept elsewhere, and is not here, is no contradiction to a ledger that ends with it', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  await ledger.append(exit(1))
  const { note: older } = await ledger.checkpoint()
  await ledger.rotateKey('local:admin')
  const { note } = await ledger.checkpoint()
  await ledger.close(2000)
  rmSync(join(dir, 'cp'), { recursive: true })
  writeFileSync(join(dir, 'checkpoint'), older)
  const verdict = await verifyLedger(dir, { trust: { keys: [], checkpoints: [{ name: 'kept', note }] } })
  assert.deepEqual([verdict.firstBad, verdict.ok], [null, true])
})
