import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { Draft } from '../../../core/entry.ts'
import type { Filter } from '../../../core/ledger/filter.ts'
import { catchUp, sizeOf } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { findEntries, StaleIndex } from '../../../core/ledger/index/find.ts'
import { queryLedger } from '../../../core/ledger/index/query.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { listEntries, type Page } from '../../../core/ledger/list.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { copyOf, entriesIn, exit, folder, optionsFor, ROOT, written } from './stand.ts'

const WORDS = ['oom', 'killed', 'Disk', 'FULL', 'Jürgen', 'exit', 'exited', '磁盘', 'a-b_c', '33.28', 'naïve'] as const

/** A ledger of many kinds, whose clock goes on, stands still and goes back. */
async function mixed(dir: string, count: number): Promise<void> {
  let wallMs = Date.parse('2026-01-01T00:00:00.000Z')
  const base = optionsFor(dir)
  const ledger = await openLedger({ ...base, clock: { ...base.clock, wallMs: () => wallMs } })
  const all: Promise<unknown>[] = []
  for (let n = 0; n < count; n += 1) {
    wallMs += n % 97 === 0 ? -50_000 : (n % 7) * 300
    all.push(ledger.append(draftOf(n)))
    if (n % 50 === 0) await all.at(-1)
  }
  await Promise.all(all)
  await ledger.close(5000)
}

function draftOf(n: number): Draft {
  const svc = ['api', 'Api', 'web.1', 'channel:x'][n % 4] ?? 'api'
  const word = (at: number) => WORDS[(n * 7 + at * 3) % WORDS.length] ?? ''
  if (n % 10 === 0) {
    const data = { severity: n % 2 === 0 ? 'critical' : 'warning', cause: `${word(0)} ${word(1)}, ${word(2)}` }
    return { kind: 'incident.opened', svc, inc: { svc }, opens: true, data }
  }
  if (n % 13 === 0) return { kind: 'config.applied', actor: `local:u${n % 3}`, data: { sha256: `${word(2)}` } }
  return exit(n, { svc, data: { pid: n % 100, exit: 'code', diagnosis: `${word(0)} ${word(1)} after ${n} ms` } })
}

const seqsOf = ({ rows }: Page) => rows.map(({ entry }) => entry.seq)

test('whatever is asked for, the index finds what a reading of the files finds, page by page', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 3000)
  const db = openDatabase(indexPath(dir))
  t.after(() => db.close())
  assert.equal(await catchUp(db, dir), entriesIn(dir).length)
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
        const [byIndex, byFiles] = [findEntries(db, dir, filter, options), await listEntries(dir, filter, options)]
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
  assert.deepEqual(await verifyIndex(dir), { ok: true })
})

test('words are whole words; a star lets them go on, quotes want them in a row', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  const says = ['Killed by SIGKILL, out of memory', 'exited with code 137', 'memory is out', 'Straße naïve Ünïcode']
  for (const cause of says) await ledger.append(exit(1, { data: { diagnosis: cause, pid: 4711 } }))
  await ledger.close(2000)
  const db = openDatabase(indexPath(dir))
  t.after(() => db.close())
  await catchUp(db, dir)
  const find = (text: string) => seqsOf(findEntries(db, dir, { text }, { limit: 10 })).reverse()
  assert.deepEqual(find('sigkill'), [1])
  assert.deepEqual(find('KILL'), [])
  assert.deepEqual(find('kill*'), [1])
  assert.deepEqual(find('out memory'), [1, 3])
  assert.deepEqual(find('"out of memory"'), [1])
  assert.deepEqual(find('"memory of out"'), [])
  assert.deepEqual(find('straße ünïcode'), [4])
  assert.deepEqual(find('4711'), [1, 2, 3, 4])
  assert.deepEqual(find('service.exited'), [1, 2, 3, 4])
  assert.deepEqual(find('pid'), [], 'keys are no words')
  for (const text of ['"', '" OR "', 'NOT exited', 'a" AND "b', '\ue001kservice', '(', 'exited NEAR(137)'])
    assert.doesNotThrow(() => find(text), text)
})

