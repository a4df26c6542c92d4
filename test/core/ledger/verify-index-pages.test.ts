import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { moveSeparator, pagesOf } from './index-pages.ts'
import { mixed } from './mixed-ledger.ts'
import { folder } from './stand.ts'

/* Forgeries below what SQL shows: whoever reads such an index in full sees nothing of them, and a search does. */

/** A ledger with an index whose words are in one piece. */
async function indexed(t: TestContext): Promise<string> {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 2000)
  const db = await openDatabase(indexPath(dir))
  await catchUp(db, dir)
  db.exec("INSERT INTO words (words, rank) VALUES ('merge', -2000000000)")
  db.close()
  assert.deepEqual(await verifyIndex(dir), { ok: true })
  return dir
}

/** How many entries a search does not show that are there. */
async function hidden(dir: string, kind: 'incident' | 'service'): Promise<number> {
  const db = await openDatabase(indexPath(dir))
  const filter = { kinds: [kind] }
  const found = await findEntries(db, dir, filter, { limit: 10_000 })
  db.close()
  const all = await listEntries(dir, filter, { limit: 10_000 })
  return all.rows.length - found.rows.length
}

test('a way to entries that leads past some of them is found', async t => {
  const dir = await indexed(t)
  const pages = pagesOf(indexPath(dir), 'entries')
  const { at, key } = pages.separators[pages.separators.length >> 1] ?? assert.fail('entries are more than one page')
  moveSeparator(indexPath(dir), pages, at, key - 60)
  assert.ok((await hidden(dir, 'incident')) > 0, 'the forgery hides something')
  assert.deepEqual(await verifyIndex(dir), { ok: false, seq: 0, why: 'its tables are broken' })
})

test('words that are all there, and of which no search is told, are found', async t => {
  const dir = await indexed(t)
  const db = new DatabaseSync(indexPath(dir), { defensive: false })
  // The last byte of what says which pages of words there are (https://sqlite.org/fts5.html): their end.
  const { block } = db.prepare('SELECT block FROM words_data WHERE id = 10').get() ?? {}
  const pieces = Buffer.from(block as Uint8Array)
  const end = (pieces.at(-1) ?? 0) - 3
  pieces[pieces.length - 1] = end
  db.prepare('UPDATE words_data SET block = ? WHERE id = 10').run(pieces)
  db.prepare('DELETE FROM words_idx WHERE pgno >> 1 > ?').run(end)
  db.close()
  assert.ok((await hidden(dir, 'service')) > 0, 'the forgery hides something')
  const verdict = await verifyIndex(dir)
  assert.equal(verdict?.ok, false)
  t.diagnostic(verdict?.ok === false ? verdict.why : '')
})
