import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { disk } from '../../../core/ledger/files.ts'
import { parseGivenKey } from '../../../core/ledger/given-key.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import { parseVkey, rawPublicKey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import { copyOf, exit, folder, optionsFor } from './stand.ts'
import { alone, coverUp, linesOf, type Victim, victim, withKey, writeLines } from './victim.ts'

/* What keys and their handovers are worth where little or nothing was signed with them. */

const saidOf = (verdict: Verdict, dir: string): string => verdictText(verdict, dir, { columns: 10_000, colour: false })

const ALARM = /changed the past|two histories|NOT THE ONE THAT WAS SIGNED/

function withKeys(dir: string, ...vkeys: string[]): Promise<Verdict> {
  const keys = vkeys.map(each => parseVkey(each) ?? assert.fail())
  return verifyLedger(dir, { trust: { keys, checkpoints: [] } })
}

test('a copy without any checkpoint: that is said, and that nothing contradicts it; it is not whole', async t => {
  const it = await victim(t)
  const copy = copyOf(t, it.dir)
  for (const name of ['cp', 'checkpoint', 'head', 'tree', 'keys']) rmSync(join(copy, name), { recursive: true })
  const compared = verifyLedger(copy, { trust: { keys: [], checkpoints: [{ name: 'kept', note: it.note }] } })
  for (const verdict of [
    await alone(copy),
    await withKey(copy, it.vkey),
    await withKey(copy, it.firstVkey),
    await compared,
  ]) {
    assert.deepEqual([verdict.ok, verdict.trouble, verdict.checked.epochs], [false, 'bare', false])
    const said = saidOf(verdict, copy)
    assert.match(
      said,
      /^NO CHECKPOINT IS HERE.*\n.*Nothing that is here contradicts it.*\n(.*\n)?.*were perhaps left out/,
    )
    assert.doesNotMatch(said, ALARM)
  }
  assert.match(saidOf(await compared, copy), /What was kept elsewhere fits: it proves all of them/)
  // What contradicts it comes first.
  const other = { ...it, note: it.note.replace('\n20\n', '\n30\n') }
  await rewriteFifth(copy)
  const bad = await verifyLedger(copy, {
    trust: { keys: [], checkpoints: [other, it].map(({ note }) => ({ name: 'kept', note })) },
  })
  assert.deepEqual([bad.trouble, bad.evidence], ['contradicted', [it.note]])
})

async function rewriteFifth(dir: string): Promise<void> {
  const lines = linesOf(dir)
  writeLines(dir, lines.with(5, (lines[5] ?? '').replace(/"pid":\d+,/, '"pid":4711,')), { rehash: true })
}

test('a new key on a full disk, before anything was ever signed, is no rewritten past', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir, { fsync: true, checkpointEveryMs: 3_600_000 }))
  t.after(() => ledger.close(2000))
  await ledger.settled()
  const mocked = t.mock.method(disk, 'replace', async () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' })
  })
  await assert.rejects(ledger.rotateKey('local:admin'))
  await ledger.append(exit(1))
  const copy = copyOf(t, dir)
  mocked.mock.restore()
  const verdict = await alone(copy)
  assert.deepEqual([verdict.ok, verdict.trouble], [false, 'bare'])
  assert.match(saidOf(verdict, copy), /unless heald could not write them yet, as on a full disk/)
  assert.doesNotMatch(saidOf(verdict, copy), ALARM)
})

