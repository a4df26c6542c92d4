import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { disk } from '../../../core/ledger/files.ts'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { exit, folder, heard } from './stand.ts'

test('a handover that can not be kept is owed: nothing is signed until it is there, and it is made before anything else', async t => {
  const dir = join(folder(t), 'ledger')
  const { ledger } = await heard(t, dir)
  for (let n = 0; n < 3; n++) await ledger.append(exit(n))
  await ledger.checkpoint()
  const before = latestCheckpoint(dir)
  const mocked = t.mock.method(disk, 'replace', async () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
  })
  await assert.rejects(ledger.rotateKey('local:admin'), { code: 'ENOSPC' })
  await ledger.append(exit(4))
  await assert.rejects(ledger.checkpoint(), { code: 'ENOSPC' })
  await assert.rejects(ledger.rotateKey('local:admin'), { code: 'ENOSPC' })
  mocked.mock.restore()
  assert.equal(latestCheckpoint(dir), before)
  await ledger.append(exit(5))
  await ledger.checkpoint()
  const { epoch } = await ledger.rotateKey('local:admin')
  assert.equal(epoch, 2, 'the first try was one change of keys, the second was refused')
  await ledger.append(exit(6))
  await ledger.checkpoint()
  await ledger.close(2000)
  const verdict = await verifyLedger(dir)
  assert.deepEqual([verdict.firstBad, verdict.vkeys.length], [null, 3])
})

test('a kill while a key is being erased: the next start erases the rest and signs on', async t => {
  const dir = join(folder(t), 'ledger')
  const { ledger } = await heard(t, dir)
  const old = readFileSync(join(dir, 'keys/0.pem'))
  await ledger.rotateKey('local:admin')
  await ledger.append(exit(1))
  await ledger.close(2000)
  const half = [Buffer.alloc(4096), Buffer.alloc(0), old]
  for (const bytes of half) {
    writeFileSync(join(dir, 'keys/0.pem'), bytes, { mode: 0o600 })
    const again = await heard(t, dir)
    assert.deepEqual(again.said, [])
    assert.deepEqual(readdirSync(join(dir, 'keys')), ['1.pem'])
    await again.ledger.append(exit(2))
    await again.ledger.checkpoint()
    await again.ledger.close(2000)
    assert.equal((await verifyLedger(dir)).firstBad, null)
  }
  // One that nobody was told of.
  for (const bytes of [Buffer.alloc(4096), Buffer.alloc(0)]) {
    writeFileSync(join(dir, 'keys/2.pem'), bytes, { mode: 0o600 })
    const again = await heard(t, dir)
    assert.deepEqual([again.said, readdirSync(join(dir, 'keys'))], [[], ['1.pem']])
    await again.ledger.close(2000)
  }
})
