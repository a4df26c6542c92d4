import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { codeOf } from '../../../core/fault.ts'
import { archiveSegments } from '../../../core/ledger/archive.ts'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { exportTiles } from '../../../core/ledger/export.ts'
import { disk } from '../../../core/ledger/files.ts'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { queryLedger } from '../../../core/ledger/index/query.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { oldestOf, prunable, sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { readEntry } from '../../../core/ledger/read.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { readSnapshot } from '../../../core/ledger/state.ts'
import { proveFullReceipt } from '../../../core/ledger/tlog-proof.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { manySegments, reopened } from './many-segments.ts'
import { copyOf, entriesIn, exit, folder } from './stand.ts'

/** Prunes the oldest `count` segments; answers where the ledger begins then. */
async function pruned(t: TestContext, dir: string, count: number): Promise<number> {
  const ledger = await reopened(t, dir)
  const upTo = sealedSegments(dir)[count - 1]?.end ?? 0
  await ledger.prune({ upTo, archive: null, by: 'local:admin' })
  await ledger.close(5000)
  return upTo
}

const vkeysOf = async (dir: string): Promise<readonly string[]> => (await verifyLedger(dir)).vkeys

test('a pruned ledger verifies, signs, proves, searches and takes new keys; a second prune and lost tree files change nothing', async t => {
  const dir = await manySegments(t, 4)
  const before = await verifyLedger(dir)
  assert.ok(before.ok)
  const old = await readEntry(dir, 5)
  assert.ok(old !== null && 'entry' in old)
  const oldReceipt = receiptOf(5, old.entry.h)
  const oldNote = latestCheckpoint(dir) ?? ''
  const first = sealedSegments(dir)[0]?.end ?? 0

  const upTo = await pruned(t, dir, 1)
  assert.equal(upTo, first)
  for (const step of ['once', 'tree lost', 'twice', 'tree lost again']) {
    if (step === 'twice') await pruned(t, dir, 2)
    if (step.startsWith('tree lost')) rmSync(join(dir, 'tree'), { recursive: true })
    const begin = Number(readdirSync(join(dir, 'seg')).sort()[0]?.slice(0, 12))
    const ledger = await reopened(t, dir)
    await ledger.append(exit(1))
    const { note } = await ledger.checkpoint()
    const { seq } = await ledger.rotateKey('local:admin')
    await ledger.append(exit(2))
    await ledger.checkpoint()
    await ledger.close(5000)
    const trust = {
      keys: [parseVkey(before.vkeys.at(-1) ?? '')].flatMap(key => key ?? []),
      checkpoints: [{ name: 'kept', note }],
    }
    for (const workers of [1, 2]) {
      const verdict = await verifyLedger(dir, { workers, trust })
      assert.equal(verdict.firstBad, null, `${step}: ${verdict.firstBad?.why}`)
      assert.equal(verdict.prunedUpTo, begin, step)
      assert.equal(verdict.origin, before.origin)
      assert.deepEqual(verdict.checked, { chain: true, tree: true, checkpoints: true, epochs: true, index: null })
      assert.deepEqual(verdict.vkeys.slice(0, before.vkeys.length), before.vkeys, 'old keys are still told of')
    }
    const receipt = await proveEntry(dir, seq)
    assert.ok(
      proveFullReceipt(
        receipt,
        (await vkeysOf(dir)).flatMap(key => parseVkey(key) ?? []),
      ).ok,
      step,
    )
    const by = { dir, keys: [] }
    assert.equal((await checkReceipt(oldReceipt, by)).fits, null, 'a receipt of what is gone can not be judged')
    const fits = (await checkReceipt(oldNote, by)).fits
    assert.equal(fits, true, `${step}: a checkpoint of the entries that are there and were there`)
    const page = await queryLedger(dir, { kinds: ['key.rotated'] }, { limit: 100 })
    assert.deepEqual(page.bad, [])
    assert.ok(page.rows.every(row => row.entry.seq >= begin) && page.rows.length > 0)
    const db = await openDatabase(indexPath(dir))
    await catchUp(db, dir)
    const found = await findEntries(db, dir, { kinds: ['key.rotated'] }, { limit: 100 })
    db.close()
    assert.deepEqual(found, page)
    assert.deepEqual(await verifyIndex(dir), { ok: true }, step)
    await assert.rejects(proveEntry(dir, 5), (error: unknown) => codeOf(error) === 'entry.pruned')
  }
  await assert.rejects(
    exportTiles(dir, folder(t), { origin: '', size: 1, root: '', note: '' }),
    (error: unknown) => codeOf(error) === 'export.pruned',
  )
})

test('without heald’s word, or with another one, a missing beginning is damage', async t => {
  const dir = await manySegments(t, 2)
  const cut = copyOf(t, dir)
  rmSync(join(cut, 'seg/000000000000.jsonl'))
  assert.match((await verifyLedger(cut)).firstBad?.why ?? '', /entry 0 should be: base\.json.*is missing/)

  await pruned(t, dir, 1)
  const path = join(dir, 'base.json')
  const base = readFileSync(path, 'utf8')
  const value = JSON.parse(base)
  const changed: Record<string, unknown>[] = [
    { ...value, seq: value.seq - 1 },
    { ...value, h: '0'.repeat(64) },
    { ...value, nodes: value.nodes.slice(1) },
    { ...value, nodes: [...value.nodes.slice(1), value.nodes[0]] },
    { ...value, kept: [] },
    { ...value, kept: value.kept.slice(1) },
    { ...value, kept: [{ ...value.kept[0], proof: [] }] },
    { ...value, v: 2 },
    {},
  ]
  for (const each of changed) {
    writeFileSync(path, JSON.stringify(each))
    assert.equal((await verifyLedger(dir)).ok, false, JSON.stringify(each).slice(0, 200))
  }
  writeFileSync(path, 'no JSON')
  assert.equal((await verifyLedger(dir)).ok, false)
  writeFileSync(path, base)
  assert.equal((await verifyLedger(dir)).ok, true)
})

