import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { catchUp } from '../../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase, StaleIndex } from '../../../core/ledger/index/database.ts'
import { findEntries } from '../../../core/ledger/index/find.ts'
import { verifyIndex } from '../../../core/ledger/index/verify-index.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { rawPublicKey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { until } from '../../until.ts'
import { copyOf, entriesIn, exit, optionsFor, signedLedger } from './stand.ts'
import { alone, coverUp, linesOf, victim, withKey, withNote, writeLines } from './victim.ts'

/*
 * What an attack on a ledger's files is noticed by: each cell of the table in docs/ledger.md is a test here, also those
 * that say "no". The attacker may write every file of the ledger, has its present private key, and knows this code.
 */

test('untouched: everything says yes', async t => {
  const it = await victim(t)
  for (const verdict of [
    await alone(it.dir),
    await withNote(it.dir, it),
    await withKey(it.dir, it.vkey),
    await withKey(it.dir, it.firstVkey),
  ]) {
    assert.deepEqual([verdict.ok, verdict.firstBad], [true, null])
    assert.deepEqual(verdict.checked, { chain: true, tree: true, checkpoints: true, epochs: true, index: null })
    assert.deepEqual([verdict.size, verdict.signedUpTo, verdict.vkeys.length], [20, 20, 2])
  }
  assert.equal((await alone(it.dir)).trusted, 'nothing')
})

const SIMPLE: Record<string, (lines: string[]) => string[]> = {
  edit: lines => lines.with(5, (lines[5] ?? '').replace('"pid":5,', '"pid":6,')),
  delete: lines => lines.toSpliced(5, 1),
  insert: lines => lines.toSpliced(5, 0, lines[4] ?? ''),
  reorder: lines => lines.with(5, lines[6] ?? '').with(6, lines[5] ?? ''),
}

for (const [what, change] of Object.entries(SIMPLE))
  test(`${what} a line: noticed by the chain alone, with the line`, async t => {
    const it = await victim(t)
    writeLines(it.dir, change(linesOf(it.dir)), { rehash: false })
    await coverUp(it.dir, { checkpoints: 'remove' })
    for (const verdict of [await alone(it.dir), await withNote(it.dir, it)]) {
      assert.equal(verdict.ok, false)
      assert.deepEqual([verdict.firstBad?.line, verdict.provableUpTo], [6, 5])
    }
  })

test('cut the tail: not noticed by the chain alone; by a checkpoint kept elsewhere', async t => {
  const it = await victim(t)
  writeLines(it.dir, linesOf(it.dir).slice(0, 15), { rehash: false })
  const lazy = await alone(it.dir)
  assert.equal(lazy.ok, false, 'the local checkpoint and the mark tell, unless they are removed too')
  await coverUp(it.dir, { checkpoints: 'sign the newest' })
  assert.deepEqual([(await alone(it.dir)).ok, (await alone(it.dir)).size], [true, 15])
  const verdict = await withNote(it.dir, it)
  assert.equal(verdict.ok, false)
  assert.match(verdict.firstBad?.why ?? '', /signed for 20 entries, and there are 15: the end is missing/)
})

test('rewrite everything, keys too: not noticed by the chain alone; by a checkpoint or a key kept elsewhere', async t => {
  const it = await victim(t)
  rmSync(it.dir, { recursive: true })
  const forged = await openLedger(optionsFor(it.dir))
  await forged.settled()
  for (let n = 1; n <= 25; n++) await forged.append(exit(1000 + n))
  await forged.checkpoint()
  await forged.close(2000)
  assert.deepEqual([(await alone(it.dir)).ok, (await alone(it.dir)).trusted], [true, 'nothing'])
  assert.equal((await withNote(it.dir, it)).ok, false)
  assert.equal((await withKey(it.dir, it.vkey)).ok, false)
})

test('rewrite an old epoch and sign it with the stolen key of the present one: noticed even without anything from elsewhere', async t => {
  const it = await victim(t)
  const lines = linesOf(it.dir)
  writeLines(it.dir, lines.with(5, (lines[5] ?? '').replace('"pid":5,', '"pid":6,')), { rehash: true })
  for (const checkpoints of ['sign the newest', 'sign all'] as const) {
    await coverUp(it.dir, { checkpoints })
    const verdict = await alone(it.dir)
    assert.deepEqual([verdict.ok, verdict.checked.chain], [false, true])
  }
  assert.equal((await withKey(it.dir, it.vkey)).ok, false)
  assert.equal((await withNote(it.dir, it)).ok, false)
  // Nor does it help to leave the handover out: nobody vouches for the present key then.
  rmSync(join(it.dir, 'cp'), { recursive: true })
  assert.equal((await alone(it.dir)).checked.epochs, false)
})

