import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { disk } from '../../../core/ledger/files.ts'
import { parseGivenKey } from '../../../core/ledger/given-key.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import { copyOf, entriesIn, exit, folder, optionsFor } from './stand.ts'
import { coverUp, linesOf, writeLines } from './victim.ts'

/* What an attack with the stolen present key on all of the ledger is noticed by: a row of the table in docs/ledger.md. */

/** Two epochs; the first key was made only after the first entry, as where a disk fails then. */
async function site(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  const rename = disk.rename
  const mocked = t.mock.method(disk, 'rename', async (from: string, to: string) => {
    if (!to.includes('keys')) return rename(from, to)
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  })
  const early = await openLedger(optionsFor(dir))
  await early.settled()
  for (let n = 1; n <= 3; n++) await early.append(exit(n))
  await early.close(2000)
  mocked.mock.restore()
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 4; n <= 9; n++) await ledger.append(exit(n))
  const { note: early0 } = await ledger.checkpoint()
  const firstVkey = ledger.vkey() ?? assert.fail()
  const { vkey, receipt, seq } = await ledger.rotateKey('local:admin')
  for (let n = 10; n <= 18; n++) await ledger.append(exit(n))
  const { note } = await ledger.checkpoint()
  await ledger.close(2000)
  return { dir, vkey, firstVkey, receipt, seq, note, early0 }
}

/** Another past under the same first line, in which the stolen key of today signs from the beginning. */
async function madeUp(t: TestContext, { dir, vkey }: { readonly dir: string; readonly vkey: string }): Promise<string> {
  const copy = copyOf(t, dir)
  const lines = linesOf(copy)
  const rotations = lines.filter(line => line.includes('"kind":"key.rotated"'))
  assert.equal(rotations.length, 2, 'the first line tells of no key')
  const publicKey = /"publicKey":"([^"]+)"/.exec(rotations[1] ?? '')?.[1] ?? assert.fail()
  const forged = lines
    .filter(line => line !== rotations[1])
    .map((line, at) => {
      const mine = line === rotations[0] ? line.replace(/"publicKey":"[^"]+"/, `"publicKey":"${publicKey}"`) : line
      return mine.replace(/"seq":\d+/, `"seq":${at}`).replace('"pid":5,', '"pid":4711,')
    })
  writeLines(copy, forged, { rehash: true })
  await coverUp(copy, { checkpoints: 'remove' })
  const key = createPrivateKey(readFileSync(join(copy, 'keys/1.pem')))
  const { root } = await treeOfSegments(copy, forged.length)
  const claim = { origin: vkey.split('+')[0] ?? '', size: forged.length, root }
  writeFileSync(join(copy, 'checkpoint'), signCheckpoint(claim, key))
  rmSync(join(copy, 'keys'), { recursive: true })
  return copy
}

function judged(dir: string, given: readonly string[], notes: readonly string[] = []): Promise<Verdict> {
  const keys = given.map(each => parseGivenKey(each) ?? assert.fail())
  return verifyLedger(dir, { trust: { keys, checkpoints: notes.map(note => ({ name: 'kept.txt', note })) } })
}

test('make up all of a ledger with the stolen present key: not noticed by that key alone; with its receipt, an earlier key or a checkpoint', async t => {
  const it = await site(t)
  const both = `${it.vkey} ${it.receipt}`
  for (const given of [[], [it.vkey], [both], [it.firstVkey], [it.firstVkey, `${it.vkey}\n${it.receipt}\n`]])
    assert.deepEqual(
      [(await judged(it.dir, given)).firstBad, (await judged(it.dir, given, [it.note])).ok],
      [null, true],
    )
  const dir = await madeUp(t, it)
  assert.equal((await judged(dir, [])).ok, true)
  assert.equal((await judged(dir, [it.vkey])).ok, true, 'a key alone does not tell since when it signs')
  for (const verdict of [
    await judged(dir, [both]),
    await judged(dir, [it.firstVkey]),
    await judged(dir, [it.firstVkey, it.vkey]),
    await judged(dir, [], [it.note]),
    await judged(dir, [], [it.early0]),
    await judged(dir, [it.vkey], [it.note]),
    await judged(dir, [it.vkey], [it.early0]),
  ])
    assert.equal(verdict.ok, false)
  const { firstBad, trouble } = await judged(dir, [both])
  assert.equal(trouble, 'contradicted')
  assert.match(
    firstBad?.why ?? '',
    /is that of another entry here \(#4·\w{26}\) than its receipt is for: the ledger was made/,
  )
})

test('which key was given, and which entry tells of it, is said', async t => {
  const it = await site(t)
  const { h } = entriesIn(it.dir)[it.seq] ?? assert.fail()
  assert.equal(it.receipt, receiptOf(it.seq, h))
  const found = { vkey: it.vkey, epoch: 1, receipt: it.receipt }
  const alone = await judged(it.dir, [it.vkey])
  assert.deepEqual(alone.keysFound, [{ ...found, isAsGiven: null }])
  const said = (verdict: Verdict) => verdictText(verdict, it.dir, { columns: 10_000, colour: false })
  const told = `The key that was given is that of epoch 1, told of by entry ${it.receipt}`
  assert.ok(said(alone).includes(`\n${told}. Whoever has stolen it could have made that up`))
  const both = await judged(it.dir, [`${it.vkey} ${it.receipt}`])
  assert.deepEqual(both.keysFound, [{ ...found, isAsGiven: true }])
  assert.ok(said(both).includes(`\n${told}, as its receipt says.\n`))
  assert.equal(both.keyReceipts.at(-1), it.receipt)
})
