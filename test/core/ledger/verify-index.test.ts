import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase, StaleIndex } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { listEntries, type Page } from '../../../core/ledger/list.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { copyOf, optionsFor, ROOT, written } from './stand.ts'

const seqsOf = ({ rows }: Page) => rows.map(({ entry }) => entry.seq)

test('a forged index shows nothing that is not so, and what it hides is found', async t => {
  const dir = await written(t, 300)
  const whole = await openDatabase(indexPath(dir))
  await catchUp(whole, dir)
  whole.close()
  const forgeries: Readonly<Record<string, string>> = {
    'an entry hidden': `DELETE FROM entries WHERE seq = 42`,
    'an entry twice as another': `UPDATE entries SET offset = (SELECT offset FROM entries WHERE seq = 41) WHERE seq = 42`,
    'another time': `UPDATE entries SET ms = ms - 86400000 WHERE seq = 42`,
    'called damaged': `UPDATE entries SET ms = NULL WHERE seq = 42`,
    'another span of times': `UPDATE blocks SET most_ms = 0`,
    'a word more': `INSERT INTO words (rowid, tokens) VALUES (42, 'innocent')`,
    'no words at all': `DROP TABLE words; CREATE VIRTUAL TABLE words USING fts5 (tokens, content = '', detail = none, columnsize = 0, tokenize = 'ascii')`,
    'a word less': `INSERT INTO words (words, rowid, tokens) VALUES ('delete', 42, '1242')`,
    'the way to its words cut off': `DELETE FROM words_idx`,
    'another way to its words': `UPDATE words_idx SET pgno = pgno + 2`,
    'words under other letters': `UPDATE words_idx SET term = CAST('zzz' AS BLOB) WHERE pgno = (SELECT max(pgno) FROM words_idx)`,
    'another piece of words': `UPDATE words_data SET block = (SELECT block FROM words_data WHERE id > 100 ORDER BY id LIMIT 1) WHERE id > 100`,
    'an end that is not': `UPDATE upto SET size = 100`,
    'a long line': `UPDATE entries SET bytes = 1000000000 WHERE seq = 42`,
  }
  for (const [what, sql] of Object.entries(forgeries)) {
    const copy = copyOf(t, dir)
    const forger = new DatabaseSync(indexPath(copy), { defensive: false })
    forger.exec(sql)
    forger.close()
    const db = await openDatabase(indexPath(copy))
    for (const filter of [{ svc: 'api' }, { text: 'innocent' }, { sinceMs: 0 }, { text: '1242' }]) {
      try {
        const right = new Set(seqsOf(await listEntries(copy, filter, { limit: 1000 })))
        const said = seqsOf(await findEntries(db, copy, filter, { limit: 1000 }))
        assert.ok(
          said.every(seq => right.has(seq)),
          `${what}: ${JSON.stringify(filter)}`,
        )
      } catch (error) {
        assert.ok(error instanceof StaleIndex, `${what}: ${error}`)
      }
    }
    db.close()
    const verdict = await verifyIndex(copy)
    assert.equal(verdict?.ok, false, what)
    if (verdict?.ok === false) t.diagnostic(`${what}: ${verdict.why}`)
  }
})

/** A ledger with an index. */
async function indexed(dir: string): Promise<string> {
  const db = await openDatabase(indexPath(dir))
  await catchUp(db, dir)
  db.close()
  return dir
}

const verify = (dir: string, ...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'heald.ts'), 'ledger', 'verify', '--index', '--state', dirname(dir), ...words],
    { encoding: 'utf8', timeout: 60_000 },
  )
  return { code: status, out: stdout, err: stderr }
}
const indexIn = (said: string) => (JSON.parse(said) as { checked: { index: unknown } }).checked.index

test('a folder in the place of an index is no index, and no search believes it', async t => {
  const dir = await written(t, 5)
  mkdirSync(indexPath(dir))
  assert.deepEqual(await verifyIndex(dir), { ok: false, seq: 0, why: 'it is no file' })
  const ledger = await openLedger(optionsFor(dir))
  t.after(() => ledger.close(2000))
  assert.deepEqual(seqsOf(await ledger.find({ svc: 'api' }, { limit: 9 })), [5, 4, 3, 2, 1])
})

