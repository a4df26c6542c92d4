import assert from 'node:assert/strict'
import { appendFileSync, chmodSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase, StaleIndex } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { foldFrom, readEntry } from '../../../core/ledger/read.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { linesIn, seqIn, strayLine } from './forged.ts'
import { manySegments } from './many-segments.ts'

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
