import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { claimOf, signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { keyStore } from '../../../core/ledger/keys.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { ownCheckpoint } from '../../../core/ledger/own-checkpoint.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { proveFullReceipt } from '../../../core/ledger/tlog-proof.ts'
import { manySegments, reopened } from './many-segments.ts'
import { copyOf, exit, folder } from './stand.ts'

test('an entry is proved by a checkpoint of its own ledger, of every epoch, with or without what else is kept', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir)
  const proves = async (where: string): Promise<boolean> =>
    proveFullReceipt(await proveEntry(where, 2), [parseVkey(ledger.vkey() ?? '') ?? assert.fail()]).ok
  for (let epoch = 0; epoch < 3; epoch++) {
    if (epoch > 0) await ledger.rotateKey('local:admin')
    for (let n = 0; n < 5; n++) await ledger.append(exit(n))
    await ledger.checkpoint()
    assert.ok(await proves(dir), `epoch ${epoch}`)
    const copy = copyOf(t, dir)
    rmSync(join(copy, 'cp'), { recursive: true, force: true })
    assert.ok(await proves(copy), `epoch ${epoch}, no handover kept`)
  }
})

test('what was pruned still tells whose the newest checkpoint is', async t => {
  const dir = await manySegments(t, 2)
  const ledger = await reopened(t, dir)
  await ledger.prune({ upTo: sealedSegments(dir)[1]?.end ?? -1, archive: null, by: 'local:admin' })
  const { size } = await ledger.checkpoint()
  assert.equal((await ownCheckpoint(dir))?.size, size)
  assert.ok(proveFullReceipt(await proveEntry(dir, size - 1), [parseVkey(ledger.vkey() ?? '') ?? assert.fail()]).ok)
  await ledger.close(2000)
})

test('a checkpoint that none of the ledger’s keys has signed, or one of another epoch, proves nothing', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir)
  await ledger.append(exit(1))
  const older = keyStore(dir).load(0)
  await ledger.rotateKey('local:admin')
  await ledger.append(exit(2))
  await ledger.checkpoint()
  await ledger.close(2000)
  const claim = claimOf(latestCheckpoint(dir) ?? '') ?? assert.fail()
  const stranger = generateKeyPairSync('ed25519').privateKey
  for (const [whose, key] of [
    ['a stranger', stranger],
    ['the epoch before', older],
  ] as const) {
    writeFileSync(join(dir, 'checkpoint'), signCheckpoint(claim, key))
    await assert.rejects(proveEntry(dir, 1), { code: 'ledger.damaged' }, whose)
    await assert.rejects(ownCheckpoint(dir), { code: 'ledger.damaged' }, whose)
  }
  writeFileSync(join(dir, 'checkpoint'), 'nothing like it\n')
  await assert.rejects(proveEntry(dir, 1), { code: 'ledger.damaged' })
  rmSync(join(dir, 'checkpoint'))
  await assert.rejects(proveEntry(dir, 1), { code: 'entry.unsigned' })
})

test('a ledger whose end was cut off proves nothing, and says that it is damaged', async t => {
  const dir = await manySegments(t, 0)
  const [name = ''] = readdirSync(join(dir, 'seg'))
  const path = join(dir, 'seg', name)
  writeFileSync(path, `${readFileSync(path, 'utf8').split('\n').slice(0, 10).join('\n')}\n`)
  rmSync(join(dir, 'tree'), { recursive: true })
  await assert.rejects(proveEntry(dir, 5), { code: 'ledger.damaged' })
})
