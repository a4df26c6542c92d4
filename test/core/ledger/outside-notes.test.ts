import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { claimOf, signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { parseVkey, rawPublicKey, type VerifierKey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { fromBase64 } from '../../../core/ledger/tree/hash.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import { nextSegment, reopened } from './many-segments.ts'
import { copyOf, exit, folder, optionsFor, signedLedger } from './stand.ts'
import { coverUp, linesOf, victim, writeLines } from './victim.ts'

/* Checkpoints from elsewhere: each is judged, and what it proves or contradicts is said as it is. */

const keysOf = (...vkeys: string[]): VerifierKey[] => vkeys.map(each => parseVkey(each) ?? assert.fail())

const judged = (dir: string, notes: readonly string[], vkeys: readonly string[] = []): Promise<Verdict> =>
  verifyLedger(dir, {
    trust: { keys: keysOf(...vkeys), checkpoints: notes.map((note, at) => ({ name: `note-${at}`, note })) },
  })

const saidOf = (verdict: Verdict, dir: string): string => verdictText(verdict, dir, { columns: 10_000, colour: false })

const ALARM = /changed the past|two histories|NOT THE ONE THAT WAS SIGNED/

/** One epoch of 11 entries. */
async function young(t: TestContext) {
  const it = await signedLedger(t, 11)
  return { ...it, origin: it.note.split('\n')[0] ?? '' }
}

/** Entry #5 is another one, all is chained anew, and nothing that was signed is left. */
async function rewritten(dir: string): Promise<void> {
  const lines = linesOf(dir)
  writeLines(dir, lines.with(5, (lines[5] ?? '').replace(/"pid":\d+,/, '"pid":4711,')), { rehash: true })
  await coverUp(dir, { checkpoints: 'remove' })
  rmSync(join(dir, 'keys'), { recursive: true, force: true })
}

/** As somebody makes one who has no key. */
const unsignedAs = (note: string): string =>
  note.replace(/^(— \S+ ).*$/gm, `$1${Buffer.alloc(68, 7).toString('base64')}`)

const withRoot = (note: string, root: string): string => note.replace(note.split('\n')[2] ?? '', root)

const OTHER_ROOT = Buffer.alloc(32, 3).toString('base64')

test('one that contradicts the ledger is shown, however many others are given before it, and each of those is named', async t => {
  const { dir, note, origin } = await young(t)
  await rewritten(dir)
  const foreign = note.replaceAll(origin, 'web-9/heald/01234567')
  const { root } = await treeOfSegments(dir, 4)
  const fitting = unsignedAs(note.replace('\n11\n', '\n4\n').replace(note.split('\n')[2] ?? '', root))
  for (const notes of [
    [foreign, note],
    [fitting, note],
    [note, foreign],
    ['no note\n', foreign, fitting, note],
  ]) {
    const verdict = await judged(dir, notes)
    assert.deepEqual([verdict.ok, verdict.trouble, verdict.evidence], [false, 'contradicted', [note]])
    assert.equal(verdict.unbelieved, null)
    const junk = notes.flatMap((each, at) => (each === note ? [] : [`note-${at}`]))
    assert.deepEqual(verdict.doubts.map(({ name }) => name).sort(), junk)
    const said = saidOf(verdict, dir)
    assert.match(said, /^THE LEDGER IS NOT THE ONE THAT WAS SIGNED \(note-\d\): the entries #0 to #10 are not those/)
    for (const name of junk) assert.match(said, new RegExp(`(proves nothing|is of another ledger) \\(${name}`))
  }
})

test('several that prove nothing are all named, beside one that fits', async t => {
  const { dir, note, origin } = await young(t)
  const verdict = await judged(dir, ['no note\n', note.replaceAll(origin, 'web-9/heald/01234567'), note])
  assert.deepEqual([verdict.trouble, verdict.unbelieved, verdict.comparedUpTo], ['unbelieved', 'note-0', 11])
  assert.equal(verdict.provableUpTo, 11)
  const said = saidOf(verdict, dir)
  assert.match(
    said,
    /^THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING \(note-0\): it is no checkpoint\.\n.*\(note-1, for 11/,
  )
  assert.match(said, /What else was kept elsewhere fits: it proves all of them\./)
})

test('where something else is wrong too, that is said first', async t => {
  const { dir, note, origin, vkey } = await young(t)
  const foreign = note.replaceAll(origin, 'web-9/heald/01234567')
  writeFileSync(join(dir, 'checkpoint'), withRoot(note, OTHER_ROOT))
  const verdict = await judged(dir, [foreign], [vkey])
  assert.deepEqual(
    [verdict.trouble, verdict.unbelieved, verdict.firstBad?.segment],
    ['contradicted', null, 'checkpoint'],
  )
  assert.match(saidOf(verdict, dir), ALARM)
})

test('one of another ledger, for more entries than could be followed, is named all the same', async t => {
  const { dir, note, origin } = await young(t)
  writeLines(dir, linesOf(dir).with(5, (linesOf(dir)[5] ?? '').replace('"pid":5,', '"pid":6,')), { rehash: false })
  const own = await judged(dir, [note])
  assert.deepEqual([own.firstBad?.line, own.doubts, own.checked.checkpoints], [6, [], true])
  const foreign = await judged(dir, [note.replaceAll(origin, 'web-9/heald/01234567')])
  assert.deepEqual([foreign.firstBad?.line, foreign.doubts.length, foreign.checked.checkpoints], [6, 1, false])
})

test('one whose entries were pruned, where the tree’s files are gone, can not be judged, and contradicts nothing', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await reopened(t, dir, { fsync: true })
  for (let n = 1; n <= 4; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  const vkey = ledger.vkey() ?? assert.fail()
  for (let n = 1; n <= 4; n++) await ledger.append(exit(n))
  await nextSegment(t, ledger)
  await ledger.checkpoint()
  await ledger.prune({ upTo: sealedSegments(dir)[0]?.end ?? 0, archive: null, by: 'local:admin' })
  const later = await ledger.checkpoint()
  await ledger.close(2000)
  mkdirSync(join(dir, 'cp'), { recursive: true })
  writeFileSync(join(dir, 'cp', `${String(size).padStart(12, '0')}.cp`), note)
  assert.equal((await judged(dir, [note])).ok, true)
  rmSync(join(dir, 'tree'), { recursive: true })
  assert.equal((await verifyLedger(dir)).firstBad, null, 'nor does one that is kept beside it')
  for (const vkeys of [[], [vkey]]) {
    const verdict = await judged(dir, [note], vkeys)
    assert.deepEqual([verdict.ok, verdict.trouble, verdict.evidence], [false, 'unbelieved', []])
    const said = saidOf(verdict, dir)
    assert.match(
      said,
      /^THE CHECKPOINT THAT WAS GIVEN CAN'T BE JUDGED HERE .*archive put back\.\nNothing contradicts the/,
    )
    assert.doesNotMatch(said, ALARM)
    const both = await judged(dir, [note, later.note], vkeys)
    assert.deepEqual([both.trouble, both.comparedUpTo, both.provableUpTo], ['unbelieved', later.size, later.size])
    // One that nobody has signed is no better for that.
    const nobodys = await judged(dir, [unsignedAs(note)], vkeys)
    assert.deepEqual([nobodys.unbelieved, nobodys.doubts[0]?.is], ['note-0', 'worthless'])
  }
})

test('one that its key has not signed, whatever it says, contradicts nothing', async t => {
  const it = await young(t)
  const mangled = it.note.replace('\n11\n', '\n10\n')
  const forged = withRoot(it.note, OTHER_ROOT)
  const short = `${forged.trimEnd().replace(/ \S+$/, ' AAAA')}\n`
  for (const note of [mangled, forged, short])
    for (const vkeys of [[], [it.vkey]]) {
      const verdict = await judged(it.dir, [note], vkeys)
      assert.deepEqual([verdict.ok, verdict.trouble, verdict.evidence], [false, 'unbelieved', []])
      const said = saidOf(verdict, it.dir)
      assert.match(
        said,
        /^THE CHECKPOINT THAT WAS GIVEN PROVES NOTHING \(note-0, for 1\d entries\): .*can't be believed/,
      )
      assert.doesNotMatch(said, ALARM)
    }
  // Beside a genuine one it hides nothing.
  await rewritten(it.dir)
  const verdict = await judged(it.dir, [mangled, it.note])
  assert.deepEqual([verdict.trouble, verdict.evidence], ['contradicted', [it.note]])
})

test('the key of another epoch makes none that counts: whoever has today’s can not speak of yesterday', async t => {
  const it = await victim(t)
  const claim = { ...(claimOf(it.note) ?? assert.fail()), size: 5, root: fromBase64(OTHER_ROOT) ?? assert.fail() }
  const note = signCheckpoint(claim, createPrivateKey(readFileSync(join(it.dir, 'keys/1.pem'))))
  const verdict = await judged(it.dir, [note])
  assert.deepEqual([verdict.trouble, verdict.evidence], ['unbelieved', []])
  assert.match(saidOf(verdict, it.dir), /signed by a key of another epoch\.\nNothing contradicts the ledger/)
})

/** The same past with other keys than the real ones, from the first entry or from the second key on. */
async function withKeysOf(t: TestContext, dir: string, mine: KeyObject): Promise<string> {
  const copy = copyOf(t, dir)
  const publicKey = rawPublicKey(mine).toString('base64')
  const lines = linesOf(copy).map(line => line.replace(/"publicKey":"[^"]+"/, `"publicKey":"${publicKey}"`))
  writeLines(copy, lines.with(5, (lines[5] ?? '').replace(/"pid":\d+,/, '"pid":4711,')), { rehash: true })
  await coverUp(copy, { checkpoints: 'remove' })
  return copy
}

test('a ledger of other keys, or one that a key nobody knows contradicts: both could be made up, and a key decides', async t => {
  const it = await young(t)
  const stranger = generateKeyPairSync('ed25519').privateKey
  const claim = claimOf(it.note) ?? assert.fail()
  const made = signCheckpoint({ ...claim, root: fromBase64(OTHER_ROOT) ?? assert.fail() }, stranger)
  const newest = readFileSync(join(it.dir, 'checkpoint'), 'utf8')
  const verdict = await judged(it.dir, [made])
  assert.deepEqual([verdict.ok, verdict.trouble, verdict.evidence], [false, 'undecided', [made, newest]])
  const said = saidOf(verdict, it.dir)
  assert.match(
    said,
    /^THE LEDGER AND THE CHECKPOINT THAT WAS GIVEN CAN'T BOTH BE TRUE \(note-0\): .*either the ledger was/,
  )
  assert.match(said, /or this note is made up; a public key kept elsewhere \(--key\) decides\.\n/)
  assert.doesNotMatch(said, ALARM)
  const byKey = await judged(it.dir, [made], [it.vkey])
  assert.deepEqual([byKey.trouble, byKey.unbelieved, byKey.doubts[0]?.is], ['unbelieved', 'note-0', 'outvoted'])
  assert.match(saidOf(byKey, it.dir), /Nothing else contradicts the ledger/)
  // Of what the key has not signed it says nothing.
  const beyond = await judged(it.dir, [signCheckpoint({ ...claim, size: 99 }, stranger)], [it.vkey])
  assert.deepEqual([beyond.trouble, beyond.ok], ['undecided', false])

  // The other way round: the note is genuine, and the ledger was rewritten with other keys behind the first line.
  const two = await victim(t)
  const lines = linesOf(two.dir)
  const at = lines.findIndex(line => line.includes('"kind":"key.rotated"'))
  const fork = lines.slice(0, at)
  writeLines(two.dir, fork, { rehash: true })
  await coverUp(two.dir, { checkpoints: 'remove' })
  const genuine = await judged(two.dir, [two.note])
  assert.deepEqual([genuine.ok, genuine.trouble, genuine.evidence], [false, 'undecided', [two.note]])
  const decided = await judged(two.dir, [two.note], [two.vkey])
  assert.deepEqual([decided.ok, decided.trouble, decided.evidence], [false, 'contradicted', [two.note]])
  assert.match(saidOf(decided, two.dir), ALARM)

  const others = await withKeysOf(t, it.dir, stranger)
  for (const vkeys of [[], [it.vkey]]) {
    const { ok, trouble } = await judged(others, [it.note], vkeys)
    assert.deepEqual(
      [ok, trouble],
      [false, vkeys.length === 0 ? 'unbelieved' : 'contradicted'],
      'its name is another one',
    )
  }
})

test('an earlier key that signs what is not of its epoch any more: a rewritten ledger could be the reason', async t => {
  const it = await young(t)
  const ledger = await openLedger(optionsFor(it.dir))
  await ledger.settled()
  const { vkey, seq } = await ledger.rotateKey('local:admin')
  await ledger.append(exit(12))
  await ledger.checkpoint()
  await ledger.close(2000)
  const lines = linesOf(it.dir)
  const gone = (lines[seq] ?? '').replace('"data":{', '"data":{"why":"the key was gone",')
  const earlier = gone.replace(/"seq":\d+/, '"seq":5').replace(/"fromSeq":\d+/, '"fromSeq":6')
  const moved = lines.with(5, earlier).with(seq, (lines[5] ?? '').replace(/"seq":\d+/, `"seq":${seq}`))
  writeLines(it.dir, moved, { rehash: true })
  rmSync(join(it.dir, 'cp'), { recursive: true, force: true })
  await coverUp(it.dir, { checkpoints: 'sign the newest' })
  const trust = { keys: keysOf(vkey), isGapAccepted: true }
  const verdict = await verifyLedger(it.dir, { trust: { ...trust, checkpoints: [{ name: 'kept', note: it.note }] } })
  assert.deepEqual([verdict.ok, verdict.trouble], [false, 'unbelieved'])
  assert.match(saidOf(verdict, it.dir), /whose epoch was over here, so either the ledger was rewritten/)
  assert.doesNotMatch(saidOf(verdict, it.dir), /Nothing contradicts/)
})

test('what was kept elsewhere says up to which entry it proves', async t => {
  const it = await young(t)
  const ledger = await openLedger(optionsFor(it.dir))
  await ledger.settled()
  for (let n = 0; n < 5; n++) await ledger.append(exit(100 + n))
  await ledger.checkpoint()
  await ledger.close(2000)
  const verdict = await judged(it.dir, [it.note])
  assert.deepEqual([verdict.ok, verdict.comparedUpTo], [true, 11])
  assert.match(
    saidOf(verdict, it.dir),
    /What was kept elsewhere fits: it proves the entries up to #10; what is after that rests on the ledger's own/,
  )
  appendFileSync(join(it.dir, 'seg/000000000000.jsonl'), '{"v":1')
  assert.match(saidOf(await judged(it.dir, [it.note]), it.dir), /^The ledger ends .*up to #10; what is after/s)
})
