import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { indexPath } from '../../core/ledger/index/database.ts'
import { queryLedger } from '../../core/ledger/index/query.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import { listEntries } from '../../core/ledger/list.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { mixed } from '../core/ledger/mixed-ledger.ts'
import { exit, optionsFor } from '../core/ledger/stand.ts'

test('the last room of a disk is the ledger’s: searches go on without an index, and make one when there is room', async t => {
  const at = mkdtempSync(join(tmpdir(), 'heald-disk-'))
  const mounting = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=120m,mode=700', 'heald-test', at])
  t.after(() => {
    spawnSync('umount', ['-l', at])
    rmSync(at, { recursive: true, force: true })
  })
  if (mounting.status !== 0) return t.skip('needs root, to mount a small disk')
  const dir = join(at, 'ledger')
  await mixed(dir, 16_000)
  writeFileSync(join(at, 'ballast'), Buffer.alloc(60 * 1024 * 1024))
  const filter = { text: 'jürgen' }
  const right = await listEntries(dir, filter, { limit: 30 })
  const ledger = await openLedger(optionsFor(dir))
  const found = async () => [
    (await ledger.find(filter, { limit: 30 })).rows,
    (await queryLedger(dir, filter, { limit: 30 })).rows,
  ]
  assert.deepEqual(await found(), [right.rows, right.rows])
  assert.equal(existsSync(indexPath(dir)), false)
  await ledger.append(exit(1))
  rmSync(join(at, 'ballast'))
  assert.deepEqual(await found(), [right.rows, right.rows])
  assert.equal(existsSync(indexPath(dir)), true)
  await ledger.close(2000)
  assert.deepEqual(await verifyIndex(dir), { ok: true })
})
