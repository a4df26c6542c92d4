import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { checkReceipt } from '../../../core/ledger/check.ts'
import type { Ledger } from '../../../core/ledger/ledger.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import { exit, folder, optionsFor, signedLedger } from './stand.ts'

/* Checkpoints that were kept of another ledger: of the one that this host had before, or of another host. */

const judged = (dir: string, notes: readonly string[], vkeys: readonly string[] = []): Promise<Verdict> =>
  verifyLedger(dir, {
    trust: {
      keys: vkeys.map(vkey => parseVkey(vkey) ?? assert.fail()),
      checkpoints: notes.map((note, at) => ({ name: `note-${at}`, note })),
    },
  })

const saidOf = (verdict: Verdict, dir: string): string => verdictText(verdict, dir, { columns: 10_000, colour: false })

const ANEW = /begun anew since this checkpoint, or rewritten from its first entry on/

test('a checkpoint of a ledger that this host had before does not fit the one that is there: both reasons are said', async t => {
  const [before, now] = [await signedLedger(t, 20), await signedLedger(t, 30)]
  const verdict = await judged(now.dir, [before.note])
  assert.deepEqual([verdict.ok, verdict.trouble, verdict.doubts[0]?.is], [false, 'unbelieved', 'anew'])
  const said = saidOf(verdict, now.dir)
  assert.match(
    said,
    /^THE CHECKPOINT THAT WAS GIVEN DOES NOT FIT THIS LEDGER \(note-0, for 20 entries\): it is of test-host/,
  )
  assert.match(said, ANEW)
  assert.ok(said.includes(`copy ${now.dir} as it is`))
  assert.doesNotMatch(said, /proves nothing|PROVES NOTHING|[Nn]othing contradicts/)
  // Beside one that fits, and beside one of another host, it is what is said first.
  const other = await signedLedger(t, 5, 'web-9')
  const all = saidOf(await judged(now.dir, [other.note, now.note, before.note]), now.dir)
  assert.match(all, /^THE CHECKPOINT THAT WAS GIVEN DOES NOT FIT THIS LEDGER \(note-2, for 20 entries\)/)
  assert.match(all, /\nWhat else was kept elsewhere fits: it proves all of them\./)
  assert.match(all, /\nAnother one is of another ledger \(note-0, for 5 entries\): it is of web-9/)
  // With the key of then it is a contradiction, and the reasons are the same.
  const byKey = await judged(now.dir, [before.note], [before.vkey])
  assert.equal(byKey.trouble, 'contradicted')
  assert.match(
    saidOf(byKey, now.dir),
    /^THE LEDGER IS NOT THE ONE THAT WAS SIGNED: .*same host: begun anew since that key/,
  )
  for (const keys of [[], [parseVkey(before.vkey) ?? assert.fail()]]) {
    const checked = await checkReceipt(before.note, { dir: now.dir, keys })
    assert.equal(checked.fits, keys.length === 0 ? null : false)
    assert.match(checked.why, /begun anew since, or rewritten from its first entry on/)
  }
})

