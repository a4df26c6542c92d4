import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Filter } from '../../../core/ledger/filter.ts'
import { catchUp, sizeOf } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { mergeWords } from '../../../core/ledger/index/merge.ts'
import { queryLedger } from '../../../core/ledger/index/query.ts'
import { searchLedger } from '../../../core/ledger/index/search.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { listEntries, type Page } from '../../../core/ledger/list.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { mixed, WORDS } from './mixed-ledger.ts'
import { entriesIn, exit, folder, optionsFor, written } from './stand.ts'

const seqsOf = ({ rows }: Page) => rows.map(({ entry }) => entry.seq)

test('whatever is asked for, the index finds what a reading of the files finds, page by page', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 3000)
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.isOpen && db.close())
  assert.equal(await catchUp(db, dir), entriesIn(dir).length)
  const half = await openDatabase(join(folder(t), 'half.db'))
  t.after(() => half.close())
  assert.equal(await catchUp(half, dir, { endSeq: 1500 }), 1500)
  const ms = entriesIn(dir).map(({ ts }) => Date.parse(ts))
  const [least, most] = [Math.min(...ms), Math.max(...ms)]
  const word = fc.constantFrom<string>(
    ...WORDS,
    '33',
    'ex*',
    'a b c',
    '"disk full"',
    '"exited after"',
    'no-such',
    '*',
    '""',
  )
  const keys: { readonly [key in keyof Filter]-?: fc.Arbitrary<Filter[key]> } = {
    kinds: fc.subarray(['service', 'service.exited', 'incident', 'incident.opened', 'genesis', 'service.exit'], {
      minLength: 1,
    }),
    svc: fc.constantFrom('api', 'Api', 'web.1', 'channel:x', 'none', 'web'),
    inc: fc.constantFrom('api-1', 'api-41', 'web.1-23'),
    actor: fc.constantFrom('local:u1', 'local:u2', 'heald'),
    severity: fc.constantFrom('critical', 'warning', 'info'),
    sinceMs: fc.integer({ min: least - 1000, max: most + 1000 }),
    untilMs: fc.integer({ min: least - 1000, max: most + 1000 }),
    fromSeq: fc.nat(3100),
    toSeq: fc.nat(3100),
    text: fc.array(word, { minLength: 1, maxLength: 3 }).map(words => words.join(' ')),
  }
  // Of all at once nothing would be left.
  const filters = fc
    .subarray(Object.keys(keys) as (keyof Filter)[], { maxLength: 3 })
    .chain(names => fc.record(Object.fromEntries(names.map(name => [name, keys[name]])))) as fc.Arbitrary<Filter>
  let found = 0
  await fc.assert(
    fc.asyncProperty(filters, fc.constantFrom(1, 7, 50, 5000), async (filter, limit) => {
      let cursor: string | undefined
      for (let page = 0; page < 4; page += 1) {
        const options = { limit, ...(cursor === undefined ? {} : { cursor }) }
        const [byIndex, byFiles] = [
          await findEntries(db, dir, filter, options),
          await listEntries(dir, filter, options),
        ]
        assert.deepEqual([seqsOf(byIndex), byIndex.next, byIndex.bad], [seqsOf(byFiles), byFiles.next, byFiles.bad])
        found += byIndex.rows.length
        if (byFiles.next === null) break
        cursor = byFiles.next
      }
    }),
    { numRuns: 400 },
  )
  t.diagnostic(`400 questions, ${found} answers`)
  assert.ok(found > 10_000)
  db.close()
  assert.deepEqual(await verifyIndex(dir), { ok: true })
})

test('the pieces in which words were added are put together, in steps, and find the same', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 3000)
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.isOpen && db.close())
  const size = entriesIn(dir).length
  for (let endSeq = 50; endSeq < size + 50; endSeq += 50) await catchUp(db, dir, { endSeq })
  const pieces = () => Number(db.prepare('SELECT count(DISTINCT segid) AS count FROM words_idx').get()?.count)
  const find = async () => {
    const pages = [{ text: 'jürgen' }, { svc: 'api' }, { kinds: ['incident'], text: 'disk oom' }].map(filter =>
      findEntries(db, dir, filter, { limit: 5000 }),
    )
    return (await Promise.all(pages)).map(seqsOf)
  }
  const found = await find()
  assert.ok(pieces() > 50)
  let steps = 0
  const isEnough = () => {
    steps += 1
    return true
  }
  await mergeWords(db, { isEnough })
  assert.equal(steps, 1)
  assert.deepEqual(await find(), found)
  await mergeWords(db)
  assert.ok(pieces() < 10, `${pieces()} pieces`)
  assert.deepEqual(await find(), found)
  db.close()
  assert.deepEqual(await verifyIndex(dir), { ok: true })
})

test('words are whole words; a star lets them go on, quotes want them in a row', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  const says = ['Killed by SIGKILL, out of memory', 'exited with code 137', 'memory is out', 'Straße naïve Ünïcode']
  for (const cause of says) await ledger.append(exit(1, { data: { diagnosis: cause, pid: 4711 } }))
  await ledger.close(2000)
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.isOpen && db.close())
  await catchUp(db, dir)
  const find = async (text: string) => seqsOf(await findEntries(db, dir, { text }, { limit: 10 })).reverse()
  assert.deepEqual(await find('sigkill'), [1])
  assert.deepEqual(await find('KILL'), [])
  assert.deepEqual(await find('kill*'), [1])
  assert.deepEqual(await find('out memory'), [1, 3])
  assert.deepEqual(await find('"out of memory"'), [1])
  assert.deepEqual(await find('"memory of out"'), [])
  assert.deepEqual(await find('straße ünïcode'), [4])
  assert.deepEqual(await find('4711'), [1, 2, 3, 4])
  assert.deepEqual(await find('service.exited'), [1, 2, 3, 4])
  assert.deepEqual(await find('pid'), [], 'keys are no words')
  for (const text of ['"', '" OR "', 'NOT exited', 'a" AND "b', '\ue001kservice', '(', 'exited NEAR(137)'])
    await assert.doesNotReject(find(text), text)
})

