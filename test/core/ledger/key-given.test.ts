import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { copyOf, exit, folder, optionsFor } from './stand.ts'
import { alone, coverUp, linesOf, victim, withKey, withNote, writeLines } from './victim.ts'

/* What a key proves that was kept elsewhere, and what it does not. */

const ACCEPTED = { isGapAccepted: true }

test('rewrite an old epoch with the present key, and say that the old key was gone: a key that was given makes nothing weaker', async t => {
  const it = await victim(t)
  const lines = linesOf(it.dir)
    .with(5, (linesOf(it.dir)[5] ?? '').replace('"pid":5,', '"pid":6,'))
    .map(line =>
      line.includes('"key.rotated"') ? line.replace('"data":{', '"data":{"why":"the key was gone",') : line,
    )
  writeLines(it.dir, lines, { rehash: true })
  rmSync(join(it.dir, 'cp'), { recursive: true })
  await coverUp(it.dir, { checkpoints: 'sign the newest' })
  for (const verdict of [
    await alone(it.dir),
    await withKey(it.dir, it.vkey),
    await withKey(it.dir, it.firstVkey),
    await withKey(it.dir, it.firstVkey, ACCEPTED),
    await withNote(it.dir, it),
  ])
    assert.deepEqual([verdict.ok, verdict.checked.epochs], [false, false])
  const text = verdictText(await withKey(it.dir, it.vkey), it.dir, { colour: false, columns: 1000 })
  assert.match(text, /^NOT ALL OF THIS LEDGER IS VOUCHED FOR: nobody vouched for the key of epoch 1/)
  assert.match(text, /The key that was given vouches for what is behind the gap, from #\d+ up to /)
  assert.doesNotMatch(text, /all of them|is whole/)
  // Whoever accepts the gap believes its entry.
  assert.equal((await withKey(it.dir, it.vkey, ACCEPTED)).ok, true)
})

test('a key proves what is signed with it and with those it vouched for, and no more', async t => {
  const it = await victim(t)
  const lines = linesOf(it.dir)
  const old = keptCheckpoints(it.dir).find(({ name }) => name !== 'checkpoint') ?? assert.fail()
  // What came after the handover, rewritten without any key.
  writeLines(it.dir, lines.with(15, (lines[15] ?? '').replace('"pid":14,', '"pid":6,')), { rehash: true })
  await coverUp(it.dir, { checkpoints: 'remove' })
  mkdirSync(join(it.dir, 'cp'))
  writeFileSync(join(it.dir, old.name), old.note)
  for (const vkey of [it.vkey, it.firstVkey]) {
    const verdict = await withKey(it.dir, vkey)
    assert.deepEqual([verdict.ok, verdict.size, verdict.signedUpTo], [true, 20, 11])
  }
})

test('a new ledger and a new key: nothing is proved until something is signed, and that is no contradiction', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  t.after(() => ledger.close(2000))
  await ledger.settled()
  await ledger.append(exit(1))
  const vkey = ledger.vkey() ?? assert.fail()
  rmSync(join(dir, 'checkpoint'), { force: true })
  const young = await withKey(copyOf(t, dir), vkey)
  assert.deepEqual(
    [young.ok, young.checked],
    [false, { chain: true, tree: true, checkpoints: null, epochs: true, index: null }],
  )
  assert.equal((await alone(dir)).ok, true)
  await ledger.checkpoint()
  assert.deepEqual([(await withKey(dir, vkey)).ok, (await withKey(dir, vkey)).signedUpTo], [true, 2])
  // The new key signs the handover too, so that whoever was given it need not wait for the next entry.
  const made = await ledger.rotateKey('local:admin')
  for (const each of [made.vkey, vkey]) {
    const verdict = await withKey(dir, each)
    assert.deepEqual([verdict.firstBad, verdict.signedUpTo], [null, 3])
  }
})

test('a checkpoint of no entries proves nothing, and does not fit', async t => {
  const it = await victim(t)
  const [origin = ''] = it.note.split('\n')
  const mine = generateKeyPairSync('ed25519').privateKey
  const note = signCheckpoint({ origin, size: 0, root: (await treeOfSegments(it.dir, 5)).root }, mine)
  const verdict = await withNote(it.dir, { ...it, note })
  assert.deepEqual([verdict.ok, verdict.checked.checkpoints], [false, false])
  assert.match(verdict.firstBad?.why ?? '', /^it was signed for no entry/)
})

