import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { checkpointText, claimOf, signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { entriesIn, exit, folder, optionsFor } from './stand.ts'
import { coverUp, linesOf, writeLines } from './victim.ts'

test('a note that nobody has signed adds nothing to a key that was given', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 1; n <= 20; n++) await ledger.append(exit(n))
  await ledger.checkpoint()
  const key = parseVkey(ledger.vkey() ?? '') ?? assert.fail()
  await ledger.close(2000)
  const lines = linesOf(dir)
  writeLines(dir, lines.with(5, (lines[5] ?? '').replace('"pid":5,', '"pid":6,')), { rehash: true })
  await coverUp(dir, { checkpoints: 'remove' })
  rmSync(join(dir, 'keys'), { recursive: true })
  const origin = originOf(entriesIn(dir)[0] ?? assert.fail())
  const { root } = await treeOfSegments(dir, 21)
  const text = checkpointText({ origin, size: 21, root })
  const note = `${text}\n— ${origin} ${Buffer.alloc(68, 7).toString('base64')}\n`
  assert.equal((await verifyLedger(dir, { trust: { keys: [key], checkpoints: [] } })).ok, false)
  for (const keys of [[key], []]) {
    const verdict = await verifyLedger(dir, { trust: { keys, checkpoints: [{ name: 'note', note }] } })
    assert.deepEqual([verdict.ok, verdict.signedUpTo], [false, 0])
    assert.match(verdict.firstBad?.why ?? '', /can't be believed/)
  }
})

test('one that nobody has signed, of a ledger that is whole, is no evidence against that ledger', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 1; n <= 20; n++) await ledger.append(exit(n))
  const { note } = await ledger.checkpoint()
  await ledger.close(2000)
  const unsigned = note.replace(/^(— \S+ ).*$/m, `$1${Buffer.alloc(68, 7).toString('base64')}`)
  const verdict = await verifyLedger(dir, { trust: { keys: [], checkpoints: [{ name: 'kept.txt', note: unsigned }] } })
  assert.deepEqual([verdict.ok, verdict.unbelieved, verdict.evidence], [false, 'kept.txt', []])
  const said = verdictText(verdict, dir, { columns: 1000, colour: false })
  assert.match(
    said,
    /^THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING \(kept\.txt, for 21 entries\): the checkpoint can't be believed/,
  )
  assert.match(said, /Nothing contradicts the ledger: it is 21 entries in one unbroken chain/)
  assert.doesNotMatch(said, /changed the past|two histories/)
})

test('a checkpoint from elsewhere counts by the key that was its own then: not by the one of today', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  for (let n = 1; n <= 20; n++) await ledger.append(exit(n))
  const { note: old } = await ledger.checkpoint()
  const first = parseVkey(ledger.vkey() ?? '') ?? assert.fail()
  await ledger.rotateKey('local:admin')
  const second = parseVkey(ledger.vkey() ?? '') ?? assert.fail()
  await ledger.append(exit(21))
  const pem = readFileSync(join(dir, 'keys/1.pem'))
  await ledger.close(2000)
  const judged = (keys: (typeof first)[], note: string) =>
    verifyLedger(dir, { trust: { keys, checkpoints: [{ name: 'note', note }] } })
  for (const keys of [[], [first], [second], [first, second]]) assert.equal((await judged(keys, old)).ok, true)
  const claim = claimOf(old) ?? assert.fail()
  const anew = signCheckpoint(claim, createPrivateKey(pem))
  for (const keys of [[], [first], [second]])
    assert.match((await judged(keys, anew)).firstBad?.why ?? '', /signed by a key of another epoch/)
})

test('a checkpoint is judged by the key that was given, not by what the ledger says of its own', async t => {
  const dir = join(folder(t), 'ledger')
  const other = await openLedger(optionsFor(join(folder(t), 'ledger')))
  await other.settled()
  const foreign = parseVkey(other.vkey() ?? '') ?? assert.fail()
  await other.close(2000)
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  const { note } = await ledger.checkpoint()
  const own = parseVkey(ledger.vkey() ?? '') ?? assert.fail()
  await ledger.close(2000)
  const by = async (keys: (typeof own)[], at: string | null = dir) => checkReceipt(note, { dir: at, keys })
  assert.deepEqual([(await by([foreign])).fits, (await by([], null)).fits], [false, null])
  const [first] = entriesIn(dir)
  const short = receiptOf(0, first?.h ?? '')
  const told = (key: typeof own) => checkReceipt(short, { dir, keys: [key] })
  assert.equal((await told(foreign)).fits, null)
  assert.match(
    (await told(foreign)).why,
    /is the one that it was given for, but the key that was given is none of this/,
  )
  assert.deepEqual([(await told(own)).fits, (await told(own)).why], [true, 'entry #0 is the one that it was given for'])
  const [given, itsOwn] = [await by([own]), await by([])]
  assert.deepEqual([given.fits, itsOwn.fits], [true, true])
  assert.match(given.why, /^it is signed by a key that was given or follows from it; the first \d+ entries are those/)
  assert.match(itsOwn.why, /^it is signed by the ledger's own key \(none was given from elsewhere\); /)
})