test('who rewrites all of it and leaves no handover, or tells of a lost key, does not hide that a kept checkpoint does not fit', async t => {
  const before = await signedLedger(t, 20)
  for (const how of ['no "cp"', 'no checkpoint', 'a gap'] as const) {
    const dir = join(folder(t), 'ledger')
    await begun(dir, async ledger => {
      if (how !== 'a gap') await ledger.rotateKey('local:admin')
    })
    if (how === 'a gap') {
      rmSync(join(dir, 'keys'), { recursive: true })
      await begun(dir, ledger => ledger.rotateKey('local:admin'))
    } else {
      await begun(dir, ledger => ledger.append(exit(1)))
      rmSync(join(dir, 'cp'), { recursive: true })
      if (how === 'no checkpoint') rmSync(join(dir, 'checkpoint'))
    }
    assert.equal((await judged(dir, [])).trouble, how === 'a gap' ? 'gap' : 'bare', how)
    const verdict = await judged(dir, [before.note])
    assert.deepEqual([verdict.ok, verdict.trouble, verdict.checked.epochs], [false, 'unbelieved', false], how)
    const said = saidOf(verdict, dir)
    assert.match(said, /^THE CHECKPOINT THAT WAS GIVEN DOES NOT FIT THIS LEDGER \(note-0, for 20 entries\)/)
    assert.match(said, /somebody who may write these files has put another past in its place/)
    if (how !== 'a gap') continue
    // Beside one that fits it is the one before.
    const fits = readFileSync(join(dir, 'checkpoint'), 'utf8')
    assert.equal((await judged(dir, [before.note, fits])).trouble, 'gap')
    // With the new key the gap is no better for a checkpoint that does not fit.
    const byKey = await judged(dir, [before.note], verdict.vkeys.slice(-1))
    assert.deepEqual([byKey.trouble, byKey.unvouched, byKey.checked.epochs], ['unbelieved', [1], false])
    // Nor for a key that has signed nothing here.
    rmSync(join(dir, 'cp'), { recursive: true, force: true })
    rmSync(join(dir, 'checkpoint'))
    const idle = await judged(dir, [], verdict.vkeys.slice(-1))
    assert.deepEqual([idle.trouble, idle.unvouched, idle.checked.epochs], ['unproved', [1], false])
  }
})

/** One more start of a ledger, with what is done then; its last checkpoint is made when it is closed. */
async function begun(dir: string, work: (ledger: Ledger) => Promise<unknown>): Promise<void> {
  const ledger = await openLedger(optionsFor(dir))
  await ledger.settled()
  await work(ledger)
  await ledger.close(2000)
}

test('checkpoints of two hosts in one file: what is said is about the ledger that is judged, and the other is named as another', async t => {
  const [own, other] = [await signedLedger(t, 20), await signedLedger(t, 5, 'web-9')]
  const foreign = /\(note-\d, for 5 entries\): it is of web-9\/heald\/\w+, and this ledger is test-host\/heald\/\w+\./
  for (const notes of [
    [other.note, own.note],
    [own.note, other.note],
  ]) {
    const verdict = await judged(own.dir, notes)
    assert.deepEqual([verdict.ok, verdict.trouble, verdict.comparedUpTo], [false, 'unbelieved', 20])
    const said = saidOf(verdict, own.dir)
    assert.match(said, /^WHAT WAS KEPT OF THIS LEDGER FITS, AND NOT ALL THAT WAS GIVEN IS OF IT\.\n/)
    assert.match(said, /\nWhat was kept elsewhere fits: it proves all of them\.\n/)
    assert.match(said, /\nOf another ledger /)
    assert.match(said, foreign)
    assert.match(said, /\nNothing contradicts the ledger: it is 20 entries in one unbroken chain/)
    assert.doesNotMatch(said, /PROVES NOTHING|proves nothing/)
  }
  const alone = saidOf(await judged(own.dir, [other.note]), own.dir)
  assert.match(alone, /^THE CHECKPOINT THAT WAS GIVEN IS OF ANOTHER LEDGER \(note-0/)
  assert.match(alone, foreign)
  assert.match(alone, /\nSo nothing here was compared with it\. Nothing contradicts the ledger/)
  // Who rewrites all of it names it as he likes: a milder word for that would be his to choose.
  assert.match(alone, /\nIf it was kept of the ledger that should be here, another was put in its place: .* any name\./)
  assert.ok(alone.includes(`copy ${own.dir} as it is`))
  // What proves nothing although it is of this ledger comes first.
  const torn = own.note.replace('\n20\n', '\n19\n')
  const both = saidOf(await judged(own.dir, [other.note, torn]), own.dir)
  assert.match(
    both,
    /^THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING \(note-1, for 19 entries\): .*\nAnother one is of another/,
  )
  // And what contradicts it before all.
  writeFileSync(join(own.dir, 'checkpoint'), torn)
  const bad = saidOf(await judged(own.dir, [other.note, own.note]), own.dir)
  assert.match(bad, /^THE LEDGER IS NOT THE ONE THAT WAS SIGNED \(checkpoint\)/)
  assert.match(bad, /\nAnother one that was given is of another ledger \(note-0, for 5/)
})
