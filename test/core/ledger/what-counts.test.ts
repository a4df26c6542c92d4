import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Data } from '../../../core/entry.ts'
import { segmentFiles } from '../../../core/ledger/files.ts'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase, StaleIndex } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { keyEntries } from '../../../core/ledger/key-entries.ts'
import { checkLine } from '../../../core/ledger/line.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { firstSeq, foldFrom, readEntry } from '../../../core/ledger/read.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { linesIn, seqIn, strayLine, writeLines } from './forged.ts'
import { manySegments, reopened } from './many-segments.ts'
import { optionsFor, written } from './stand.ts'

test('a line behind what counts of a segment is shown by nothing, whatever place it claims', async t => {
  const dir = await manySegments(t, 1)
  const lines = linesIn(dir)
  const [segment] = sealedSegments(dir)
  assert.ok(segment !== undefined)
  const db = await openDatabase(indexPath(dir))
  await catchUp(db, dir)
  t.after(() => db.close())
  const victims = [lines[10] ?? '', lines[segment.end - 1] ?? '', lines[segment.end + 3] ?? '']
  chmodSync(segment.file.path, 0o600)
  const offset = statSync(segment.file.path).size
  for (const line of victims) appendFileSync(segment.file.path, `${strayLine(line)}\n`)
  assert.equal((await verifyLedger(dir)).ok, true, 'these bytes are void')

  const shown = (await listEntries(dir, {}, { limit: 1000 })).rows.map(({ line }) => line)
  assert.deepEqual(shown.reverse(), lines)
  const last = lines.length - 1
  for (let cursor: string | null = String(last + 1), seq = last; cursor !== null; ) {
    const page = await listEntries(dir, {}, { limit: 7, cursor })
    for (const { line } of page.rows) assert.equal(line, lines[seq--])
    cursor = page.next
  }
  for (const from of [0, 10, segment.end - 1, segment.end]) {
    const read: string[] = []
    for await (const { h } of foldFrom(dir, from)) read.push(h)
    assert.deepEqual(
      read,
      lines.slice(from).map(line => line.slice(-66, -2)),
      `from #${from}`,
    )
  }
  for (const victim of victims) assert.equal((await readEntry(dir, seqIn(victim)))?.line, victim)

  // Nor where the index says that it stands there.
  const bytes = Buffer.byteLength(strayLine(victims[0] ?? ''))
  db.prepare('UPDATE entries SET offset = ?, bytes = ? WHERE seq = 10').run(offset, bytes)
  await assert.rejects(findEntries(db, dir, { svc: 'api' }, { limit: 1000 }), StaleIndex)
})

/** All ways in which entries are read show these lines, and nothing else. */
async function shows(dir: string, lines: readonly string[], what: string): Promise<void> {
  const first = seqIn(lines[0] ?? '')
  assert.equal(firstSeq(dir), first, what)
  const listed = (await listEntries(dir, {}, { limit: 2000 })).rows.map(({ line }) => line)
  assert.deepEqual(listed.reverse(), lines, what)
  const end = first + lines.length
  for (const from of [0, first, first + 7, end - 1, end]) {
    const read: string[] = []
    for await (const { h } of foldFrom(dir, from)) read.push(h)
    const expected = lines.slice(Math.max(0, from - first)).map(line => line.slice(-66, -2))
    assert.deepEqual(read, expected, `${what}, from #${from}`)
  }
  for (const line of lines) assert.equal((await readEntry(dir, seqIn(line)))?.line, line, what)
  if (first > 0) assert.equal(await readEntry(dir, 5), null, what)
}

test('a segment before what was pruned is shown by nothing', async t => {
  const dir = await manySegments(t, 2)
  const forged = linesIn(dir).slice(1, 40).map(strayLine)
  const ledger = await reopened(t, dir)
  await ledger.prune({ upTo: sealedSegments(dir)[0]?.end ?? 0, archive: null, by: 'local:admin' })
  await ledger.close(2000)
  const lines = linesIn(dir)
  await shows(dir, lines, 'as it was pruned')
  writeFileSync(join(dir, 'seg/000000000001.jsonl'), `${forged.join('\n')}\n`)
  assert.equal((await verifyLedger(dir)).ok, true, 'it is none of the ledger')
  await shows(dir, lines, 'with a segment that is none of it')
})

test('an empty segment at the end hides nothing', async t => {
  const dir = await manySegments(t, 1)
  const lines = linesIn(dir)
  rmSync(join(dir, 'head'))
  writeFileSync(join(dir, `seg/${String(lines.length - 20).padStart(12, '0')}.jsonl`), '')
  assert.equal((await verifyLedger(dir)).ok, true)
  await shows(dir, lines, 'with an empty file')
})