/** With the files and the first key alone: a past of his own, in which today's key comes last, and has signed nothing. */
async function byOldKey(t: TestContext): Promise<Victim> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 1; n <= 9; n++) await ledger.append(exit(n))
  const stolen = createPrivateKey(readFileSync(join(dir, 'keys/0.pem')))
  const firstVkey = ledger.vkey() ?? assert.fail()
  const { seq, vkey } = await ledger.rotateKey('local:admin')
  for (let n = 11; n <= 15; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  await ledger.close(2000)
  await rewriteFifth(dir)
  const lines = linesOf(dir)
  const rotated = lines[seq] ?? ''
  const mine = generateKeyPairSync('ed25519').privateKey
  const publicKey = rawPublicKey(mine).toString('base64')
  const last = rotated
    .replace(/"seq":\d+/, `"seq":${lines.length}`)
    .replace('"epoch":1', '"epoch":2')
    .replace(/"fromSeq":\d+/, `"fromSeq":${lines.length + 1}`)
  const forged = lines.with(seq, rotated.replace(/"publicKey":"[^"]+"/, `"publicKey":"${publicKey}"`)).concat(last)
  writeLines(dir, forged, { rehash: true })
  await coverUp(dir, { checkpoints: 'remove' })
  mkdirSync(join(dir, 'cp'))
  const origin = vkey.split('+')[0] ?? ''
  for (const [end, keys] of [[seq + 1, [stolen, mine]] as const, [forged.length, [mine]] as const]) {
    const { root } = await treeOfSegments(dir, end)
    writeFileSync(
      join(dir, 'cp', `${String(end).padStart(12, '0')}.cp`),
      signCheckpoint({ origin, size: end, root }, ...keys),
    )
  }
  return { dir, vkey, firstVkey, note, size }
}

test('each key that is given has to have signed something that fits: one more makes nothing weaker', async t => {
  const it = await byOldKey(t)
  for (const vkeys of [[it.vkey], [it.firstVkey, it.vkey], [it.vkey, it.firstVkey]]) {
    const verdict = await withKeys(it.dir, ...vkeys)
    assert.deepEqual([verdict.ok, verdict.trouble], [false, 'unproved'])
    const said = saidOf(verdict, it.dir)
    assert.doesNotMatch(said, ALARM)
    if (vkeys.length > 1)
      assert.match(
        said,
        /^A KEY THAT WAS GIVEN PROVES NOTHING HERE: no checkpoint here bears the signature of test-host/,
      )
  }
  assert.equal((await withKeys(it.dir, it.firstVkey)).ok, true, 'who has stolen that key signs what he likes with it')
  const whole = await victim(t)
  assert.equal((await withKeys(whole.dir, whole.firstVkey, whole.vkey)).firstBad, null)
})

test('no more is provable than what was signed with a key that was given', async t => {
  const it = await victim(t)
  const first = await verifyLedger(it.dir)
  assert.equal(first.ok, true)
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 1; n <= 4; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  const vkey = ledger.vkey() ?? assert.fail()
  for (let n = 5; n <= 9; n++) await ledger.append(exit(n))
  await ledger.rotateKey('local:admin')
  await ledger.append(exit(11))
  await ledger.checkpoint()
  await ledger.close(2000)
  rmSync(join(dir, 'cp'), { recursive: true })
  mkdirSync(join(dir, 'cp'))
  writeFileSync(join(dir, 'cp', `${String(size).padStart(12, '0')}.cp`), note)
  const verdict = await withKeys(dir, vkey)
  assert.deepEqual([verdict.firstBad?.seq, verdict.signedUpTo, verdict.provableUpTo], [10, size, size])
})

test('a gap is accepted by what was kept elsewhere of all before it, and by nothing that is shorter', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await openLedger(optionsFor(dir))
  await one.settled()
  for (let n = 1; n <= 4; n++) await one.append(exit(n))
  const early = await one.checkpoint()
  await one.append(exit(5))
  await one.close(2000)
  const lastKey = createPrivateKey(readFileSync(join(dir, 'keys/0.pem')))
  const { size, root } = await treeOfSegments(dir, linesOf(dir).length)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await openLedger(optionsFor(dir))
  await two.settled()
  const { vkey, seq } = await two.rotateKey('local:admin')
  await two.append(exit(6))
  await two.checkpoint()
  await two.close(2000)
  assert.equal(seq, size)
  const border = signCheckpoint({ origin: vkey.split('+')[0] ?? '', size, root }, lastKey)
  const judged = (note: string) => withKey(dir, vkey, { checkpoints: [{ name: 'kept', note }] })
  assert.deepEqual([(await judged(border)).firstBad, (await judged(border)).unvouched], [null, [1]])
  assert.equal((await judged(early.note)).trouble, 'gap')
  const plain = await alone(dir)
  assert.deepEqual([plain.ok, plain.trouble, plain.checked.epochs], [false, 'gap', false])
  const said = saidOf(plain, dir)
  assert.match(
    said,
    /^NOT ALL OF THIS LEDGER IS VOUCHED FOR: nobody vouched for the key of epoch 1.*that the one before/,
  )
  assert.match(said, /--key KEY --accept-gap, with the key of that epoch\. Otherwise somebody/)
  assert.doesNotMatch(said, /each vouched for by the one before/)
  // What proves nothing is named beside it.
  const both = await judged(early.note.replace(/^\S+\//, 'other/'))
  assert.deepEqual([both.trouble, both.unbelieved], ['gap', null])
  assert.match(saidOf(both, dir), /A checkpoint that was given is of another ledger \(kept/)
})

test('keys that were lost, one after the other, need not have signed what is left: the last one has', async t => {
  const dir = join(folder(t), 'ledger')
  const vkeys: string[] = []
  const receipts: string[] = []
  for (let epoch = 0; epoch < 3; epoch++) {
    rmSync(join(dir, 'keys'), { recursive: true, force: true })
    const ledger = await openLedger(optionsFor(dir))
    await ledger.settled()
    if (epoch > 0) receipts.push((await ledger.rotateKey('local:admin')).receipt)
    await ledger.append(exit(epoch))
    await ledger.checkpoint()
    vkeys.push(ledger.vkey() ?? assert.fail())
    await ledger.close(2000)
  }
  const [first = '', second = '', third = ''] = vkeys
  const accepted = (...given: string[]) =>
    verifyLedger(dir, {
      trust: { keys: given.map(each => parseGivenKey(each) ?? assert.fail()), checkpoints: [], isGapAccepted: true },
    })
  const last = `${third} ${receipts[1]}`
  for (const given of [
    [second, last],
    [first, second, last],
  ])
    assert.deepEqual([(await accepted(...given)).firstBad, (await accepted(...given)).unvouched], [null, [1, 2]])
  // Whoever stole the last key could have written of any key that it was lost.
  for (const given of [
    [second, third],
    [first, `${second} ${receipts[0]}`, third],
  ])
    assert.equal((await accepted(...given)).ok, false)
  const old = await accepted(first, second)
  assert.deepEqual([old.ok, old.trouble], [false, 'gap'])
  const said = saidOf(await withKeys(dir, first), dir)
  assert.match(
    said,
    /\nNone of its entries is signed with the key that was given\. 3 keys\.\nThe key.*vouches for none of them\./,
  )
  rmSync(join(dir, 'checkpoint'))
  assert.equal((await accepted(second, last)).ok, false)
})

test('a gap that an entry tells of does not make up for one that none does', async t => {
  const dir = join(folder(t), 'ledger')
  const one = await openLedger(optionsFor(dir))
  await one.settled()
  await one.append(exit(1))
  const { note: early } = await one.checkpoint()
  await one.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const two = await openLedger(optionsFor(dir))
  await two.settled()
  await two.rotateKey('local:admin')
  await two.append(exit(2))
  assert.ok((await two.checkpoint()).size > 0)
  await two.rotateKey('local:admin')
  await two.append(exit(3))
  await two.checkpoint()
  await two.close(2000)
  assert.equal((await alone(dir)).trouble, 'gap')
  const [handover] = keptCheckpoints(dir)
  rmSync(join(dir, handover?.name ?? assert.fail()))
  assert.equal((await alone(dir)).trouble, 'bare')
  writeFileSync(join(dir, 'cp/000000000002.cp'), early)
  const verdict = await alone(dir)
  assert.deepEqual([verdict.ok, verdict.trouble], [false, 'contradicted'])
  assert.match(verdict.firstBad?.why ?? '', /the old key does not vouch for it$/)
})