test('a key that was lost: the next one is believed by who gives it and accepts the gap, once it has signed, and it is said', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await openLedger(optionsFor(dir))
  await one.settled()
  await one.append(exit(1))
  const firstVkey = one.vkey() ?? assert.fail()
  const before = (await one.checkpoint()).note
  await one.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await openLedger(optionsFor(dir))
  await two.settled()
  const { vkey } = await two.rotateKey('local:admin')
  await two.append(exit(2))
  const { note } = await two.checkpoint()
  await two.close(2000)
  const verdict = await withKey(dir, vkey, ACCEPTED)
  assert.deepEqual([verdict.firstBad, verdict.signedUpTo, verdict.unvouched], [null, verdict.size, [1]])
  const refused = await withKey(dir, vkey)
  assert.deepEqual(
    [refused.ok, refused.checked.epochs, refused.unvouched, refused.provableUpTo],
    [false, false, [1], 2],
  )
  // The lost key's own word covers what is before the gap; the next one may have signed a past that was another by then.
  const kept = await withKey(dir, vkey, { checkpoints: [{ name: 'kept.txt', note: before }] })
  assert.deepEqual([kept.firstBad, kept.unvouched], [null, [1]])
  const later = await withKey(dir, vkey, { checkpoints: [{ name: 'kept.txt', note }] })
  assert.deepEqual([later.ok, later.trouble], [false, 'gap'])
  const said = verdictText(later, dir, { colour: false, columns: 300 })
  assert.match(said, /it proves nothing of what is before the gap\./)
  assert.doesNotMatch(said, /proves all of them/)
  for (const other of [await alone(dir), await withKey(dir, firstVkey)])
    assert.deepEqual([other.ok, other.checked.epochs, other.unvouched], [false, false, []])
  rmSync(join(dir, 'checkpoint'))
  assert.equal((await withKey(dir, vkey, ACCEPTED)).ok, false, 'what is before it rests on its signature alone')
})

test('a torn end hides neither that nothing is proved nor that what was signed is gone', async t => {
  const it = await victim(t)
  writeLines(it.dir, linesOf(it.dir).with(5, (linesOf(it.dir)[5] ?? '').replace('"pid":5,', '"pid":6,')), {
    rehash: true,
  })
  await coverUp(it.dir, { checkpoints: 'remove' })
  rmSync(join(it.dir, 'keys'), { recursive: true })
  appendFileSync(join(it.dir, 'seg/000000000000.jsonl'), 'x')
  const verdict = await withKey(it.dir, it.firstVkey)
  assert.deepEqual([verdict.ok, verdict.torn, verdict.signedUpTo], [false, false, 0])
  const text = verdictText(verdict, it.dir, { colour: false, columns: 100 })
  assert.match(text, /^(THE LEDGER IS NOT THE ONE THAT WAS SIGNED|NOTHING HERE IS PROVED|NO CHECKPOINT IS HERE)/)

  const wiped = (await victim(t)).dir
  rmSync(join(wiped, 'head'), { force: true })
  writeFileSync(join(wiped, 'seg/000000000000.jsonl'), 'x')
  const nothing = await alone(wiped)
  assert.deepEqual([nothing.ok, nothing.torn], [false, false], 'a checkpoint of 20 entries stands beside it')
})

test('a new key whose handover is still owed is no contradiction, and is not believed', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  await ledger.append(exit(1))
  const { note } = await ledger.checkpoint()
  const before = ledger.vkey() ?? assert.fail()
  const made = await ledger.rotateKey('local:admin')
  await ledger.append(exit(2))
  await ledger.checkpoint()
  await ledger.close(2000)
  rmSync(join(dir, 'cp'), { recursive: true })
  // What is signed with the new key needs the old one's word.
  assert.match((await alone(dir)).firstBad?.why ?? '', /the old key does not vouch for it$/)
  // As a kill right behind the entry of the new key leaves it.
  writeFileSync(join(dir, 'checkpoint'), note)
  const verdict = await alone(dir)
  assert.deepEqual([verdict.firstBad, verdict.vkeys, verdict.signedUpTo], [null, [before], 2])
  assert.deepEqual([(await withKey(dir, before)).ok, (await withKey(dir, made.vkey)).ok], [true, false])
  // A note that anybody could have written does not say that the handover was there once.
  for (const strange of [note.replace('test-host/', 'web-2/'), note].map(each => each.replace(/\n\d+\n/, '\n99\n'))) {
    const doubted = await verifyLedger(dir, { trust: { keys: [], checkpoints: [{ name: 'strange', note: strange }] } })
    assert.deepEqual([doubted.ok, doubted.trouble], [false, 'unbelieved'], doubted.firstBad?.why)
  }
  // Without anything signed by the old key it could be anybody's.
  rmSync(join(dir, 'checkpoint'))
  assert.equal((await alone(dir)).ok, false)
})