test('behind what counts of a long segment lines of low places hide nothing', async t => {
  const dir = await manySegments(t, 1, 400)
  const lines = linesIn(dir)
  const [segment] = sealedSegments(dir)
  assert.ok(segment !== undefined && segment.validBytes > 100_000)
  chmodSync(segment.file.path, 0o600)
  truncateSync(segment.file.path, segment.validBytes)
  for (let n = 0; n < 500; n++) appendFileSync(segment.file.path, `${strayLine(lines[3] ?? '')}\n`)
  assert.equal((await verifyLedger(dir)).ok, true, 'these bytes are void')
  await shows(dir, lines, 'with void bytes')
})

test('a line within a line is none, wherever the index leads', async t => {
  const dir = await written(t, 20)
  const fake = JSON.parse(strayLine(linesIn(dir)[5] ?? '')) as Data
  const ledger = await openLedger(optionsFor(dir))
  await ledger.append({ kind: 'command.requested', data: { id: 'c1', verb: 'x', args: fake } })
  await ledger.close(2000)
  const [path] = segmentFiles(dir).map(file => file.path)
  const bytes = readFileSync(path ?? '')
  const text = JSON.stringify(fake)
  const offset = bytes.indexOf(text)
  assert.ok(offset > 0 && checkLine(text).ok, 'it is whole in itself')
  const db = await openDatabase(indexPath(dir))
  t.after(() => db.close())
  await catchUp(db, dir)
  db.prepare('UPDATE entries SET offset = ?, bytes = ? WHERE seq = 5').run(offset, Buffer.byteLength(text))
  await assert.rejects(findEntries(db, dir, { svc: 'api' }, { limit: 1000 }), StaleIndex)
})

test('no key is told of by a line that is void, in a segment of nobody or damaged', async t => {
  const dir = await manySegments(t, 2)
  const told = async (): Promise<number[]> => (await keyEntries(dir)).rotations.map(({ seq }) => seq)
  const rotations = linesIn(dir).filter(line => line.includes('"kind":"key.rotated"'))
  assert.deepEqual(await told(), rotations.map(seqIn))
  const forged = rotations.map(line => strayLine(line.replace(/"fromSeq":\d+/, '"fromSeq":7,"pid":1')))
  for (const line of forged) assert.ok(checkLine(line).ok, 'it is whole in itself')
  const [first] = sealedSegments(dir)
  assert.ok(first !== undefined)
  chmodSync(first.file.path, 0o600)
  appendFileSync(first.file.path, `${forged.join('\n')}\n`)
  assert.deepEqual(await told(), rotations.map(seqIn), 'behind what counts')
  const { path } = segmentFiles(dir).at(-1) ?? assert.fail()
  writeFileSync(path, readFileSync(path, 'utf8').replace(/("kind":"key.rotated".*"fromSeq":)\d+/, '$17'))
  assert.deepEqual(await told(), rotations.slice(0, -1).map(seqIn), 'damaged')
})

test('sizes that are none end nothing but the verification', async t => {
  for (const size of ['100.5', '-1', '1e300', '"7"', 'null']) {
    const dir = await manySegments(t, 1)
    const forged = linesIn(dir).map(line => line.replace(/"validBytes":\d+/, `"validBytes":${size}`))
    writeLines(dir, forged, 'chain')
    const verdict = await verifyLedger(dir)
    assert.equal(verdict.ok, false, size)
    assert.ok((await listEntries(dir, {}, { limit: 2000 })).rows.length > 0, size)
    assert.notEqual(await readEntry(dir, 7), null, size)
  }
})

test('what is no file is no segment, and a verification does not wait for a pipe', async t => {
  const dir = await manySegments(t, 2)
  const lines = linesIn(dir)
  const later = join(dir, 'seg', '000000900000.jsonl')
  mkdirSync(later)
  await shows(dir, lines, 'a folder behind the end')
  assert.equal((await verifyLedger(dir)).ok, true)
  rmdirSync(later)
  const [, middle] = sealedSegments(dir)
  assert.ok(middle !== undefined)
  rmSync(middle.file.path)
  execFileSync('mkfifo', [middle.file.path])
  const verdict = await verifyLedger(dir)
  assert.equal(verdict.ok, false)
  assert.match(verdict.firstBad?.why ?? '', /^the segment begins with entry \d+ where entry \d+ should be$/)
})
