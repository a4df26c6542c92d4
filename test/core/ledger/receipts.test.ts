import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { claimOf } from '../../../core/ledger/checkpoint.ts'
import { exportTiles } from '../../../core/ledger/export.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import {
  fullReceiptText,
  MAX_PROOF_CHARS,
  parseFullReceipt,
  proveFullReceipt,
} from '../../../core/ledger/tlog-proof.ts'
import { entriesIn, exit, folder, optionsFor, ROOT, rehashed, signedLedger } from './stand.ts'
import { alone, coverUp, linesOf, writeLines } from './victim.ts'

async function signed(t: TestContext, entries: number, host = 'test-host') {
  const it = await signedLedger(t, entries, host)
  return { ...it, keys: [parseVkey(it.vkey) ?? assert.fail()] }
}

test('a full receipt of every entry proves it with nothing but the key, and is a text of few lines', async t => {
  const { dir, keys, size } = await signed(t, 300)
  const entries = entriesIn(dir)
  for (let seq = 0; seq < size; seq += 7) {
    const text = fullReceiptText(await proveEntry(dir, seq))
    const receipt = parseFullReceipt(text)
    assert.ok(typeof receipt !== 'string', String(receipt))
    const proved = proveFullReceipt(receipt, keys)
    assert.ok(proved.ok, proved.ok ? '' : proved.why)
    assert.deepEqual(proved.entry, entries[seq])
    const checked = await checkReceipt(text, { dir: null, keys })
    assert.deepEqual([checked.what, checked.fits], ['full receipt', true])
  }
})

test('a full receipt with any character changed is none', async t => {
  const { dir, keys } = await signed(t, 40)
  const text = fullReceiptText(await proveEntry(dir, 17))
  let tried = 0
  for (let at = 0; at < text.length; at++) {
    // Its neighbour, too: in base64 that may be other bits which nobody reads.
    for (const other of ['A', '0', '\n', ' ', String.fromCharCode(text.charCodeAt(at) + 1)]) {
      if (other === text[at]) continue
      const { fits } = await checkReceipt(text.slice(0, at) + other + text.slice(at + 1), {
        dir: null,
        keys,
      })
      // White space around the whole text may come from where it was pasted.
      if (fits === true)
        assert.ok(at === text.length - 1, `character ${at} (${JSON.stringify(text[at])}) as ${JSON.stringify(other)}`)
      tried++
    }
  }
  t.diagnostic(`${tried} changed receipts`)
  for (const odd of [
    '',
    'c2sp.org/tlog-proof@v1',
    `c2sp.org/tlog-proof@v1\n${'A'.repeat(MAX_PROOF_CHARS)}`,
    text.replace(/^extra.*\n/m, ''),
  ])
    assert.notEqual((await checkReceipt(odd, { dir: null, keys })).fits, true)
  assert.equal((await checkReceipt(text, { dir: null, keys: [] })).fits, null, 'no key, no word')
  assert.equal((await checkReceipt(text, { dir, keys })).fits, true)
})

test('a full receipt of what this ledger has lost does not fit it', async t => {
  const { dir, keys } = await signed(t, 60)
  const text = fullReceiptText(await proveEntry(dir, 50))
  const path = join(dir, 'seg/000000000000.jsonl')
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, `${lines.slice(0, 40).join('\n')}\n`)
  const { fits, why } = await checkReceipt(text, { dir, keys })
  assert.deepEqual([fits, /does not have it/.test(why)], [false, true], why)
  const other = await signed(t, 10)
  const elsewhere = await checkReceipt(text, { dir: other.dir, keys })
  assert.equal(elsewhere.fits, null, 'the one here may have been rewritten from its first entry on')
})

