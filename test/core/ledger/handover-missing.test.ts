import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { verdictText } from '../../../core/cli/ledger-verify.ts'
import { claimOf, signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { disk } from '../../../core/ledger/files.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import type { Ledger } from '../../../core/ledger/ledger.ts'
import { parseVkey } from '../../../core/ledger/note.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { fromBase64 } from '../../../core/ledger/tree/hash.ts'
import { type Verdict, verifyLedger } from '../../../core/ledger/verify.ts'
import { copyOf, exit, folder, optionsFor } from './stand.ts'
import { alone, linesOf, victim, withKey, withNote } from './victim.ts'

/* Where a key was not handed over: since that is still to come, since a key was lost, or since what tells of it was left out. */

const saidOf = (verdict: Verdict, dir: string): string => verdictText(verdict, dir, { columns: 10_000, colour: false })

const ALARM = /changed the past|two histories|NOT THE ONE THAT WAS SIGNED/

test('a copy with "checkpoint" and without "cp": what is missing is said, and that nothing contradicts it; it is not whole', async t => {
  const it = await victim(t)
  rmSync(join(it.dir, 'cp'), { recursive: true })
  for (const [verdict, isCompared] of [
    [await alone(it.dir), false],
    [await withKey(it.dir, it.vkey), false],
    [await withKey(it.dir, it.firstVkey), false],
    [await withNote(it.dir, it), true],
  ] as const) {
    assert.deepEqual(
      [verdict.ok, verdict.trouble, verdict.checked.epochs, verdict.firstBad?.segment],
      [false, 'bare', false, 'cp'],
    )
    const said = saidOf(verdict, it.dir)
    assert.match(
      said,
      /^NO HANDOVER OF A KEY IS HERE.*the folder "cp".*\n.*20 entries.*Nothing that is here contradicts/,
    )
    assert.match(
      said,
      /\nIn a copy the folder "cp" was perhaps left out: copy it too\. On the ledger’s own host somebody/,
    )
    assert.doesNotMatch(said, ALARM)
    assert.equal(/What was kept elsewhere fits: it proves all of them/.test(said), isCompared)
  }
  // An empty one tells no more.
  mkdirSync(join(it.dir, 'cp'))
  assert.equal((await alone(it.dir)).trouble, 'bare')
  // Where others are there, this one was taken out.
  writeFileSync(join(it.dir, 'cp/000000000020.cp'), it.note)
  assert.equal((await alone(it.dir)).trouble, 'contradicted')
})

test('a copy without "cp" whose newest checkpoint does not fit is contradicted by that', async t => {
  const it = await victim(t)
  rmSync(join(it.dir, 'cp'), { recursive: true })
  const other = signCheckpoint(
    {
      ...(claimOf(it.note) ?? assert.fail()),
      root: fromBase64(Buffer.alloc(32, 3).toString('base64')) ?? assert.fail(),
    },
    createPrivateKey(readFileSync(join(it.dir, 'keys/1.pem'))),
  )
  writeFileSync(join(it.dir, 'checkpoint'), other)
  const verdict = await alone(it.dir)
  assert.deepEqual([verdict.trouble, verdict.firstBad?.segment], ['contradicted', 'checkpoint'])
})

/** One more start of a ledger, with what is done then. */
async function begun<T>(dir: string, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const ledger = await openLedger(optionsFor(dir, { checkpointEveryMs: 3_600_000 }))
  try {
    await ledger.settled()
    return await work(ledger)
  } finally {
    await ledger.close(2000)
  }
}

/** A new key, told of by an entry, whose handover the disk has no room for. */
async function owedKey(t: TestContext, ledger: Ledger): Promise<void> {
  const mocked = t.mock.method(disk, 'replace', async () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' })
  })
  await assert.rejects(ledger.rotateKey('local:admin'), { code: 'ENOSPC' })
  mocked.mock.restore()
}

const loseKeys = (dir: string): void => rmSync(join(dir, 'keys'), { recursive: true })

/** The folder as it is now: what comes later would pay what is owed. */
async function snapshot(t: TestContext, dir: string): Promise<string> {
  const copy = copyOf(t, dir)
  rmSync(join(copy, 'lock.pid'), { force: true })
  return copy
}

/** The first key was lost; the handover from the second one to the third is owed. */
async function lostThenOwed(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  const old = await begun(dir, async ledger => {
    await ledger.append(exit(1))
    return (await ledger.checkpoint()).note
  })
  loseKeys(dir)
  const { vkey, copy } = await begun(dir, async ledger => {
    const made = await ledger.rotateKey('local:admin')
    await ledger.append(exit(2))
    await ledger.checkpoint()
    await owedKey(t, ledger)
    await ledger.append(exit(3))
    return { vkey: made.vkey, copy: await snapshot(t, dir) }
  })
  return { dir, copy, vkey, old }
}

test('a key was lost, and the next handover but one is still owed: that is a gap, and no contradiction', async t => {
  const { copy, vkey, old } = await lostThenOwed(t)
  const plain = await alone(copy)
  assert.deepEqual([plain.ok, plain.trouble, plain.vkeys.length], [false, 'gap', 2])
  const said = saidOf(plain, copy)
  assert.match(said, /^NOT ALL OF THIS LEDGER IS VOUCHED FOR: nobody vouched for the key of epoch 1/)
  assert.doesNotMatch(said, /NOT THE ONE/)
  const accepted = await withKey(copy, vkey, { isGapAccepted: true })
  assert.deepEqual([accepted.firstBad, accepted.unvouched], [null, [1]])
  const kept = await withKey(copy, vkey, { checkpoints: [{ name: 'kept', note: old }] })
  assert.equal(kept.ok, true)
})