test('a damaged line is told of, by the index as by the files', async t => {
  const dir = await written(t, 50)
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":20,', '"pid":99,').replace('"seq":31,', '"seq":31;'))
  const db = openDatabase(indexPath(dir))
  t.after(() => db.close())
  await catchUp(db, dir)
  const [byIndex, byFiles] = [
    findEntries(db, dir, { svc: 'api' }, { limit: 100 }),
    await listEntries(dir, { svc: 'api' }, { limit: 100 }),
  ]
  assert.deepEqual(seqsOf(byIndex), seqsOf(byFiles))
  assert.deepEqual(
    byIndex.bad.map(({ seq }) => seq),
    [31, 20],
  )
  // One that is damaged after it was indexed.
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":40,', '"pid":41,'))
  const later = findEntries(db, dir, { svc: 'api' }, { limit: 100 })
  assert.ok(later.bad.some(({ seq, why }) => seq === 40 && /hash/.test(why)))
  assert.ok(!seqsOf(later).includes(40))
})

test('an index of another past is made anew, whatever of it is different', async t => {
  const dir = await written(t, 200)
  const other = await written(t, 200)
  const db = openDatabase(indexPath(dir))
  await catchUp(db, dir)
  db.close()
  copyFileSync(indexPath(dir), indexPath(other))
  const moved = openDatabase(indexPath(other))
  t.after(() => moved.close())
  assert.equal(sizeOf(moved), 201)
  assert.equal(await catchUp(moved, other), 201)
  assert.deepEqual(await verifyIndex(other), { ok: true })
  assert.equal(findEntries(moved, other, { text: 'sigkill' }, { limit: 500 }).rows.length, 200)
})

test('a forged index shows nothing that is not so, and what it hides is found', async t => {
  const dir = await written(t, 300)
  const whole = openDatabase(indexPath(dir))
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
    'an end that is not': `UPDATE upto SET size = 100`,
    'a long line': `UPDATE entries SET bytes = 1000000000 WHERE seq = 42`,
  }
  for (const [what, sql] of Object.entries(forgeries)) {
    const copy = copyOf(t, dir)
    const db = openDatabase(indexPath(copy))
    db.exec(sql)
    for (const filter of [{ svc: 'api' }, { text: 'innocent' }, { sinceMs: 0 }, { text: '1242' }]) {
      try {
        const right = new Set(seqsOf(await listEntries(copy, filter, { limit: 1000 })))
        const said = seqsOf(findEntries(db, copy, filter, { limit: 1000 }))
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
  }
})

test('a file that is no index, or a torn one, is thrown away', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 70_000)
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

const KILLS = Number(process.env.HEALD_SOAK_INDEX_KILLS ?? 10)

test('kill -9 while it is made, and two at once: it goes on, and holds what it has to', async t => {
  const dir = join(folder(t), 'ledger')
  await mixed(dir, 20_000)
  const maker = () =>
    spawn(process.execPath, [join(ROOT, 'test/fixtures/makes-index.ts'), dir], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  let kills = 0
  for (let n = 0; n < KILLS; n += 1) {
    const child = maker()
    const ended = once(child, 'exit')
    await sleep(150 + Math.random() * 500)
    if (child.exitCode === null) kills += 1
    child.kill('SIGKILL')
    await ended
    if (existsSync(indexPath(dir))) {
      const verdict = await verifyIndex(dir)
      if (verdict?.ok === false)
        assert.match(verdict.why, /does not say how far|can't be read/, `round ${n}: ${verdict.why}`)
    }
    if (n % 3 === 2)
      for (const name of readdirSync(dir).filter(each => each.startsWith('index.db'))) rmSync(join(dir, name))
  }
  const both = [maker(), maker()].map(child => once(child, 'exit'))
  assert.deepEqual((await Promise.all(both)).flat(), [0, null, 0, null])
  assert.deepEqual(await verifyIndex(dir), { ok: true })
  const db = openDatabase(indexPath(dir))
  t.after(() => db.close())
  assert.equal(sizeOf(db), entriesIn(dir).length)
  t.diagnostic(`${kills} kills`)
})