test('a receipt of another ledger, or of an entry that was changed since', async t => {
  const one = await signed(t, 20)
  const two = await signed(t, 20)
  const text = fullReceiptText(await proveEntry(one.dir, 5))
  assert.equal((await checkReceipt(text, { dir: null, keys: two.keys })).fits, false)
  for (const [host, why] of [
    ['db-1', 'with a --state where there is none, the key alone tells'],
    ['test-host', 'it has the same name, so it was begun anew since, or rewritten from its first entry on'],
  ] as const)
    for (const entries of [3, 20]) {
      const { dir } = await signed(t, entries, host)
      const other = await checkReceipt(text, { dir, keys: one.keys })
      assert.equal(other.fits, null, `whoever replaced the ledger chose its name: ${other.why}`)
      assert.match(
        other.why,
        /, by a key that was given; that is another ledger than the one here, \S+\/heald\/\w{8}: /,
      )
      assert.ok(other.why.endsWith(why), other.why)
    }
  assert.equal((await checkReceipt(text, { dir: two.dir, keys: [] })).fits, null, 'no key, no word')
  const [, , third] = entriesIn(one.dir)
  const short = receiptOf(2, third?.h ?? '')
  assert.equal((await checkReceipt(short, { dir: one.dir, keys: [] })).fits, true)
  assert.equal((await checkReceipt(short, { dir: two.dir, keys: [] })).fits, false)
  assert.equal((await checkReceipt(short, { dir: null, keys: [] })).fits, null)
  assert.equal((await checkReceipt(short.replace('#2', '#999'), { dir: one.dir, keys: [] })).fits, false)
  assert.equal((await checkReceipt('hello', { dir: one.dir, keys: [] })).what, 'unknown')
})

