import assert from 'node:assert/strict'
import { generateKeyPairSync, hash } from 'node:crypto'
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { verify } from '../../../core/cli/ledger-commands.ts'
import { systemClock } from '../../../core/clock.ts'
import type { ChainRef, Entry } from '../../../core/entry.ts'
import { writeBase } from '../../../core/ledger/base.ts'
import { signCheckpoint } from '../../../core/ledger/checkpoint.ts'
import { keptCheckpoints } from '../../../core/ledger/kept.ts'
import { ownEpochs } from '../../../core/ledger/own-epochs.ts'
import { type Sealed, sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { toHex } from '../../../core/ledger/tree/hash.ts'
import { inclusionProof, rangeAt } from '../../../core/ledger/tree/proof.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyCommandFile, verifyCommands } from '../../../core/ledger/verify-commands.ts'
import { until } from '../../until.ts'
import { paperContext } from '../cli/context.ts'
import { linesIn, segmentNames } from './forged.ts'
import { manySegments, nextSegment, reopened } from './many-segments.ts'
import { copyOf, entriesIn, exit } from './stand.ts'

/* Commands are also whole where the oldest were pruned; not where somebody took them away. */

const DAY_MS = 86_400_000
const isCommand = ({ kind }: Pick<Entry, 'kind'>) => kind.startsWith('command.')
const receipt = (entry: Entry | undefined) => receiptOf(entry?.seq ?? -1, entry?.h ?? '')

/** Three commands in what is sealed, and three behind it. */
async function stand(t: TestContext) {
  const dir = await manySegments(t, 1)
  const ledger = await reopened(t, dir, { fsync: true })
  const chain: ChainRef = { h: '0'.repeat(64) }
  for (let n = 0; n < 3; n += 1) await ledger.append({ kind: 'command.requested', data: { id: `c${n}` }, chain })
  await nextSegment(t, ledger)
  for (let n = 3; n < 6; n += 1) await ledger.append({ kind: 'command.requested', data: { id: `c${n}` }, chain })
  const kept = receipt(entriesIn(dir).findLast(isCommand))
  return { dir, ledger, kept, sealed: sealedSegments(dir).at(-1) ?? assert.fail() }
}

/** What `heald ledger verify --commands --receipt …` says. */
async function said(
  dir: string,
  receipts: readonly string[],
  state = dirname(dir),
): Promise<{ code: number; text: string }> {
  const { context, out } = paperContext({ columns: 900, state })
  const code = await verify(context, [dir], { commands: true, receipt: [...receipts] })
  return { code, text: out() }
}

/** Takes the sealed segments away, and puts there what stands for pruned entries: no key is needed for that. */
async function cutBegin(dir: string, { end, h }: Sealed): Promise<string> {
  const { nodes, root } = await treeOfSegments(dir, end)
  const kept = linesIn(dir)
    .slice(0, end)
    .flatMap((line, seq) => (/"kind":"(genesis|key.rotated)"/.test(line) ? [{ seq, line }] : []))
    .map(({ seq, line }) => ({ line, proof: inclusionProof(seq, end, nodes) }))
  await writeBase(dir, { seq: end, h, range: rangeAt(end, nodes), kept })
  for (const name of segmentNames(dir)) if (Number(name.slice(0, 12)) < end) rmSync(join(dir, 'seg', name))
  return toHex(root)
}

/** An entry behind the last one, which follows it. */
function writeOn(dir: string, kind: string, data: object): void {
  const last = linesIn(dir).at(-1) ?? assert.fail()
  const { seq, h } = JSON.parse(last) as Entry
  const body = last
    .slice(0, -72)
    .replace(/"seq":\d+,"prev":"[0-9a-f]+"/, `"seq":${seq + 1},"prev":"${h}"`)
    .replace(/"kind":.*$/, `"kind":"${kind}","data":${JSON.stringify(data)}`)
  appendFileSync(join(dir, 'seg', segmentNames(dir).at(-1) ?? ''), `${body},"h":"${hash('sha256', body, 'hex')}"}\n`)
  rmSync(join(dir, 'head'), { force: true })
}

/** A checkpoint of all there is, by a key of his own. */
async function signedByHim(dir: string): Promise<string> {
  const origin = (await ownEpochs(dir))?.origin ?? assert.fail()
  const size = (entriesIn(dir).at(-1)?.seq ?? -1) + 1
  const { root } = await treeOfSegments(dir, size)
  return signCheckpoint({ origin, size, root }, generateKeyPairSync('ed25519').privateKey)
}

test('commands that were taken away from the beginning are missed, whatever stands for them', async t => {
  const { dir, ledger, kept, sealed } = await stand(t)
  await ledger.close(2000)
  const last = receipt(entriesIn(dir).at(-1))
  const root = await cutBegin(dir, sealed)
  for (const receipts of [[kept], [last], []]) {
    const verdict = await verifyCommands(dir, { receipts })
    assert.match(verdict.firstBad?.why ?? '', /gone, and no entry tells that they were pruned/, String(receipts))
    assert.equal((await said(dir, receipts)).code, 1)
  }
  // He tells of it himself: no receipt and nothing that was signed is of that entry.
  for (const data of [
    { upTo: sealed.end - 1, root },
    { upTo: sealed.end, root: 'ab'.repeat(32) },
  ]) {
    const lies = copyOf(t, dir)
    writeOn(lies, 'ledger.pruned', { ...data, segments: 1, archive: null })
    assert.match((await verifyCommands(lies)).firstBad?.why ?? '', /no entry tells/, 'it tells of another prune')
  }
  writeOn(dir, 'ledger.pruned', { upTo: sealed.end, root, segments: 1, archive: null })
  const forged = await signedByHim(dir)
  for (const [receipts, checkpoint] of [
    [[kept], null],
    [[last], null],
    [[kept, last], null],
    [[kept], forged],
  ] as const) {
    if (checkpoint !== null) writeFileSync(join(dir, 'checkpoint'), checkpoint)
    const verdict = await verifyCommands(dir, { receipts })
    assert.match(
      verdict.firstBad?.why ?? '',
      /were pruned, as entry #\d+ tells, and neither a receipt .* nor .* checkpoint proves/,
    )
    const { code, text } = await said(dir, receipts)
    assert.equal(code, 1)
    assert.match(text, /What to do: .*kept elsewhere \(--receipt\)\. If it was you .*"heald ledger checkpoint"/)
    assert.doesNotMatch((await said(copyOf(t, dir), receipts)).text, /NOT WHOLE|removed|changed/)
  }
})

test('commands of a pruned ledger are proved from the first one that is left, and it is said what is gone', async t => {
  for (const archive of [null, { sha256: 'ab'.repeat(32), folder: '/mnt/archive' }]) {
    const { dir, ledger, kept, sealed } = await stand(t)
    const { seq } = await ledger.prune({ upTo: sealed.end, archive, by: 'local:admin' })
    const told = receipt(entriesIn(dir).find(each => each.seq === seq))
    await ledger.close(2000)
    const pruned = { upTo: sealed.end, toldBy: seq, isArchived: archive !== null, hadCommands: true }
    for (const receipts of [[kept], [told], [kept, told], []]) {
      const verdict = await verifyCommands(dir, { receipts })
      assert.deepEqual([verdict.firstBad, verdict.commands, verdict.pruned], [null, 3, pruned])
      assert.equal(verdict.provedCommands, receipts.length === 0 ? 0 : 3)
      const { code, text } = await said(dir, receipts)
      assert.equal(code, 0)
      const where = archive === null ? 'no archive was made' : 'the archive has them'
      const words = `Commands from before entry #${sealed.end} were pruned, as entry #${seq} tells: ${where}.`
      assert.ok(text.replaceAll('\n', ' ').includes(words), text)
    }
    // Without anything that was signed the receipt alone has to be of what tells of it.
    rmSync(join(dir, 'checkpoint'))
    for (const [receipts, ok] of [
      [[kept], false],
      [[told], true],
      [[], true],
    ] as const)
      assert.equal((await verifyCommands(dir, { receipts })).ok, ok)
    const path = join(dir, 'seg', readdirSync(join(dir, 'seg')).sort()[0] ?? '')
    writeFileSync(path, readFileSync(path, 'utf8').replace('"id":"c4"', '"id":"c7"'))
    assert.equal((await verifyCommands(dir)).ok, false)
  }
})

test('what was pruned before there was any command takes none away, and is said all the same', async t => {
  const dir = await manySegments(t, 1)
  const ledger = await reopened(t, dir, { fsync: true })
  const chain: ChainRef = { h: '0'.repeat(64) }
  await ledger.prune({ upTo: sealedSegments(dir)[0]?.end ?? -1, archive: null, by: 'local:admin' })
  const before = await said(dir, [])
  assert.match(before.text, /entries before #\d+ were pruned/, 'whether commands were among them nobody knows')
  await ledger.append({ kind: 'command.requested', data: { id: 'c0' }, chain })
  const { code, text } = await said(dir, [receipt(entriesIn(dir).findLast(isCommand))])
  assert.equal(code, 0)
  assert.match(text, /entries before #\d+ were pruned.*no command was among them/)
})

test('a receipt is asked for where it would help, and not where a pruned ledger is damaged behind its beginning', async t => {
  const { dir, ledger, kept, sealed } = await stand(t)
  const { seq } = await ledger.prune({ upTo: sealed.end, archive: null, by: 'local:admin' })
  const chain: ChainRef = { h: entriesIn(dir).findLast(isCommand)?.h ?? '' }
  for (const id of ['c6', 'c7']) await ledger.append({ kind: 'command.requested', data: { id }, chain })
  await ledger.close(2000)
  const path = join(dir, 'seg', segmentNames(dir).at(-1) ?? '')
  const lines = readFileSync(path, 'utf8').split('\n')
  const at = lines.findLastIndex(line => line.includes('"id":"c6"'))
  writeFileSync(path, lines.with(at, (lines[at] ?? '').replace('"c6"', '"c9"')).join('\n'))
  for (const receipts of [[], [kept]]) {
    const { code, text } = await said(dir, receipts)
    assert.equal(code, 1)
    assert.match(text, /^THE COMMANDS ARE NOT WHOLE at entry #\d+/)
    assert.doesNotMatch(text, /What to do/)
  }
  assert.equal((await verifyCommands(dir)).pruned?.toldBy, seq, 'although an entry tells of the prune')
})

test('right after a prune its entry is signed, also where the daemon prunes by itself', async t => {
  for (const how of ['ordered', 'kept']) {
    const { dir, ledger, kept, sealed } = await stand(t)
    await ledger.close(2000)
    const due: { readonly ms: number; readonly work: () => void }[] = []
    const clock = {
      ...systemClock,
      wallMs: () => Date.now() + 2 * DAY_MS,
      // What is due in minutes is due when it is called here.
      after(ms: number, work: () => void) {
        if (ms < 600_000) return systemClock.after(ms, work)
        due.push({ ms, work })
        return () => {}
      },
    }
    const daemon = await reopened(t, dir, {
      ...{ fsync: true, clock, checkpointEveryMs: 7 * DAY_MS },
      ...(how === 'kept' ? { keep: { ms: DAY_MS, archive: null } } : {}),
    })
    await daemon.append(exit(1))
    if (how === 'ordered') await daemon.prune({ upTo: sealed.end, archive: null, by: 'local:admin' })
    else {
      for (const { work } of due.splice(0)) work()
      await until('its next look', () => due.some(({ ms }) => ms === 6 * 3_600_000))
    }
    const verdict = await verifyCommands(dir, { receipts: [kept] })
    assert.deepEqual([verdict.firstBad, verdict.pruned?.upTo], [null, sealed.end], how)
    assert.equal((await said(dir, [kept])).code, 0, how)
  }
})

test('where a key was lost nobody is told to sign a prune: that would prove nothing', async t => {
  const { dir, ledger, kept, sealed } = await stand(t)
  await ledger.checkpoint()
  await ledger.close(2000)
  rmSync(join(dir, 'keys'), { recursive: true })
  const keyless = await reopened(t, dir, { fsync: true, onTrouble: () => {} })
  const { seq } = await keyless.prune({ upTo: sealed.end, archive: null, by: 'local:admin' })
  for (const key of ['gone', 'new']) {
    if (key === 'new') {
      await keyless.rotateKey('local:admin')
      await keyless.append(exit(1))
      await keyless.checkpoint()
    }
    const { code, text } = await said(dir, [kept])
    assert.equal(code, 1)
    const words = `NOT ALL OF THE COMMANDS ARE PROVED, from entry #${sealed.end} on: the entries before it were pruned, as entry #${seq} tells`
    assert.ok(text.includes(words), text)
    assert.match(text, /they prove 3 of them\.\nWhat to do: give a receipt/)
    assert.doesNotMatch(text, /heald ledger checkpoint|removed|changed/, key)
  }
  const told = receipt(entriesIn(dir).find(each => each.seq === seq))
  assert.equal((await said(dir, [kept, told])).code, 0)
})

test('nobody is told to sign a prune where that would prove nothing: in a copy, with another key, without a handover', async t => {
  const { dir, ledger, kept, sealed } = await stand(t)
  await ledger.prune({ upTo: sealed.end, archive: null, by: 'local:admin' })
  await ledger.close(2000)
  const unsigned = copyOf(t, dir)
  rmSync(join(unsigned, 'checkpoint'))
  assert.equal((await verifyCommands(unsigned, { receipts: [kept] })).trouble, 'unproved-signable')
  const [own, copy] = [await said(unsigned, [kept]), await said(unsigned, [kept], dirname(dir))]
  assert.match(own.text, /If it was you who pruned, "heald ledger checkpoint" signs that/)
  assert.doesNotMatch(copy.text, /heald ledger checkpoint/, 'it would sign the one that is in use')
  const other = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })
  writeFileSync(join(unsigned, 'keys/1.pem'), other)
  assert.equal((await verifyCommands(unsigned, { receipts: [kept] })).trouble, 'unproved', 'that key is another one')
  const [handover] = keptCheckpoints(dir)
  const path = join(dir, handover?.name ?? assert.fail())
  for (const note of [null, handover?.note.replace(/^— .*\n/m, '')]) {
    if (note == null) rmSync(path)
    else writeFileSync(path, note)
    const { code, text } = await said(dir, [kept])
    assert.equal(code, 1)
    assert.match(text, /\nWhat to do: give a receipt/)
    assert.doesNotMatch(text, /heald ledger checkpoint/)
  }
})

test('a file of the commands that are left says that the others were pruned, or taken out', async t => {
  const { dir, ledger, kept, sealed } = await stand(t)
  await ledger.prune({ upTo: sealed.end, archive: null, by: 'local:admin' })
  await ledger.close(2000)
  const path = join(dir, '..', 'commands.jsonl')
  const lines = linesIn(dir).filter(line => line.includes('"kind":"command.'))
  writeFileSync(path, `${lines.join('\n')}\n`)
  const verdict = await verifyCommandFile(path, { receipts: [kept] })
  assert.deepEqual([verdict.ok, verdict.trouble, verdict.commands, verdict.provedCommands], [false, 'cut', 3, 3])
  const { code, text } = await said(path, [kept])
  assert.equal(code, 1)
  assert.match(
    text,
    /^NOT ALL OF THE COMMANDS ARE PROVED, from entry #\d+ on: .* not in the file: they were pruned, or/,
  )
  assert.match(text, /3 entries of commands in one chain, .* they prove 3 of them\./)
  // What is worse is said first.
  writeFileSync(path, `${lines.toSpliced(1, 1).join('\n')}\n`)
  const worse = await verifyCommandFile(path, { receipts: [kept] })
  assert.deepEqual([worse.trouble, worse.commands], [null, 1])
  assert.match(worse.firstBad?.why ?? '', /one was removed, put elsewhere or changed/)
  writeFileSync(path, `${lines[0]}\n`)
  const missing = await verifyCommandFile(path, { receipts: [kept] })
  assert.deepEqual([missing.trouble, missing.firstBad?.why], [null, 'the entry of a receipt is not in the file'])
})