test('verify --index: good, none, wrong; in words and in JSON', async t => {
  const dir = await written(t, 100)
  assert.equal(indexIn(verify(dir, '--json').out), null, 'there is none')
  assert.doesNotMatch(verify(dir).out, /search index/)
  await indexed(dir)
  const good = verify(dir)
  assert.match(good.out, /search index hides nothing and adds nothing/)
  assert.deepEqual([good.code, indexIn(verify(dir, '--json').out)], [0, true])

  const whole = readFileSync(indexPath(dir))
  const db = await openDatabase(indexPath(dir))
  db.exec('DELETE FROM entries WHERE seq = 42')
  db.close()
  const bad = verify(dir)
  assert.equal(bad.code, 1)
  assert.match(bad.out, /^THE SEARCH INDEX IS WRONG: it is wrong about where an entry stands \(entry #42\)\./)
  assert.match(bad.out, /The ledger itself is whole: 101 entries/)
  assert.match(bad.out, /then delete it/)
  const verdict = JSON.parse(verify(dir, '--json').out)
  assert.deepEqual([verdict.ok, verdict.checked.chain, verdict.checked.index], [false, true, false])
  assert.deepEqual([verdict.firstBad.seq, verdict.firstBad.segment], [42, 'index.db'])
  assert.equal(verdict.provableUpTo, 101)

  writeFileSync(indexPath(dir), 'no database at all')
  assert.match(verify(dir).out, /^THE SEARCH INDEX IS WRONG: it can't be read/)
  writeFileSync(indexPath(dir), '')
  assert.equal(indexIn(verify(dir, '--json').out), null, 'an empty one is none')
  writeFileSync(indexPath(dir), whole)
  const other = new DatabaseSync(indexPath(dir))
  other.exec('PRAGMA user_version = 99')
  other.close()
  assert.equal(indexIn(verify(dir, '--json').out), null, 'one of another version is none')
  writeFileSync(indexPath(dir), whole)
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":20,', '"pid":99,'))
  const damaged = verify(dir)
  assert.match(damaged.out, /^THE LEDGER IS DAMAGED at entry #20/, 'the ledger itself goes first')
})

test('an index that others have open is verified when its turn comes', async t => {
  const dir = await indexed(await written(t, 100))
  const db = await openDatabase(indexPath(dir))
  const verified = verifyIndex(dir)
  await new Promise(resolve => setTimeout(resolve, 200))
  db.close()
  assert.deepEqual(await verified, { ok: true })
})

/** A copy on a disk that can only be read. Null: none can be mounted here. */
function unwritable(t: TestContext, dir: string): string | null {
  const at = mkdtempSync(join(tmpdir(), 'heald-read-only-'))
  const copy = join(at, 'ledger')
  const isRoot = process.geteuid?.() === 0
  t.after(() => {
    if (isRoot) spawnSync('umount', ['-l', at])
    else if (existsSync(copy)) chmodSync(copy, 0o700)
    rmSync(at, { recursive: true, force: true })
  })
  if (isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'heald-test', at]).status !== 0) return null
  cpSync(dir, copy, { recursive: true })
  if (isRoot) spawnSync('mount', ['-o', 'remount,ro', at])
  else chmodSync(copy, 0o500)
  assert.throws(() => writeFileSync(join(copy, 'probe'), ''))
  return copy
}

test('an index that can not be written is verified as well', async t => {
  const copy = unwritable(t, await indexed(await written(t, 100)))
  if (copy === null) return t.skip('needs a disk that can be mounted')
  assert.deepEqual(await verifyIndex(copy), { ok: true })
})

test('what the next one to open an index takes back is taken back by its verification too', async t => {
  const dir = await indexed(await written(t, 100))
  const path = indexPath(dir)
  const db = new DatabaseSync(path, { defensive: false })
  db.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = 1')
  const row = Object.values(db.prepare('SELECT * FROM entries WHERE seq = 42').get() ?? {})
  db.exec('DELETE FROM entries WHERE seq = 42; BEGIN')
  db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?)').run(...row)
  db.exec('UPDATE upto SET size = size; UPDATE blocks SET most_ms = most_ms')
  copyFileSync(`${path}-journal`, join(dir, 'journal'))
  db.exec('COMMIT')
  db.close()
  assert.deepEqual(await verifyIndex(dir), { ok: true }, 'it is put back')
  renameSync(join(dir, 'journal'), `${path}-journal`)
  const copy = unwritable(t, dir)
  for (const each of copy === null ? [dir] : [copy, dir])
    assert.deepEqual(await verifyIndex(each), {
      ok: false,
      seq: 42,
      why: 'it is wrong about where an entry stands (entry #42)',
    })
})

test('a verification leaves nothing behind and changes no byte', async t => {
  const dir = await indexed(await written(t, 100))
  const before = readFileSync(indexPath(dir))
  const { mtimeMs } = statSync(indexPath(dir))
  assert.deepEqual(await verifyIndex(dir), { ok: true })
  assert.deepEqual(readFileSync(indexPath(dir)), before)
  assert.equal(statSync(indexPath(dir)).mtimeMs, mtimeMs)
  assert.deepEqual(
    readdirSync(dir).filter(name => name.startsWith('index')),
    ['index.db'],
  )
  rmSync(indexPath(dir))
  assert.equal(await verifyIndex(dir), null)
  assert.equal(existsSync(indexPath(dir)), false)
})
