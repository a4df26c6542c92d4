import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { signingKey } from '../../../core/ledger/signing-key.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { checkpointDesk } from '../../../core/notice/checkpoint-desk.ts'
import { manySegments, reopened } from './many-segments.ts'
import { exit } from './stand.ts'

test('the key of a checkpoint, with its receipt: of each epoch, behind a prune, and behind a key that was lost', async t => {
  const dir = await manySegments(t, 2)
  const desk = checkpointDesk({
    latest: () => latestCheckpoint(dir),
    keep: async () => {},
    keyOf: note => signingKey(dir, note),
  })
  const isTheNewest = async (what: string): Promise<void> => {
    const { vkeys, keyReceipts } = await verifyLedger(dir)
    const handed = await desk.latest()
    assert.deepEqual([handed?.vkey, handed?.receipt], [vkeys.at(-1), keyReceipts.at(-1)], what)
  }
  await isTheNewest('as it is')
  const ledger = await reopened(t, dir, { fsync: true })
  const made = await ledger.rotateKey('local:admin')
  await ledger.append(exit(1))
  await ledger.checkpoint()
  assert.deepEqual(await signingKey(dir, latestCheckpoint(dir) ?? ''), { vkey: made.vkey, receipt: made.receipt })
  await ledger.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
  await isTheNewest('behind a prune')
  await ledger.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const keyless = await reopened(t, dir, { fsync: true, onTrouble: () => {} })
  await keyless.append(exit(2))
  await isTheNewest('the key is lost')
  await keyless.rotateKey('local:admin')
  await keyless.checkpoint()
  await isTheNewest('a new key')
  assert.equal(await signingKey(dir, 'no note'), null)
})
