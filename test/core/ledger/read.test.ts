import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Filter } from '../../../core/ledger/filter.ts'
import { followLines } from '../../../core/ledger/follow.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { foldFrom } from '../../../core/ledger/read.ts'
import { fitsReceipt, parseReceipt, receiptOf } from '../../../core/ledger/receipt.ts'
import { readTail } from '../../../core/ledger/side.ts'
import { copyOf, entriesIn, exit, folder, has, judged, opened, ROOT, written } from './stand.ts'

test('a receipt is 130 bits of the hash, as other people count them', t => {
  if (!has('python3')) return t.skip('needs python3')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(), (bytes, seq) => {
      const h = Buffer.from(bytes).toString('hex')
      const receipt = receiptOf(seq, h)
      assert.match(receipt, /^#\d+·[a-z2-7]{26}$/)
      const parsed = parseReceipt(` ${receipt.toUpperCase()} `)
      assert.ok(parsed !== null && fitsReceipt(parsed, { seq, h }) && !fitsReceipt(parsed, { seq: seq + 1, h }))
    }),
  )
  const h = 'c0ffee'.repeat(11).slice(0, 64)
  const theirs = execFileSync(
    'python3',
    ['-c', `import base64;print(base64.b32encode(bytes.fromhex("${h}"))[:26].decode().lower())`],
    { encoding: 'utf8' },
  )
  assert.equal(receiptOf(7, h), `#7·${theirs.trim()}`)
  for (const not of ['', '#1', '#1·abc', `#x·${'a'.repeat(26)}`, `#1·${'1'.repeat(26)}`])
    assert.equal(parseReceipt(not), null)
})

test('entries are found from any place on; damaged ones are told', async t => {
  const dir = await written(t, 3000)
  for (const from of [0, 1, 1500, 2999, 3000, 3001, 9999]) {
    const seqs: number[] = []
    for await (const entry of foldFrom(dir, from, { endSeq: from + 5 })) seqs.push(entry.seq)
    assert.deepEqual(
      seqs,
      [0, 1, 2, 3, 4].map(n => n + from).filter(seq => seq <= 3000),
    )
  }
  const path = join(dir, 'seg/000000000000.jsonl')
  const bytes = readFileSync(path)
  bytes[bytes.indexOf('"pid":2000,') + 7] = 57
  writeFileSync(path, bytes)
  const bad: number[] = []
  let count = 0
  for await (const _ of foldFrom(dir, 0, { onBad: ({ seq }) => bad.push(seq) })) count++
  assert.deepEqual([count, bad], [3000, [2000]])
})

test('lists are newest first, filtered, in pages', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  const inc = { svc: 'db' }
  await ledger.append({
    kind: 'incident.opened',
    svc: 'db',
    inc,
    opens: true,
    data: { cause: 'Disk FULL, says Jürgen' },
  })
  for (let n = 0; n < 50; n++) await ledger.append(exit(n, { svc: n % 2 === 0 ? 'api' : 'db' }))
  await ledger.append({ kind: 'incident.acked', svc: 'db', inc, actor: 'local:admin', data: { by: 'local:admin' } })
  const seqs = async (filter: Filter) => (await listEntries(dir, filter, { limit: 100 })).rows.map(row => row.entry.seq)
  assert.deepEqual(await seqs({ kinds: ['incident'] }), [52, 1])
  assert.deepEqual(await seqs({ kinds: ['incident.acked', 'genesis'] }), [52, 0])
  assert.deepEqual(await seqs({ inc: 'db-1' }), [52, 1])
  assert.deepEqual(await seqs({ actor: 'local:admin' }), [52])
  assert.deepEqual(await seqs({ text: 'full JÜRGEN' }), [1])
  assert.deepEqual(await seqs({ text: 'pid' }), [], 'keys are no words of the entry')
  assert.deepEqual(await seqs({ text: 'sigkill 1207' }), [9], 'values of several fields are')
  assert.deepEqual(await seqs({ svc: 'api', fromSeq: 4, toSeq: 9 }), [8, 6, 4])
  const at = Date.parse(entriesIn(dir)[10]?.ts ?? '')
  const all = entriesIn(dir)
  const since = all.filter(entry => Date.parse(entry.ts) >= at).map(entry => entry.seq)
  assert.deepEqual(await seqs({ sinceMs: at }), since.reverse())
  assert.equal((await seqs({ untilMs: at - 100_000 })).length, 0)
  const paged: number[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page = await listEntries(dir, { svc: 'api' }, { limit: 7, ...(cursor === '' ? {} : { cursor }) })
    paged.push(...page.rows.map(row => row.entry.seq))
    cursor = page.next
  }
  assert.deepEqual(paged, await seqs({ svc: 'api' }))
})

test('a long ledger reads the same backwards', async t => {
  const dir = await written(t, 4000)
  const { rows } = await listEntries(dir, {}, { limit: 10_000 })
  assert.deepEqual(
    rows.map(row => row.entry),
    entriesIn(dir).reverse(),
  )
  appendFileSync(join(dir, 'seg/000000000000.jsonl'), '{"v":1,"seq":4001,"pre')
  assert.equal((await listEntries(dir, {}, { limit: 1 })).rows[0]?.entry.seq, 4000, 'a line under way is not shown')
})