test('a damaged line is told of, by the index as by the files', async t => {
  const dir = await written(t, 50)
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":20,', '"pid":99,').replace('"seq":31,', '"seq":31;'))
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.isOpen && db.close())
  await catchUp(db, dir)
  const [byIndex, byFiles] = [
    await findEntries(db, dir, { svc: 'api' }, { limit: 100 }),
    await listEntries(dir, { svc: 'api' }, { limit: 100 }),
  ]
  assert.deepEqual(seqsOf(byIndex), seqsOf(byFiles))
  assert.deepEqual(
    byIndex.bad.map(({ seq }) => seq),
    [31, 20],
  )
  // One that is damaged after it was indexed.
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":40,', '"pid":41,'))
  const later = await findEntries(db, dir, { svc: 'api' }, { limit: 100 })
  assert.ok(later.bad.some(({ seq, why }) => seq === 40 && /hash/.test(why)))
  assert.ok(!seqsOf(later).includes(40))
})

test('a damaged line is named also where what is asked for was edited away, and by one page only', async t => {
  const dir = await written(t, 50)
  const path = join(dir, 'seg/000000000000.jsonl')
  const lines = readFileSync(path, 'utf8').split('\n')
  for (const seq of [20, 31]) lines[seq] = (lines[seq] ?? '').replace('"svc":"api"', '"svc":"apx"')
  writeFileSync(path, lines.join('\n'))
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.close())
  await catchUp(db, dir)
  for (const find of [findEntries.bind(null, db), listEntries]) {
    for (const limit of [1, 7, 19, 20, 100]) {
      const all: number[] = []
      const named: number[] = []
      for (let cursor: string | null = '51'; cursor !== null; ) {
        const page: Page = await find(dir, { svc: 'api' }, { limit, cursor })
        all.push(...seqsOf(page))
        named.push(...page.bad.map(({ seq }) => seq))
        cursor = page.next
      }
      assert.deepEqual([all.length, named], [48, [31, 20]], `${find.name}, ${limit} a page`)
    }
  }
})

test('a line that claims a place further on hides nothing', async t => {
  const dir = await written(t, 50)
  const path = join(dir, 'seg/000000000000.jsonl')
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, lines.toSpliced(20, 0, (lines[20] ?? '').replace('"seq":20,', '"seq":999999,')).join('\n'))
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.close())
  assert.equal(await catchUp(db, dir), 20)
  const page = await searchLedger(db, dir, { svc: 'api' }, { limit: 100 })
  assert.deepEqual(
    seqsOf(page),
    Array.from({ length: 50 }, (_, n) => 50 - n),
  )
  assert.deepEqual(
    page.bad.map(({ seq }) => seq),
    [999_999],
  )
  assert.deepEqual(seqsOf(await listEntries(dir, { svc: 'api' }, { limit: 100 })), seqsOf(page))
})

test('an index of another past is made anew, whatever of it is different', async t => {
  const dir = await written(t, 200)
  const other = await written(t, 200)
  const db = await openDatabase(indexPath(dir))
  await catchUp(db, dir)
  db.close()
  copyFileSync(indexPath(dir), indexPath(other))
  const moved = await openDatabase(indexPath(other))
  t.after(() => moved.isOpen && moved.close())
  assert.equal(sizeOf(moved), 201)
  assert.equal(await catchUp(moved, other), 201)
  assert.equal((await findEntries(moved, other, { text: 'sigkill' }, { limit: 500 })).rows.length, 200)
  moved.close()
  assert.deepEqual(await verifyIndex(other), { ok: true })
})

test('a file that is no index, or a torn one, is thrown away', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 20_000)
  const filter = { kinds: ['incident'], text: 'jürgen' }
  const wanted = seqsOf(await listEntries(dir, filter, { limit: 30 }))
  assert.equal(wanted.length, 30)
  const ask = async () => seqsOf(await queryLedger(dir, filter, { limit: 30 }))
  assert.deepEqual(await ask(), wanted)
  assert.equal(statSync(indexPath(dir)).mode & 0o777, 0o600)
  const bytes = readFileSync(indexPath(dir))
  for (const harmed of [
    Buffer.from('no database'),
    Buffer.alloc(0),
    bytes.subarray(0, bytes.length / 2),
    Buffer.concat([bytes.subarray(0, 100), Buffer.alloc(bytes.length - 100, 0xff)]),
  ]) {
    for (const end of ['-wal', '-shm']) rmSync(indexPath(dir) + end, { force: true })
    writeFileSync(indexPath(dir), harmed)
    assert.deepEqual(await ask(), wanted, `${harmed.length} bytes`)
  }
  rmSync(indexPath(dir))
  const away = new AbortController()
  away.abort(new Error('enough'))
  await assert.rejects(queryLedger(dir, filter, { limit: 30, signal: away.signal }), /enough/)
})
