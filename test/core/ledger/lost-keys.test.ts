import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { parseGivenKey } from '../../../core/ledger/given-key.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import type { Trust } from '../../../core/ledger/verify-signed.ts'
import { exit, folder, optionsFor } from './stand.ts'

/* Keys that were lost one after the other: what is said of them, and what is asked for. */

/** Three epochs, of which each lost its key. */
async function stand(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  const made: { readonly vkey: string; readonly receipt: string; readonly seq: number; readonly note: string }[] = []
  for (let epoch = 0; epoch < 3; epoch++) {
    rmSync(join(dir, 'keys'), { recursive: true, force: true })
    const ledger = await openLedger(optionsFor(dir))
    await ledger.settled()
    const { receipt, seq } = epoch === 0 ? { receipt: '', seq: 0 } : await ledger.rotateKey('local:admin')
    await ledger.append(exit(epoch))
    const { note } = await ledger.checkpoint()
    made.push({ vkey: ledger.vkey() ?? assert.fail(), receipt, seq, note })
    await ledger.close(2000)
  }
  const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = made
  const judged = async (given: readonly string[], more: Partial<Trust> = {}): Promise<[Verdict, string]> => {
    const keys = given.map(each => parseGivenKey(each) ?? assert.fail())
    const verdict = await verifyLedger(dir, {
      trust: { keys, checkpoints: [], isGapAccepted: keys.length > 0, ...more },
    })
    return [verdict, verdictText(verdict, dir, { columns: 10_000, colour: false })]
  }
  const withReceipt = ({ vkey, receipt }: typeof first): string => `${vkey} ${receipt}`
  return { dir, first, second, third, judged, withReceipt }
}

test('two lost keys: the key that is wanted, and the one whose receipt is, are printed', async t => {
  const { first, second, third, judged, withReceipt } = await stand(t)
  // Nothing was given, or the newest key alone: the first key that nobody vouched for is wanted.
  for (const given of [[], [third.vkey], [withReceipt(third)]]) {
    const [verdict, said] = await judged(given)
    assert.equal(verdict.trouble, 'gap')
    assert.ok(
      said.includes(`The key of that epoch is, by this ledger's own word, ${second.vkey}: compare it with`),
      said,
    )
    const newest = `Beside it ${third.vkey} needs its receipt (--key 'KEY RECEIPT').`
    assert.equal(said.includes(newest), given[0] === third.vkey)
  }
  // The receipt of the newest key tells that those before it were this ledger's.
  for (const given of [
    [second.vkey, third.vkey],
    [withReceipt(second), third.vkey],
    [first.vkey, withReceipt(second), third.vkey],
    [first.vkey, second.vkey, third.vkey],
  ]) {
    const [verdict, said] = await judged(given)
    if (verdict.ok) assert.fail(said)
    assert.equal(verdict.trouble, 'unproved')
    assert.match(said, /^A KEY THAT WAS GIVEN PROVES NOTHING HERE: no checkpoint here bears the signature of/)
    assert.ok(said.includes(`whoever has ${third.vkey} could have written that: that one needs its receipt`), said)
    assert.equal((await judged([...given.slice(0, -1), withReceipt(third)]))[0].firstBad, null)
  }
})

test('what a key vouches for behind a gap is told as that, and never as all', async t => {
  const { first, second, third, judged, withReceipt } = await stand(t)
  const behind = new RegExp(`vouches for what is behind the gap, from #${third.seq} up to #\\d+\\.`)
  for (const given of [[third.vkey], [withReceipt(third)], [second.vkey, withReceipt(third)]]) {
    const [, said] = await judged(given)
    assert.match(said, behind)
    assert.doesNotMatch(said, /all of them/)
  }
  const [, before] = await judged([first.vkey], { isGapAccepted: false })
  assert.match(before, /vouches for none of them/)
})

test('of a gap it is said what was kept elsewhere of before it, and what not', async t => {
  const { dir, first, second, third, judged } = await stand(t)
  const kept = (note: string) => judged([], { checkpoints: [{ name: 'kept', note }] })
  assert.match((await kept(first.note))[1], /fits: it proves the entries up to #1, all before the gap\./)
  assert.match(
    (await kept(third.note))[1],
    /but the lost key has not signed it: it proves nothing of what is before the gap/,
  )
  const foreign = second.note.replaceAll('test-host/', 'web-9/')
  // Of another ledger, and of this one, but changed on its way.
  for (const [note, why] of [
    [foreign, /\nA checkpoint that was given is of another ledger \(kept/],
    [second.note.replace(/\n\d+\n/, '\n1\n'), /\nA checkpoint that was given proves nothing \(kept/],
  ] as const) {
    const [, none] = await kept(note)
    assert.match(none, /\nWhat was kept elsewhere proves nothing of this ledger\.\n/)
    assert.match(none, why)
    assert.doesNotMatch(none, /elsewhere fits|is of this ledger/)
  }
  assert.ok(dir)
})
