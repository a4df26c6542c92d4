import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { claimOf, openCheckpoint, signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { originOf } from '../../../core/ledger/epochs.ts'
import { parseVkey, rawPublicKey, type VerifierKey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { fullReceiptText } from '../../../core/ledger/tlog-proof.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { entriesIn, exit, folder, optionsFor } from './stand.ts'
import { coverUp, linesOf, writeLines } from './victim.ts'

/* What `check` says of checkpoints and full receipts of a ledger with several keys: it is as wary as `verify`. */

interface Kept {
  readonly dir: string
  readonly keys: readonly VerifierKey[]
  /** Of each epoch, from before the next key. */
  readonly notes: readonly string[]
  /** Full receipts from then. */
  readonly receipts: readonly string[]
}

async function kept(t: TestContext, epochs: number): Promise<Kept> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  const [keys, notes, receipts]: [VerifierKey[], string[], string[]] = [[], [], []]
  for (let epoch = 0; epoch < epochs; epoch++) {
    if (epoch > 0) await ledger.rotateKey('local:admin')
    for (let n = 1; n <= 9; n++) await ledger.append(exit(n))
    notes.push((await ledger.checkpoint()).note)
    keys.push(parseVkey(ledger.vkey() ?? '') ?? assert.fail())
    receipts.push(fullReceiptText(await proveEntry(dir, 3)))
  }
  await ledger.close(2000)
  return { dir, keys, notes, receipts }
}

test('each checkpoint of each epoch fits by its own key, an earlier one, or none; by a later one it can not be told', async t => {
  const { dir, keys, notes, receipts } = await kept(t, 3)
  for (const [epoch, note] of notes.entries())
    for (const text of [note, receipts[epoch] ?? ''])
      for (const [at, key] of [[-1, null] as const, ...keys.entries()]) {
        const { fits, why } = await checkReceipt(text, { dir, keys: key === null ? [] : [key] })
        assert.equal(fits, at <= epoch ? true : null, `epoch ${epoch} by key ${at}: ${why}`)
        if (fits === null) assert.match(why, /the key that was given does not vouch for the key of epoch/)
      }
  for (const text of [...notes, ...receipts]) assert.equal((await checkReceipt(text, { dir, keys })).fits, true)
})

const forged = (dir: string): readonly string[] => linesOf(dir).map(line => line.replace('"pid":3,', '"pid":7,'))

async function signedBy(key: KeyObject, dir: string, size: number): Promise<string> {
  const { root } = await treeOfSegments(dir, size)
  return signCheckpoint({ origin: originOf(entriesIn(dir)[0] ?? assert.fail()), size, root }, key)
}

test('who has no key of heald can not make one that counts, by a key of his own that an entry tells of', async t => {
  for (const isToldGone of [false, true]) {
    const { dir, keys } = await kept(t, 1)
    const { privateKey } = generateKeyPairSync('ed25519')
    const lines = forged(dir)
    const seq = lines.length
    const publicKey = rawPublicKey(privateKey).toString('base64')
    const data = JSON.stringify({ epoch: 1, publicKey, fromSeq: seq + 1, ...(isToldGone ? { why: 'it is gone' } : {}) })
    const last = lines.at(-1) ?? assert.fail()
    const rotation = last
      .replace(/"seq":\d+/, `"seq":${seq}`)
      .replace(/"kind":.*,"h":/, `"kind":"key.rotated","data":${data},"h":`)
    writeLines(dir, [...lines, rotation, last.replace(/"seq":\d+/, `"seq":${seq + 1}`)], { rehash: true })
    await coverUp(dir, { checkpoints: 'remove' })
    rmSync(join(dir, 'keys'), { recursive: true })
    const newest = await signedBy(privateKey, dir, seq + 2)
    for (const handover of [null, await signedBy(privateKey, dir, seq + 1)]) {
      writeFileSync(join(dir, 'checkpoint'), newest)
      if (handover !== null) {
        mkdirSync(join(dir, 'cp'), { recursive: true })
        writeFileSync(join(dir, `cp/${String(seq + 1).padStart(12, '0')}.cp`), handover)
      }
      const proof = fullReceiptText(await proveEntry(dir, 3))
      for (const text of [newest, await signedBy(privateKey, dir, seq), proof])
        for (const given of [[], keys]) {
          const { fits, why } = await checkReceipt(text, { dir, keys: given })
          assert.notEqual(fits, true, why)
        }
    }
  }
})

test('who has the present key can not sign what is older than it', async t => {
  const { dir, keys, notes } = await kept(t, 2)
  const pem = createPrivateKey(readFileSync(join(dir, 'keys/1.pem')))
  writeLines(dir, forged(dir), { rehash: true })
  await coverUp(dir, { checkpoints: 'sign all' })
  assert.equal((await verifyLedger(dir)).ok, false)
  const old = await signedBy(pem, dir, claimOf(notes[0] ?? '')?.size ?? 0)
  const newest = await signedBy(pem, dir, linesOf(dir).length)
  const proof = fullReceiptText(await proveEntry(dir, 3))
  for (const given of [[], keys, keys.slice(0, 1)])
    for (const text of [old, newest, proof]) {
      const { fits, why } = await checkReceipt(text, { dir, keys: given })
      // A key that was given vouches for its own epoch: who has stolen it can sign that, as docs/ledger.md says.
      const isItsOwn = text !== old && given.length === 2
      assert.equal(fits === true, isItsOwn, why)
    }
  assert.match((await checkReceipt(old, { dir, keys: [] })).why, /signed by a key of another epoch/)
})

test('a handover vouches for the new key only with the entries that it was signed for', async t => {
  const { dir, keys } = await kept(t, 2)
  const pem = createPrivateKey(readFileSync(join(dir, 'keys/1.pem')))
  writeLines(dir, forged(dir), { rehash: true })
  // The handover stays, as the old key has signed it; the present key signs what is there now.
  for (const each of ['head', 'tree']) rmSync(join(dir, each), { recursive: true })
  const newest = await signedBy(pem, dir, linesOf(dir).length)
  for (const given of [[], keys.slice(0, 1)]) {
    const { fits, why } = await checkReceipt(newest, { dir, keys: given })
    assert.equal(fits, null, why)
  }
})

test('a checkpoint of no entries proves nothing', async t => {
  const { dir, keys } = await kept(t, 1)
  const pem = createPrivateKey(readFileSync(join(dir, 'keys/0.pem')))
  const none = await signedBy(pem, dir, 0)
  for (const given of [[], keys]) {
    const { fits, why } = await checkReceipt(none, { dir, keys: given })
    assert.deepEqual([fits, why], [false, 'it was signed for no entry, so it proves nothing'])
  }
})

test('what was signed at the change of keys fits by either key, as it does where there is no ledger', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  await ledger.append(exit(1))
  const keys = [ledger.vkey()]
  const stands: { readonly text: string; readonly epoch: number }[] = []
  for (const epoch of [1, 2]) {
    const { seq } = await ledger.rotateKey('local:admin')
    keys.push(ledger.vkey())
    const { note, size } = await ledger.checkpoint()
    assert.equal(size, seq + 1, 'it is the handover')
    for (const text of [note, fullReceiptText(await proveEntry(dir, 1))]) stands.push({ text, epoch })
    await ledger.append(exit(epoch))
  }
  await ledger.checkpoint()
  await ledger.close(2000)
  for (const { text, epoch } of stands)
    for (const [at, vkey] of keys.entries()) {
      const given = [parseVkey(vkey ?? '') ?? assert.fail()]
      const [here, offline] = [
        await checkReceipt(text, { dir, keys: given }),
        await checkReceipt(text, { dir: null, keys: given }),
      ]
      assert.equal(here.fits, at <= epoch ? true : null, `of epoch ${epoch} by key ${at}: ${here.why}`)
      if (offline.fits === true) assert.equal(here.fits, true, `of epoch ${epoch} by key ${at} fits offline`)
    }
  // The new key has to have signed it, and nothing that is older.
  const newKey = [parseVkey(keys[1] ?? '') ?? assert.fail()]
  const handover = stands[0]?.text ?? assert.fail()
  const byOld = handover
    .split('\n')
    .filter(
      line =>
        !line.startsWith('— ') || openCheckpoint(`${handover.split('\n\n')[0]}\n\n${line}\n`, newKey).ok === false,
    )
  assert.equal((await checkReceipt(byOld.join('\n'), { dir, keys: newKey })).fits, null)
})

test('a signature of the new key under a checkpoint of the old one vouches for nothing', async t => {
  const { dir, keys, notes } = await kept(t, 2)
  const [old = ''] = notes
  const { origin, size, root } = claimOf(old) ?? assert.fail()
  const added = signCheckpoint({ origin, size, root }, createPrivateKey(readFileSync(join(dir, 'keys/1.pem'))))
  const both = old + added.slice(added.indexOf('— '))
  assert.equal((await checkReceipt(both, { dir, keys: keys.slice(0, 1) })).fits, true)
  assert.equal((await checkReceipt(both, { dir, keys: keys.slice(1) })).fits, null)
})

test('by whose key a full receipt counts is not said before that is known', async t => {
  const [one, other] = [await kept(t, 2), await kept(t, 1)]
  const receipt = one.receipts[0] ?? assert.fail()
  writeLines(one.dir, forged(one.dir), { rehash: true })
  for (const given of [other.keys, one.keys.slice(1), []]) {
    const { fits, why } = await checkReceipt(receipt, { dir: one.dir, keys: given })
    assert.equal(fits, false)
    assert.match(why, /, by a key that the ledger here says is its own, but the ledger here has another entry #3$/)
  }
})
