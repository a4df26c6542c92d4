import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLedger } from '../../../core/ledger/open.ts'
import { parseVkey, verifyLedger } from '../../../core/ledger/verifier.ts'
import { exit, folder, optionsFor } from './stand.ts'

test('the published module judges a copied folder, by what its caller trusts and nothing else', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 0; n < 20; n++) await ledger.append(exit(n))
  const { note } = await ledger.checkpoint()
  const key = parseVkey(ledger.vkey() ?? '') ?? assert.fail()
  await ledger.close(2000)
  const copy = join(dir, '..', 'elsewhere')
  // Only what a person would copy: the segments and the checkpoints.
  for (const name of ['seg', 'checkpoint']) cpSync(join(dir, name), join(copy, name), { recursive: true })
  const trust = { keys: [key], checkpoints: [{ name: 'note', note }] }
  const good = await verifyLedger(copy, { trust, workers: 2 })
  assert.deepEqual([good.ok, good.checked.checkpoints, good.checked.epochs, good.size], [true, true, true, 21])
  const path = join(copy, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":7,', '"pid":8,'))
  const bad = await verifyLedger(copy, { trust })
  assert.deepEqual([bad.ok, bad.firstBad?.seq], [false, 8])
  rmSync(join(copy, 'checkpoint'))
})
