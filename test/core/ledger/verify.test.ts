import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { appendFileSync, chmodSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { recover } from '../../../core/ledger/recover.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { exit, judged, opened, rehashed, written } from './stand.ts'

const SEGMENT = 'seg/000000000000.jsonl'

/** What somebody may do to lines; `seq` is the first line that has to be named. */
const ATTACKS: readonly {
  readonly name: string
  readonly seq: number | null
  readonly change: (lines: string[]) => string[]
}[] = [
  { name: 'a line edited', seq: 4, change: lines => lines.with(4, (lines[4] ?? '').replace('"pid":4', '"pid":5')) },
  {
    name: 'a line edited and hashed anew',
    seq: 5,
    change: lines => lines.with(4, reseal((lines[4] ?? '').replace('"pid":4', '"pid":5'))),
  },
  { name: 'a line deleted', seq: 4, change: lines => lines.toSpliced(4, 1) },
  {
    name: 'a line deleted and the next one put in its place',
    seq: 4,
    change: lines => lines.toSpliced(4, 2, reseal((lines[5] ?? '').replace('"seq":5', '"seq":4'))),
  },
  {
    name: 'a place skipped, its neighbour hashed anew',
    seq: 4,
    change: lines =>
      lines.toSpliced(4, 2, reseal((lines[5] ?? '').replace(/"prev":"\w+"/, `"prev":"${hashIn(lines[3])}"`))),
  },
  { name: 'a line inserted', seq: 5, change: lines => lines.toSpliced(4, 0, lines[4] ?? '') },
  { name: 'two lines swapped', seq: 4, change: lines => lines.with(4, lines[5] ?? '').with(5, lines[4] ?? '') },
  { name: 'an empty line', seq: 4, change: lines => lines.toSpliced(4, 0, '') },
  { name: 'the first line gone', seq: 0, change: lines => lines.slice(1) },
  { name: 'a CR before the LF', seq: 4, change: lines => lines.with(4, `${lines[4]}\r`) },
  { name: 'bytes that are not UTF-8, hashed as they are', seq: 9, change: lines => lines },
  // These can't be told by a chain alone, and the guide says so: they need a head that is kept elsewhere.
  { name: 'the end cut off at a line', seq: null, change: lines => lines.slice(0, 7) },
  {
    name: 'everything written anew',
    seq: null,
    change: lines => rehashed(lines.join('\n').replace('"pid":4', '"pid":5')).split('\n'),
  },
]

const hashIn = (line = ''): string => line.slice(-66, -2)

function reseal(line: string): string {
  const body = line.slice(0, -72)
  return `${body},"h":"${hash('sha256', body, 'hex')}"}`
}

test('what is done to lines is named at the right line, or can not be told, by us and by the judge alike', async t => {
  const dir = await written(t, 8)
  const path = join(dir, SEGMENT)
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  for (const { name, seq, change } of ATTACKS) {
    writeFileSync(path, `${change(lines).join('\n')}\n`)
    if (name.startsWith('bytes')) writeFileSync(path, notUtf8(readFileSync(path)))
    const { ok, firstBad, provableUpTo } = await verifyLedger(dir)
    assert.equal(ok, seq === null, name)
    assert.equal(judged(dir).code, seq === null ? 0 : 1, `${name}: ${judged(dir).said}`)
    if (seq === null) continue
    assert.deepEqual([firstBad?.seq, firstBad?.line, provableUpTo], [seq, seq + 1, seq], `${name}: ${firstBad?.why}`)
    assert.match(judged(dir).said, new RegExp(`line ${seq + 1}: entry ${seq}:`), name)
  }
})

/** One more line, whose hash is right over bytes that no text has. */
function notUtf8(bytes: Buffer): Buffer {
  const last = bytes.toString('latin1').trimEnd().split('\n').at(-1) ?? ''
  const text = last
    .slice(0, -72)
    .replace('"seq":8', '"seq":9')
    .replace(/"prev":"\w+"/, `"prev":"${hashIn(last)}"`)
  const body = Buffer.from(text.replace('SIGKILL', 'SIG\xff\xfeL'), 'latin1')
  return Buffer.concat([bytes, body, Buffer.from(`,"h":"${hash('sha256', body, 'hex')}"}\n`)])
}

test('a bad end is called torn exactly when the next start would set it aside', async t => {
  for (const mark of [false, true]) {
    const dir = await written(t, 6, { mark })
    const path = join(dir, SEGMENT)
    const whole = readFileSync(path)
    const from = whole.lastIndexOf(10, whole.lastIndexOf(10, whole.length - 2) - 1) + 1
    const flipped = (at: number) => Buffer.from(whole).fill((whole[at] ?? 0) ^ (1 << (at % 8)), at, at + 1)
    const ends = Array.from({ length: whole.length - from }, (_, n) => from + n).flatMap(at => [
      whole.subarray(0, at),
      flipped(at),
      Buffer.concat([whole, whole.subarray(at)]),
    ])
    for (const [index, bytes] of ends.entries()) {
      writeFileSync(path, bytes)
      const { torn, firstBad } = await verifyLedger(dir)
      const found = recover(dir, false).notices.map(notice => notice.draft.kind)
      assert.equal(torn, found.includes('ledger.torn'), `end ${index} of a ledger ${mark ? 'with' : 'without'} mark`)
      if (torn) assert.ok(firstBad !== null, 'torn is still not whole')
      rmSync(join(dir, 'aside'), { recursive: true, force: true })
    }
  }
})

test('a segment that was begun behind a torn end, and cut short too: torn exactly when the next start sets both aside', async t => {
  const next = await written(t, 9)
  const line = readFileSync(join(next, SEGMENT), 'utf8').split('\n')[7] ?? ''
  for (const mark of [false, true]) {
    const dir = await written(t, 6, { mark })
    const path = join(dir, SEGMENT)
    const whole = readFileSync(path)
    const later = join(dir, 'seg/000000000007.jsonl')
    for (const end of ['', '{"v":1,"se', `${line.slice(0, 50)}\n`])
      for (const cut of ['', '{', line.slice(0, -1), `${line.slice(0, -9)}\n${line.slice(0, 80)}`, line, `${line}\n`])
        for (const mode of [0o600, 0o444]) {
          const where = `${JSON.stringify([end.length, cut.length, mode])} ${mark ? 'with' : 'without'} a mark`
          writeFileSync(path, Buffer.concat([whole, Buffer.from(end)]))
          writeFileSync(later, cut)
          chmodSync(path, mode)
          const { ok, torn } = await verifyLedger(dir)
          const found = recover(dir, false).notices.map(notice => notice.draft.kind)
          assert.equal(torn, found.length > 0 && found.every(kind => kind === 'ledger.torn'), where)
          if (found.includes('integrity.alert')) assert.ok(!ok || mode === 0o444, where)
          rmSync(path)
          rmSync(later, { force: true })
          rmSync(join(dir, 'aside'), { recursive: true, force: true })
        }
  }
})

test('two short writes and a kill: no damage, at the start and by verify', async t => {
  const dir = await written(t, 6)
  appendFileSync(join(dir, SEGMENT), '{"v":1,"seq":7,"prev":"')
  writeFileSync(join(dir, 'seg/000000000007.jsonl'), '{"v":1,"seq":7,"pr')
  const { torn, size } = await verifyLedger(dir)
  assert.deepEqual([torn, size], [true, 7])
  const ledger = await opened(t, dir)
  await ledger.append(exit(8))
  await ledger.close(2000)
  assert.equal((await verifyLedger(dir)).firstBad, null)
})

test('a torn end is no damage while a writer runs, as a full disk leaves it; behind a sealed segment it is', async t => {
  const dir = await written(t, 6)
  appendFileSync(join(dir, SEGMENT), '{"v":1,"se')
  const judge = async (): Promise<boolean[]> => {
    const { ok, torn, hasWriter } = await verifyLedger(dir)
    return [ok, torn, hasWriter]
  }
  writeFileSync(join(dir, 'lock.pid'), `${process.pid}\n`)
  assert.deepEqual(await judge(), [false, true, true])
  rmSync(join(dir, 'lock.pid'))
  assert.deepEqual(await judge(), [false, true, false])
  chmodSync(join(dir, SEGMENT), 0o444)
  assert.deepEqual(await judge(), [false, false, false])
  truncateSync(join(dir, SEGMENT), readFileSync(join(dir, SEGMENT)).lastIndexOf(10) + 1)
  writeFileSync(join(dir, 'seg/000000000007.jsonl'), '{"v":1,"se')
  assert.deepEqual(await judge(), [false, false, false])
  chmodSync(join(dir, SEGMENT), 0o600)
  assert.deepEqual(await judge(), [false, true, false])
})

test('a torn end hides nothing that is wrong before it: an end that was cut off, or another past than the signed one', async t => {
  const dir = await written(t, 6)
  const ledger = await opened(t, dir)
  await ledger.settled()
  await ledger.append(exit(7))
  const { note } = await ledger.checkpoint()
  await ledger.append(exit(8))
  await ledger.close(2000)
  rmSync(join(dir, 'head'))
  const path = join(dir, SEGMENT)
  const lines = readFileSync(path, 'utf8').split('\n')
  const judge = async (text: string, keeps: boolean): Promise<[boolean, string]> => {
    writeFileSync(path, `${text}\n{"v":1,"se`)
    if (keeps) writeFileSync(join(dir, 'checkpoint'), note)
    else rmSync(join(dir, 'checkpoint'), { force: true })
    const trust = { keys: [], checkpoints: keeps ? [] : [{ name: 'kept', note }] }
    const { torn, firstBad } = await verifyLedger(dir, { trust })
    return [torn, firstBad?.why ?? '']
  }
  for (const keeps of [true, false]) {
    assert.deepEqual(await judge(lines.slice(0, 8).join('\n'), keeps), [true, 'the line has no end'])
    assert.deepEqual(await judge(lines.slice(0, 5).join('\n'), keeps), [false, 'the line has no end'])
    const forged = rehashed(lines.slice(0, 8).join('\n').replace('"pid":4', '"pid":5'))
    const [torn, why] = await judge(forged, keeps)
    assert.equal(torn, false)
    assert.match(why, /are not those that were signed/)
  }
})

/** A ledger whose first segment ends with `voids` bytes that the second one's first entry does not count. */
async function withVoid(t: TestContext, voids: string): Promise<string> {
  const dir = await written(t, 5)
  const path = join(dir, SEGMENT)
  appendFileSync(path, 'cut off\n')
  writeFileSync(
    join(dir, 'head'),
    JSON.stringify({ size: 9, h: 'f'.repeat(64), root: null, seg: '000000000000', off: 1 }),
  )
  const ledger = await opened(t, dir)
  await ledger.append(exit(1))
  await ledger.close(1000)
  chmodSync(path, 0o600)
  truncateSync(path, readFileSync(path).length - 'cut off\n'.length)
  appendFileSync(path, voids)
  return dir
}

test('bytes that do not count are reported, and make nothing bad', async t => {
  const dir = await withVoid(t, 'what a failed write left')
  const { ok, torn, void: voids } = await verifyLedger(dir)
  assert.deepEqual([ok, torn, voids], [true, false, [{ segment: '000000000000', bytes: 24 }]])
  const whole = await withVoid(t, '')
  assert.deepEqual((await verifyLedger(whole)).void, [])
})

test('the chain alone is judged by the chain alone: a root that the mark tells of is no alarm, and damage still is', async t => {
  const dir = await written(t, 12)
  const ledger = await opened(t, dir)
  await ledger.settled()
  assert.equal(ledger.tree()?.size, 13)
  await ledger.append(exit(13))
  await ledger.close(2000)
  assert.match((JSON.parse(readFileSync(join(dir, 'head'), 'utf8')) as { root: string }).root, /^[0-9a-f]{64}$/)
  for (const workers of [1, 2]) {
    const { ok, firstBad, checked, root } = await verifyLedger(dir, { isOnlyChain: true, workers })
    assert.deepEqual([ok, firstBad, checked.chain, checked.tree, root], [true, null, true, null, ''])
    assert.match((await verifyLedger(dir, { workers })).root, /^[0-9a-f]{64}$/)
  }
  const mark = readFileSync(join(dir, 'head'), 'utf8')
  writeFileSync(join(dir, 'head'), mark.replace(/"root":"[0-9a-f]{64}"/, `"root":"${'0'.repeat(64)}"`))
  assert.deepEqual(
    [(await verifyLedger(dir)).firstBad?.segment, (await verifyLedger(dir, { isOnlyChain: true })).ok],
    ['head', true],
  )
  const path = join(dir, SEGMENT)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"pid":4', '"pid":5'))
  assert.equal((await verifyLedger(dir, { isOnlyChain: true })).firstBad?.seq, 4)
})

test('a place in the chain that is not written in digits is none, whatever its characters add up to', async t => {
  const dir = await written(t, 25)
  const path = join(dir, 'seg/000000000000.jsonl')
  // ':' comes right after '9': 1 × 10 + 10.
  const text = readFileSync(path, 'utf8').replace('"seq":20,', '"seq":1:,')
  writeFileSync(path, rehashed(text))
  rmSync(join(dir, 'head'), { force: true })
  const { ok, firstBad } = await verifyLedger(dir)
  assert.deepEqual([ok, firstBad?.seq], [false, 20])
})