test('rewrite the present epoch and sign it with the stolen key: not noticed by the chain alone; by a checkpoint kept elsewhere', async t => {
  const it = await victim(t)
  const lines = linesOf(it.dir)
  writeLines(it.dir, lines.with(15, (lines[15] ?? '').replace('"pid":14,', '"pid":6,')), { rehash: true })
  await coverUp(it.dir, { checkpoints: 'sign the newest' })
  assert.deepEqual([(await alone(it.dir)).ok, (await withKey(it.dir, it.vkey)).ok], [true, true])
  const verdict = await withNote(it.dir, it)
  assert.equal(verdict.ok, false)
  assert.match(verdict.firstBad?.why ?? '', /the entries #11 to #19 are not those that were signed/)
  assert.equal(verdict.provableUpTo, 11)
})

test('two histories for two viewers: both look right; one viewer’s checkpoint shows it, with both notes as evidence', async t => {
  const it = await victim(t)
  const other = copyOf(t, it.dir)
  const lines = linesOf(other)
  writeLines(other, lines.with(15, (lines[15] ?? '').replace('"pid":14,', '"pid":6,')), { rehash: true })
  await coverUp(other, { checkpoints: 'sign the newest' })
  assert.deepEqual([(await alone(it.dir)).ok, (await alone(other)).ok], [true, true])
  const verdict = await withNote(other, it)
  assert.equal(verdict.ok, false)
  assert.deepEqual(verdict.evidence, [it.note, readFileSync(join(other, 'checkpoint'), 'utf8')])
})

test('an old backup put back: not noticed by the chain alone; by a checkpoint kept elsewhere', async t => {
  const it = await victim(t)
  const backup = copyOf(t, it.dir)
  const ledger = await openLedger(optionsFor(it.dir))
  await ledger.settled()
  for (let n = 0; n < 5; n++) await ledger.append(exit(100 + n))
  const { note, size } = await ledger.checkpoint()
  await ledger.close(2000)
  rmSync(it.dir, { recursive: true })
  cpSync(backup, it.dir, { recursive: true })
  assert.equal((await alone(it.dir)).ok, true)
  assert.equal((await withNote(it.dir, it)).ok, true, 'an older checkpoint can not tell')
  const verdict = await withNote(it.dir, { ...it, note, size })
  assert.equal(verdict.ok, false)
  assert.match(verdict.firstBad?.why ?? '', /the end is missing/)
})

test('stop the recording: nothing notices but who waits for the checkpoint that is written anew without entries too', async t => {
  const it = await victim(t)
  const clock = fakeClock()
  clock.setWall(Date.now() - clock.wallMs())
  const ledger = await openLedger(optionsFor(it.dir, { clock }))
  const writtenNs = () => statSync(join(it.dir, 'checkpoint'), { bigint: true }).mtimeNs
  const tenMinutes = async () => {
    await clock.advance(600_000)
    await ledger.settled()
  }
  await tenMinutes()
  const { note, size } = await ledger.checkpoint()
  for (let n = 0; n < 3; n++) {
    const beforeNs = writtenNs()
    await until('a checkpoint that is written anew', async () => {
      await tenMinutes()
      return writtenNs() > beforeNs
    })
  }

  // From now on nothing of what happens is recorded.
  await ledger.close(2000)
  const lastNs = writtenNs()
  await tenMinutes()
  assert.equal(writtenNs(), lastNs)
  for (const verdict of [
    await alone(it.dir),
    await withNote(it.dir, it),
    await withNote(it.dir, { ...it, note, size }),
    await withKey(it.dir, it.vkey),
  ])
    assert.deepEqual([verdict.ok, verdict.firstBad, verdict.size], [true, null, 20])
})

test('lie from now on: nothing notices', async t => {
  const it = await victim(t)
  const ledger = await openLedger(optionsFor(it.dir))
  await ledger.append(exit(4711))
  await ledger.close(2000)
  assert.deepEqual(
    [(await alone(it.dir)).ok, (await withNote(it.dir, it)).ok, (await withKey(it.dir, it.vkey)).ok],
    [true, true, true],
  )
})

test('a new first key without a handover, told of by a rewritten entry: refused by who has the first key', async t => {
  const it = await victim(t)
  const mine: KeyObject = generateKeyPairSync('ed25519').privateKey
  const publicKey = rawPublicKey(mine).toString('base64')
  const lines = linesOf(it.dir)
  const at = lines.findIndex(line => line.includes('"kind":"key.rotated"'))
  writeLines(it.dir, lines.with(at, (lines[at] ?? '').replace(/"publicKey":"[^"]+"/, `"publicKey":"${publicKey}"`)), {
    rehash: true,
  })
  await coverUp(it.dir, { checkpoints: 'remove' })
  const [genesis] = entriesIn(it.dir)
  const { root } = await treeOfSegments(it.dir, 20)
  writeFileSync(
    join(it.dir, 'checkpoint'),
    signCheckpoint({ origin: originOf(genesis ?? assert.fail()), size: 20, root }, mine),
  )
  assert.equal((await withKey(it.dir, it.firstVkey)).ok, false)
  assert.equal((await alone(it.dir)).checked.epochs, false)
  assert.ok(readdirSync(it.dir).includes('checkpoint'))
})

test('rewrite all but the first line and remove what was signed, without any key: not noticed by the chain alone; by a checkpoint or a key kept elsewhere', async t => {
  const { dir, note, size, vkey } = await signedLedger(t, 21)
  const lines = linesOf(dir)
  writeLines(dir, lines.with(5, (lines[5] ?? '').replace('"pid":5,', '"pid":6,')), { rehash: true })
  await coverUp(dir, { checkpoints: 'remove' })
  rmSync(join(dir, 'keys'), { recursive: true })
  assert.equal((await alone(dir)).ok, true)
  assert.equal((await withNote(dir, { dir, vkey, firstVkey: vkey, note, size })).ok, false)
  const verdict = await withKey(dir, vkey)
  assert.deepEqual([verdict.ok, verdict.provableUpTo, verdict.signedUpTo], [false, 0, 0])
  assert.match(verdict.firstBad?.why ?? '', /^no checkpoint here bears the signature of the key that was given/)
})

test('rewrite an old epoch and remove what was signed: a key that was given makes nothing weaker, whichever it is', async t => {
  const it = await victim(t)
  const lines = linesOf(it.dir)
  writeLines(it.dir, lines.with(5, (lines[5] ?? '').replace('"pid":5,', '"pid":6,')), { rehash: true })
  await coverUp(it.dir, { checkpoints: 'remove' })
  for (const verdict of [await alone(it.dir), await withKey(it.dir, it.vkey), await withKey(it.dir, it.firstVkey)])
    assert.deepEqual([verdict.ok, verdict.checked.epochs], [false, false])
})

test('rewrite an old epoch under a first line that does not say whose the ledger is: noticed even without anything from elsewhere', async t => {
  for (const isFurtherOn of [false, true])
    for (const hasNotes of [true, false]) {
      const { dir } = await victim(t)
      const lines = linesOf(dir).with(5, (linesOf(dir)[5] ?? '').replace('"pid":5,', '"pid":6,'))
      const genesis = lines[0] ?? ''
      const other = genesis.replace('"kind":"genesis"', '"kind":"config.applied"')
      const second = isFurtherOn ? genesis.replace('"seq":0,', '"seq":1,') : (lines[1] ?? '')
      writeLines(dir, lines.toSpliced(0, 2, other, second), { rehash: true })
      rmSync(join(dir, 'head'), { force: true })
      // Nor does it help to remove what was signed: an entry tells of a second key.
      if (!hasNotes) await coverUp(dir, { checkpoints: 'remove' })
      const { ok, checked, provableUpTo, firstBad } = await alone(dir)
      assert.deepEqual(
        [ok, checked.chain, checked.checkpoints, checked.epochs, provableUpTo],
        [false, true, hasNotes ? false : null, false, 0],
      )
      assert.match(firstBad?.why ?? '', /does not begin with an entry that says whose it is/)
    }
})

test('a line in the place of an entry that is none, chained and signed with the stolen key: not noticed by the chain; by whoever reads it', async t => {
  const { dir } = await victim(t)
  const lines = linesOf(dir)
  const line = lines[15] ?? ''
  writeLines(dir, lines.with(15, line.replace(/"ts":.*(.{72})$/, '"kind":"nothing"$1')), { rehash: true })
  await coverUp(dir, { checkpoints: 'sign the newest' })
  assert.equal((await alone(dir)).ok, true)
  const { bad } = await listEntries(dir, {}, { limit: 100 })
  assert.deepEqual(bad, [{ seq: 15, why: 'the keys are not those of an entry, in their order' }])
})

test('rewrite the present epoch without any key, and remove what was signed in it: not noticed, but for how far it is signed; by a checkpoint kept elsewhere', async t => {
  const it = await victim(t)
  const lines = linesOf(it.dir)
  writeLines(it.dir, lines.with(15, (lines[15] ?? '').replace('"pid":14,', '"pid":6,')), { rehash: true })
  for (const name of ['head', 'tree', 'checkpoint', 'keys']) rmSync(join(it.dir, name), { recursive: true })
  for (const verdict of [await alone(it.dir), await withKey(it.dir, it.vkey)])
    assert.deepEqual([verdict.ok, verdict.size, verdict.signedUpTo], [true, 20, 11], 'the handover is left')
  assert.equal((await withNote(it.dir, it)).ok, false)
})

test('hides entries from a search, or makes it show others: nothing else is shown, and the index tells', async t => {
  const { dir, note } = await victim(t)
  const db = await openDatabase(indexPath(dir))
  await catchUp(db, dir)
  db.exec(
    'DELETE FROM entries WHERE seq = 5; UPDATE entries SET offset = (SELECT offset FROM entries WHERE seq = 7) WHERE seq = 6',
  )
  db.close()
  const trust = { keys: [], checkpoints: [{ name: 'kept', note }] }
  assert.equal((await verifyLedger(dir, { trust })).ok, true, 'the entries are as they were')
  assert.equal((await verifyIndex(dir))?.ok, false)
  const index = await openDatabase(indexPath(dir))
  t.after(() => index.close())
  await assert.rejects(findEntries(index, dir, { svc: 'api' }, { limit: 100 }), StaleIndex)
})