test('the archive reads back, is told of, and put back into a copy proves everything from the first entry on', async t => {
  const dir = await manySegments(t, 2)
  const whole = await verifyLedger(dir)
  const to = folder(t)
  const chosen = prunable(oldestOf(sealedSegments(dir), {}))
  assert.equal(chosen.length, 2)
  const made = await archiveSegments(to, chosen)
  execFileSync('sha256sum', ['--check', '--quiet', made.list], { cwd: to })
  assert.deepEqual(await archiveSegments(to, chosen), made, 'twice is once')
  const ledger = await reopened(t, dir)
  const { sha256 } = made
  await ledger.prune({ upTo: chosen[1]?.end ?? 0, archive: { sha256, folder: to }, by: 'local:admin' })
  await ledger.close(5000)
  assert.deepEqual(readdirSync(join(dir, 'seg')).length, 1)
  assert.deepEqual(
    readdirSync(join(dir, 'side')),
    readdirSync(join(dir, 'seg')),
    'the texts kept aside go with their entries',
  )
  assert.ok('snapshot' in readSnapshot(dir))
  rmSync(join(dir, 'state.json'))
  assert.ok('snapshot' in readSnapshot(dir), 'what was folded from them is still known')

  const copy = copyOf(t, dir)
  for (const name of readdirSync(to).filter(each => each.endsWith('.zst')))
    writeFileSync(join(copy, 'seg', name.slice(0, -4)), zstdDecompressSync(readFileSync(join(to, name))))
  const restored = await verifyLedger(copy)
  assert.equal(restored.firstBad, null)
  assert.equal(restored.prunedUpTo, 0)
  assert.deepEqual(restored.vkeys, whole.vkeys)

  // Another content under the same name is never overwritten, nor believed.
  const [one = '', two = ''] = readdirSync(to).filter(each => each.endsWith('.zst'))
  copyFileSync(join(to, two), join(to, one))
  await assert.rejects(archiveSegments(to, chosen.slice(0, 1)), (error: unknown) => codeOf(error) === 'archive.other')
  writeFileSync(join(to, one), 'torn')
  await assert.rejects(archiveSegments(to, chosen.slice(0, 1)), (error: unknown) => codeOf(error) === 'archive.broken')
})

test('only whole segments can go, never the last one, and none that was changed', async t => {
  const dir = await manySegments(t, 1)
  const ledger = await reopened(t, dir)
  const end = sealedSegments(dir)[0]?.end ?? 0
  for (const upTo of [0, 5, end - 1, end + 1, ledger.head().size])
    await assert.rejects(
      ledger.prune({ upTo, archive: null, by: 'local:admin' }),
      (error: unknown) => codeOf(error) === 'prune.place',
      `#${upTo}`,
    )
  assert.equal(oldestOf(sealedSegments(dir), { toSeq: end - 2 }).length, 0)
  assert.equal(oldestOf(sealedSegments(dir), { toSeq: end - 1 }).length, 1)
  assert.equal(oldestOf(sealedSegments(dir), { untilMs: Date.now() - 3_600_000 }).length, 0)
  assert.ok(!existsSync(join(dir, 'base.json')))
})

test('who reads the entries, newest first, while old ones are pruned, comes to an end', async t => {
  const dir = await manySegments(t, 4)
  const upTo = sealedSegments(dir).at(-1)?.end ?? -1
  const reading = (async () => {
    const seen: number[] = []
    let cursor: string | undefined
    do {
      const page = await listEntries(dir, {}, { limit: 40, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.rows.map(({ entry }) => entry.seq))
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
    return seen
  })()
  await pruned(t, dir, 4)
  const seen = await reading
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => b - a),
  )
  assert.ok(seen.includes(upTo))
  // The same in the middle of one look: what it found to read is gone before it is read.
  const cut = await manySegments(t, 2)
  const listing = listEntries(cut, { kinds: ['genesis'] }, { limit: 1 })
  rmSync(join(cut, 'seg/000000000000.jsonl'))
  assert.equal((await listing).rows.length, 0)
})

test('a prune that a kill interrupted, ordered once more, is done', async t => {
  const dir = await manySegments(t, 2)
  const upTo = sealedSegments(dir)[1]?.end ?? assert.fail()
  const order = { upTo, archive: null, by: 'local:admin' }
  const ledger = await reopened(t, dir, { fsync: true })
  const killed = t.mock.method(disk, 'remove', () => Promise.reject(new Error('killed')))
  await assert.rejects(ledger.prune(order), /killed/)
  killed.mock.restore()
  await ledger.close(2000)
  assert.equal(sealedSegments(dir).at(-1)?.end, upTo, 'it is to be done still')
  const next = await reopened(t, dir, { fsync: true })
  const { seq, segments } = await next.prune(order)
  assert.deepEqual([entriesIn(dir).find(entry => entry.seq === seq)?.kind, segments], ['ledger.pruned', 2])
  assert.equal(entriesIn(dir).filter(({ kind }) => kind === 'ledger.pruned').length, 1)
  await assert.rejects(next.prune({ ...order, upTo: upTo - 1 }), { code: 'prune.place' })
  assert.deepEqual(sealedSegments(dir), [])
})