test('beside a ledger that does not say whose it is, the entry of a full receipt has to be the one there', async t => {
  const { dir, keys } = await signed(t, 20)
  const text = fullReceiptText(await proveEntry(dir, 5))
  const path = join(dir, 'seg/000000000000.jsonl')
  const lines = readFileSync(path, 'utf8').replace('"origin":"test', '"origin":"lost').split('\n')
  for (const [left, fits, why] of [
    [lines, true, /which does not say whose it is, has it$/],
    [[...lines.slice(0, 3), ''], null, /which does not say whose it is, does not have it$/],
    [lines.with(5, (lines[5] ?? '').replace('SIGKILL', 'SIGTERM')), false, /the ledger here has another entry #5$/],
  ] as const) {
    writeFileSync(path, left.join('\n'))
    const said = await checkReceipt(text, { dir, keys })
    assert.deepEqual([said.fits, why.test(said.why)], [fits, true], said.why)
  }
})

test('a checkpoint that was kept, against the ledger as it grew, and against another', async t => {
  const { dir, note, keys } = await signed(t, 20)
  const ledger = await openLedger(optionsFor(dir))
  for (let n = 0; n < 30; n++) await ledger.append(exit(n))
  await ledger.close(2000)
  const fits = await checkReceipt(note, { dir, keys })
  assert.deepEqual([fits.what, fits.fits], ['checkpoint', true])
  const other = await signed(t, 60)
  assert.equal((await checkReceipt(note, { dir: other.dir, keys })).fits, false)
  assert.equal((await checkReceipt(note, { dir: other.dir, keys: other.keys })).fits, false)
})

test('a tree whose files are cut, lost or wrong still proves every entry', async t => {
  const { dir, keys } = await signed(t, 600)
  const path = join(dir, 'tree/0.bin')
  const proves = async (): Promise<boolean> => {
    const receipt = parseFullReceipt(fullReceiptText(await proveEntry(dir, 401)))
    return typeof receipt !== 'string' && proveFullReceipt(receipt, keys).ok
  }
  const bytes = readFileSync(path)
  bytes[400 * 32 + 5] = (bytes[400 * 32 + 5] ?? 0) ^ 4
  writeFileSync(path, bytes)
  assert.ok(await proves())
  truncateSync(path, 1000)
  assert.ok(await proves())
  rmSync(join(dir, 'tree'), { recursive: true })
  assert.ok(await proves())
})

test('what no checkpoint covers yet, and what is not there', async t => {
  const { dir } = await signed(t, 10)
  const ledger = await openLedger(optionsFor(dir))
  await ledger.append(exit(99))
  await assert.rejects(proveEntry(dir, 10), { code: 'entry.unsigned' })
  await assert.rejects(proveEntry(dir, 11), { code: 'entry.unknown' })
  await ledger.close(2000)
})

test('an export is read by a reader of the specification alone', async t => {
  for (const entries of [1, 255, 256, 257, 700, 66_000]) {
    const { dir, note } = await signed(t, entries)
    const to = join(dir, '..', 'tiles')
    const claim = claimOf(note) ?? assert.fail()
    await exportTiles(dir, to, { ...claim, note })
    const said = execFileSync('python3', [join(ROOT, 'test/fixtures/reads-tiles.py'), to], { encoding: 'utf8' })
    const { tiles, ...found } = JSON.parse(said) as Record<string, unknown>
    assert.deepEqual(found, { origin: claim.origin, size: claim.size, fits: true, seqs: true, signers: [claim.origin] })
    assert.ok(Number(tiles) >= 1)
    assert.ok(statSync(join(to, 'checkpoint')).size < 1000)
  }
})

test('an export into a folder that is not empty, or of a ledger that was changed, is refused and is no log', async t => {
  const { dir, note } = await signed(t, 300)
  const claim = claimOf(note) ?? assert.fail()
  const full = join(dir, '..', 'full')
  mkdirSync(full)
  writeFileSync(join(full, 'x'), '')
  await assert.rejects(exportTiles(dir, full, { ...claim, note }), { code: 'export.folder' })
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":5,', '"pid":6,'))
  const to = join(dir, '..', 'tiles')
  await assert.rejects(exportTiles(dir, to, { ...claim, note }), { code: 'ledger.damaged' })
  assert.throws(() => statSync(join(to, 'checkpoint')))
})

test('a full receipt whose checkpoint is of another past does not fit the ledger that it names', async t => {
  const { dir, note } = await signed(t, 21)
  const text = fullReceiptText(await proveEntry(dir, 5))
  const by = { dir, keys: [] }
  assert.equal((await checkReceipt(text, by)).fits, true)
  const path = join(dir, 'seg/000000000000.jsonl')
  const lines = readFileSync(path, 'utf8').split('\n')
  for (const [what, left] of [
    ['the end was cut off', `${lines.slice(0, 10).join('\n')}\n`],
    ['a later entry was changed', rehashed(lines.join('\n').replace('"pid":15,', '"pid":16,'))],
  ] as const) {
    writeFileSync(path, left)
    assert.equal((await checkReceipt(note, by)).fits, false, what)
    const { fits, why } = await checkReceipt(text, by)
    assert.deepEqual([fits, /but the ledger here, which is that one/.test(why)], [false, true], why)
  }
})

test('a receipt that takes long to compare can be given up', async t => {
  const { dir, note } = await signed(t, 21)
  const by = { dir, keys: [] }
  for (const text of [fullReceiptText(await proveEntry(dir, 5)), note]) {
    const given = new AbortController()
    const asked = checkReceipt(text, { ...by, signal: given.signal, onProgress: () => given.abort() })
    await assert.rejects(asked, { name: 'AbortError' }, 'while its entries are followed')
    await assert.rejects(checkReceipt(text, { ...by, signal: AbortSignal.abort() }), { name: 'AbortError' })
    assert.equal((await checkReceipt(text, by)).fits, true, 'asked anew')
  }
})

test('an export of a line that is longer than any entry is told as damage', async t => {
  const { dir, note } = await signed(t, 10)
  const path = join(dir, 'seg/000000000000.jsonl')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":5,', `"pid":5,"more":"${'x'.repeat(70_000)}",`))
  const claim = claimOf(note) ?? assert.fail()
  await assert.rejects(exportTiles(dir, join(dir, '..', 'tiles'), { ...claim, note }), { code: 'ledger.damaged' })
})

test('a full receipt of an old entry, forged with the key of a later epoch, fits far from the ledger by that key; not by the key that one from before fits by', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  const firstVkey = ledger.vkey() ?? assert.fail()
  for (let n = 1; n <= 9; n++) await ledger.append(exit(n))
  await ledger.checkpoint()
  const before = fullReceiptText(await proveEntry(dir, 5))
  const { vkey } = await ledger.rotateKey('local:admin')
  await ledger.append(exit(10))
  await ledger.checkpoint()
  await ledger.close(2000)
  const lines = linesOf(dir)
  writeLines(dir, lines.with(5, (lines[5] ?? '').replace('"pid":5,', '"pid":4711,')), { rehash: true })
  await coverUp(dir, { checkpoints: 'sign the newest' })
  const forged = fullReceiptText(await proveEntry(dir, 5))
  const far = async (text: string, key: string) => {
    const keys = [parseVkey(key) ?? assert.fail()]
    const { fits, entry } = await checkReceipt(text, { dir: null, keys })
    return `${fits} ${entry?.data.pid}`
  }
  assert.deepEqual([await far(forged, vkey), await far(forged, firstVkey)], ['true 4711', 'false undefined'])
  assert.deepEqual([await far(before, vkey), await far(before, firstVkey)], ['false undefined', 'true 5'])
  assert.equal((await alone(dir)).ok, false, 'the ledger itself shows it')
})