test('a handover was still owed when all keys were lost: that is the gap of the key after, and it is accepted with that', async t => {
  const dir = join(folder(t), 'ledger')
  const first = await begun(dir, async ledger => {
    await ledger.append(exit(1))
    await ledger.checkpoint()
    const vkey = ledger.vkey() ?? assert.fail()
    await owedKey(t, ledger)
    loseKeys(dir)
    return vkey
  })
  const { vkey, receipt } = await begun(dir, async ledger => {
    const made = await ledger.rotateKey('local:admin')
    await ledger.append(exit(2))
    await ledger.checkpoint()
    return made
  })
  const plain = await alone(dir)
  assert.deepEqual([plain.ok, plain.trouble, plain.vkeys.length], [false, 'gap', 3])
  assert.match(saidOf(plain, dir), /^NOT ALL OF THIS LEDGER IS VOUCHED FOR: nobody vouched for the key of epoch 2/)
  assert.doesNotMatch(saidOf(plain, dir), /NOT THE ONE/)
  const accepted = await withKey(dir, vkey, { isGapAccepted: true })
  assert.deepEqual([accepted.firstBad, accepted.unvouched], [null, [2]])
  assert.equal((await withKey(dir, vkey)).trouble, 'gap')
  // The first key does not reach the second one.
  assert.equal((await withKey(dir, first, { isGapAccepted: true })).ok, false)
  const told = { ...(parseVkey(vkey) ?? assert.fail()), told: { seq: 0, code: '' } }
  const [, seq = '', code = ''] = /^#(\d+)·(.*)$/.exec(receipt) ?? []
  const both = [parseVkey(first) ?? assert.fail(), { ...told, told: { seq: Number(seq), code } }]
  const given = await verifyLedger(dir, { trust: { keys: both, checkpoints: [], isGapAccepted: true } })
  assert.equal(given.firstBad, null, 'the first key was lost too, by the word of who has the receipt')
  // What a key has signed that nobody handed over to is no gap.
  const signed = await lostThenOwed(t)
  assert.ok(existsSync(join(signed.dir, 'cp')))
  await begun(signed.dir, async ledger => {
    await ledger.append(exit(4))
    assert.ok((await ledger.checkpoint()).size > 0)
  })
  const [handover] = keptCheckpoints(signed.dir)
  writeFileSync(join(signed.dir, 'cp/000000000001.cp'), signed.old.replace(/\n\d+\n/, '\n1\n'))
  rmSync(join(signed.dir, handover?.name ?? assert.fail()))
  assert.equal((await alone(signed.dir)).trouble, 'contradicted')
})

/** Two epochs, as a kill right behind the entry of the second key leaves it, or somebody who puts back what was before. */
async function owed(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  return begun(dir, async ledger => {
    await ledger.append(exit(1))
    const { note, size } = await ledger.checkpoint()
    const before = ledger.vkey() ?? assert.fail()
    const made = await ledger.rotateKey('local:admin')
    const copy = await snapshot(t, dir)
    rmSync(join(copy, 'cp'), { recursive: true })
    mkdirSync(join(copy, 'cp'))
    writeFileSync(join(copy, 'checkpoint'), note)
    writeFileSync(join(copy, `cp/${String(size).padStart(12, '0')}.cp`), note)
    return { dir: copy, note, before, made, key: createPrivateKey(readFileSync(join(copy, 'keys/1.pem'))) }
  })
}

test('a key is given to nobody before it was handed over to: who has it, and finds that owed, is told that it was taken away', async t => {
  const it = await owed(t)
  assert.deepEqual([(await alone(it.dir)).ok, (await withKey(it.dir, it.before)).ok], [true, true])
  const verdict = await withKey(it.dir, it.made.vkey)
  assert.deepEqual([verdict.trouble, verdict.firstBad?.seq], ['contradicted', it.made.seq])
  assert.match(verdict.firstBad?.why ?? '', /^the key of epoch 1 begins here, and the old key does not vouch for it$/)
})

test('a key that was not handed over to yet is a stranger’s: what it signed against the ledger could be true', async t => {
  const it = await owed(t)
  const claim = claimOf(it.note) ?? assert.fail()
  const root = fromBase64(Buffer.alloc(32, 3).toString('base64')) ?? assert.fail()
  const note = signCheckpoint({ ...claim, root }, it.key)
  const verdict = await verifyLedger(it.dir, { trust: { keys: [], checkpoints: [{ name: 'kept', note }] } })
  assert.deepEqual([verdict.trouble, verdict.evidence], ['undecided', [note, it.note]])
  assert.ok(linesOf(it.dir).length > claim.size)
})

test('what the new key has signed, where its handover is gone, is not owed; the first key that lacks one is named', async t => {
  const dir = join(folder(t), 'ledger')
  const { early, seq } = await begun(dir, async ledger => {
    await ledger.append(exit(1))
    const early = await ledger.checkpoint()
    const { seq } = await ledger.rotateKey('local:admin')
    await ledger.append(exit(2))
    await ledger.checkpoint()
    return { early, seq }
  })
  const onlyEarly = (copy: string): void => {
    rmSync(join(copy, 'cp'), { recursive: true })
    mkdirSync(join(copy, 'cp'))
    writeFileSync(join(copy, `cp/${String(early.size).padStart(12, '0')}.cp`), early.note)
  }
  const two = copyOf(t, dir)
  onlyEarly(two)
  assert.deepEqual([(await alone(two)).trouble, (await alone(two)).firstBad?.seq], ['contradicted', seq])
  await begun(dir, ledger => ledger.rotateKey('local:admin'))
  onlyEarly(dir)
  writeFileSync(join(dir, 'checkpoint'), early.note)
  assert.deepEqual([(await alone(dir)).trouble, (await alone(dir)).firstBad?.seq], ['contradicted', seq])
})
