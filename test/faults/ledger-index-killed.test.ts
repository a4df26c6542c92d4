import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sizeOf } from '../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../core/ledger/index/database.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import { mixed } from '../core/ledger/mixed-ledger.ts'
import { entriesIn, folder, ROOT } from '../core/ledger/stand.ts'

const KILLS = Number(process.env.HEALD_SOAK_INDEX_KILLS ?? 10)

test('kill -9 while it is made, and two at once: it goes on, and holds what it has to', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 30_000)
  const maker = () =>
    spawn(process.execPath, [join(ROOT, 'test/fixtures/makes-index.ts'), dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
  let kills = 0
  let partly = 0
  for (let n = 0; n < KILLS; n += 1) {
    const child = maker()
    const ended = once(child, 'exit')
    // It has the index, and begins.
    await Promise.race([once(child.stdout, 'data'), ended])
    await new Promise(resolve => setTimeout(resolve, Math.random() * 250))
    if (child.exitCode === null) kills += 1
    child.kill('SIGKILL')
    await ended
    const verdict = await verifyIndex(dir)
    assert.ok(verdict === null || verdict.ok, `round ${n}: ${JSON.stringify(verdict)}`)
    if (existsSync(indexPath(dir))) {
      const db = await openDatabase(indexPath(dir))
      if (sizeOf(db) > 0 && sizeOf(db) < 30_000) partly += 1
      db.close()
    }
    if (n % 3 === 2)
      for (const name of readdirSync(dir).filter(each => each.startsWith('index.db'))) rmSync(join(dir, name))
  }
  const both = [maker(), maker()].map(child => once(child, 'exit'))
  assert.deepEqual((await Promise.all(both)).flat(), [0, null, 0, null])
  assert.deepEqual(await verifyIndex(dir), { ok: true })
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.close())
  assert.equal(sizeOf(db), entriesIn(dir).length)
  t.diagnostic(`${kills} kills, ${partly} of them left a part of it`)
  assert.ok(kills > 0)
})