test('a follower in the process gets old and new lines once, in order', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  for (let n = 0; n < 5; n++) await ledger.append(exit(n))
  const stop = new AbortController()
  const got: number[] = []
  const follower = (async () => {
    for await (const line of followLines(dir, 2, stop.signal, ledger)) {
      got.push((JSON.parse(line) as { seq: number }).seq)
      if (got.at(-1) === 105) stop.abort()
    }
  })()
  for (let n = 0; n < 100; n++) void ledger.append(exit(n))
  await follower
  assert.deepEqual(
    got,
    Array.from({ length: 104 }, (_, n) => n + 2),
  )
})

test('a follower outside sees each line soon, across segments, and nothing void', async t => {
  const dir = join(folder(t), 'ledger')
  const stop = new AbortController()
  const got: number[] = []
  const writer = spawn(process.execPath, [join(ROOT, 'test/fixtures/ledger-writer.ts'), dir, '30', '2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => writer.kill('SIGKILL'))
  await once(writer.stdout, 'data')
  writer.stdout.resume()
  for await (const line of followLines(dir, 0, stop.signal)) {
    got.push((JSON.parse(line) as { seq: number }).seq)
    if (got.length === 181) stop.abort()
  }
  assert.deepEqual(
    got,
    Array.from({ length: 181 }, (_, n) => n),
  )
})

test('what stands behind the valid size of a segment is void for every reader', async t => {
  const dir = await written(t, 5)
  // A failed flush: two lines reached the file, nobody was told; the next segment begins where they stand.
  const fork = copyOf(t, dir)
  const loser = await opened(t, fork)
  await loser.append(exit(666))
  await loser.append(exit(667))
  await loser.close(1000)
  const path = join(dir, 'seg/000000000000.jsonl')
  const valid = readFileSync(path)
  writeFileSync(path, Buffer.concat([valid, Buffer.from('garbage\n')]))
  writeFileSync(
    join(dir, 'head'),
    JSON.stringify({ size: 7, h: 'f'.repeat(64), root: null, seg: '000000000000', off: 9999 }),
  )
  const winner = await opened(t, dir)
  await winner.append(exit(1))
  await winner.close(1000)
  writeFileSync(path, readFileSync(join(fork, 'seg/000000000000.jsonl')))
  const pids = (entries: readonly { data: { pid?: unknown } }[]) =>
    entries.map(entry => entry.data.pid).filter(pid => typeof pid === 'number' && pid > 600)
  const { rows } = await listEntries(dir, {}, { limit: 100 })
  assert.deepEqual(
    rows.map(row => row.entry.seq),
    [8, 7, 6, 5, 4, 3, 2, 1, 0],
  )
  assert.deepEqual(pids(rows.map(row => row.entry)), [])
  const hashes: string[] = []
  for await (const entry of foldFrom(dir, 0)) hashes.push(entry.h)
  assert.deepEqual(
    hashes,
    entriesIn(dir).map(entry => entry.h),
  )
})

test('a text kept aside is believed only if it is what the entry committed to', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await opened(t, dir)
  await ledger.append(exit(1, { tail: 'what it said' }))
  await ledger.close(1000)
  const path = join(dir, 'side/000000000000.jsonl')
  const rows = readFileSync(path, 'utf8')
  const entry = entriesIn(dir)[1] ?? assert.fail()
  const forged = `{"seq":1,"salt":"${'0'.repeat(32)}","text":"something else"}\n`
  writeFileSync(path, `${forged}{"seq":1,"sal\n${rows}`)
  assert.equal(readTail(dir, entry), 'what it said', 'an older or broken row before it is passed over')
  writeFileSync(path, forged)
  assert.equal(readTail(dir, entry), null)
  // What is committed to is the salt and the text behind it: the border between them stays where it was.
  const row = JSON.parse(rows) as { seq: number; salt: string; text: string }
  const moved = { ...row, salt: row.salt + Buffer.from(row.text.slice(0, 5)).toString('hex'), text: row.text.slice(5) }
  writeFileSync(path, `${JSON.stringify(moved)}\n`)
  assert.equal(readTail(dir, entry), null)
  rmSync(path)
  assert.equal(readTail(dir, entry), null)
  assert.equal(judged(dir).code, 0, 'erased: the chain holds')
})

test('a follower of a ledger that nobody writes shows all of it, however old its mark is', async t => {
  const dir = await written(t, 5, { mark: true })
  const mark = readFileSync(join(dir, 'head'))
  const ledger = await opened(t, dir)
  await Promise.all(Array.from({ length: 5 }, (_, n) => ledger.append(exit(n))))
  await ledger.close(1000)
  writeFileSync(join(dir, 'head'), mark)
  const size = entriesIn(dir).length
  const stop = new AbortController()
  // Where it waits for the mark, nothing more comes.
  const deadline = setTimeout(() => stop.abort(), 5_000)
  let shown = 0
  for await (const _line of followLines(dir, 0, stop.signal)) if (++shown === size) stop.abort()
  clearTimeout(deadline)
  assert.equal(shown, size)
})
