import assert from 'node:assert/strict'
import {
  appendFileSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { recover } from '../../../core/ledger/recover.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { copyOf, entriesIn, exit, folder, judged, opened, written } from './stand.ts'

const SEGMENT = 'seg/000000000000.jsonl'

/** Byte offsets at which the last `count` lines start, and the end. */
function lastStarts(bytes: Buffer, count: number): number[] {
  const starts = [bytes.length]
  for (let at = bytes.length - 1; starts.length <= count; ) {
    at = bytes.lastIndexOf(10, at - 1)
    starts.unshift(at + 1)
  }
  return starts
}

test('cut at every byte of the last lines: a torn write, kept aside and told', async t => {
  const dir = await written(t, 6)
  const path = join(dir, SEGMENT)
  const whole = readFileSync(path)
  const [from = 0] = lastStarts(whole, 3)
  for (let cut = from; cut < whole.length; cut++) {
    writeFileSync(path, whole.subarray(0, cut))
    rmSync(join(dir, 'aside'), { recursive: true, force: true })
    const lastLf = whole.lastIndexOf(10, cut - 1) + 1
    const found = recover(dir, false)
    const lines = whole.subarray(0, lastLf).toString().split('\n').length - 1
    assert.equal(found.position.seq, lines, `cut at ${cut}`)
    assert.equal(statSync(path).size, lastLf)
    const kinds = found.notices.map(notice => notice.draft.kind)
    assert.deepEqual(kinds, cut === lastLf ? [] : ['ledger.torn'], `cut at ${cut}`)
    if (cut > lastLf) {
      const [name = ''] = readdirSync(join(dir, 'aside'))
      assert.deepEqual(readFileSync(join(dir, 'aside', name)), whole.subarray(lastLf, cut))
    }
  }
})

test('the same cuts when the mark knew the lines: damage, and nothing is cut off', async t => {
  const dir = await written(t, 6, { mark: true })
  const path = join(dir, SEGMENT)
  const whole = readFileSync(path)
  const [from = 0] = lastStarts(whole, 2)
  for (let cut = from; cut < whole.length; cut++) {
    writeFileSync(path, whole.subarray(0, cut))
    const found = recover(dir, false)
    assert.equal(found.tail, null)
    assert.deepEqual(
      found.notices.map(notice => notice.draft.kind),
      ['integrity.alert'],
      `cut at ${cut}`,
    )
    assert.equal(statSync(path).size, cut)
    const verdict = await verifyLedger(dir)
    assert.equal(verdict.firstBad?.seq, whole.subarray(0, cut).toString().split('\n').length - 1, `cut at ${cut}`)
  }
})

test('a bit flipped in any byte of the last lines: the right line is named, at the start and by verify', async t => {
  const dir = await written(t, 6)
  const path = join(dir, SEGMENT)
  const whole = readFileSync(path)
  const starts = lastStarts(whole, 3)
  for (let at = starts[0] ?? 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole)
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
    writeFileSync(path, flipped)
    const index = starts.findLastIndex(start => start <= at)
    const seq = 7 - (starts.length - 1) + index
    const verdict = await verifyLedger(dir)
    assert.deepEqual([verdict.ok, verdict.firstBad?.seq, verdict.firstBad?.line], [false, seq, seq + 1], `byte ${at}`)
    assert.equal(verdict.provableUpTo, seq)
    const found = recover(dir, false)
    const [notice] = found.notices
    if (seq < 6) {
      assert.equal(notice?.draft.kind, 'integrity.alert', `byte ${at}`)
      assert.equal(notice?.draft.data.seq, seq, `byte ${at}`)
      assert.equal(found.position.seq, 7, 'it goes on behind the last whole line')
      assert.deepEqual(readFileSync(path), flipped, 'damage is left as it is')
    } else assert.equal(notice?.draft.kind, 'ledger.torn', `byte ${at}: nothing whole behind it, no mark`)
    rmSync(join(dir, 'aside'), { recursive: true, force: true })
  }
})

test('after damage the ledger goes on in a new segment, and still names the damaged line', async t => {
  const dir = await written(t, 20, { mark: true })
  const path = join(dir, SEGMENT)
  const bytes = readFileSync(path)
  const at = bytes.indexOf('"pid":7,')
  bytes[at + 6] = 56
  writeFileSync(path, bytes)
  const ledger = await opened(t, dir)
  await ledger.append(exit(99))
  await ledger.close(2000)
  const kinds = entriesIn(dir).map(entry => entry.kind)
  assert.deepEqual(kinds.slice(21), ['segment.opened', 'integrity.alert', 'service.exited'])
  const verdict = await verifyLedger(dir)
  assert.deepEqual([verdict.firstBad?.seq, verdict.firstBad?.line], [7, 8])
  assert.match(judged(dir).said, /^bad: 000000000000.jsonl line 8:/)
  const again = await opened(t, dir)
  await again.close(2000)
  assert.equal(entriesIn(dir).filter(entry => entry.kind === 'integrity.alert').length, 1, 'one alert for one damage')
})

test('a torn tail is told once, and its bytes are kept', async t => {
  const dir = await written(t, 5)
  const path = join(dir, SEGMENT)
  truncateSync(path, statSync(path).size - 30)
  for (let n = 0; n < 2; n++) {
    const ledger = await opened(t, dir)
    await ledger.append(exit(n))
    await ledger.close(2000)
  }
  const torn = entriesIn(dir).filter(entry => entry.kind === 'ledger.torn')
  assert.equal(torn.length, 1)
  assert.equal(readFileSync(join(dir, 'aside', String(torn[0]?.data.savedAs))).length, torn[0]?.data.bytes)
  assert.equal(judged(dir).code, 0, judged(dir).said)
})

test('a segment whose maker died before its first line is no segment', async t => {
  for (const rest of ['', '{"v":1,"seq":6,"prev":"']) {
    const dir = await written(t, 5)
    writeFileSync(join(dir, 'seg/000000000006.jsonl'), rest)
    assert.equal((await verifyLedger(dir)).ok, rest === '')
    const ledger = await opened(t, dir)
    assert.deepEqual([ledger.head().size, ledger.head().recording], [rest === '' ? 6 : 7, 'ok'])
    await ledger.close(2000)
    assert.equal(judged(dir).code, 0, judged(dir).said)
  }
})

test('a ledger that lost its segments, its last one, or got an old one back says so', async t => {
  const dir = await written(t, 20, { mark: true })
  const gone = copyOf(t, dir)
  rmSync(join(gone, SEGMENT))
  const anew = await opened(t, gone)
  await anew.close(2000)
  assert.deepEqual(
    entriesIn(gone).map(entry => entry.kind),
    ['genesis', 'integrity.alert'],
  )

  const old = await written(t, 10)
  copyFileSync(join(dir, 'head'), join(old, 'head'))
  assert.equal((await verifyLedger(old)).firstBad?.why, 'entries are missing: the mark knew 21')
  const back = await opened(t, old)
  await back.close(2000)
  assert.deepEqual(
    entriesIn(old)
      .slice(11)
      .map(entry => entry.kind),
    ['segment.opened', 'integrity.alert'],
  )

  assert.equal(entriesIn(old).at(-1)?.data.what, 'entries are missing')

  const other = await written(t, 20)
  copyFileSync(join(dir, 'head'), join(other, 'head'))
  assert.match((await verifyLedger(other)).firstBad?.why ?? '', /another hash/)
  assert.equal(recover(other, false).notices[0]?.draft.kind, 'integrity.alert')
})

test('a segment larger than heald writes any is damage, and what is beyond is not read', async t => {
  const dir = await written(t, 6)
  const path = join(dir, SEGMENT)
  const bytes = statSync(path).size
  appendFileSync(path, '{"v":1,"se')
  assert.equal((await verifyLedger(dir)).torn, true)
  // A hole in the file: more than can be held in memory.
  truncateSync(path, 9 * 1024 ** 3)
  const { torn, size } = await verifyLedger(dir)
  assert.deepEqual([torn, size], [false, 7])
  const { notices, previous, tail, position } = recover(dir, false)
  assert.deepEqual(
    notices.map(({ draft }) => [draft.kind, draft.data.what]),
    [['integrity.alert', 'the last segment is damaged']],
  )
  assert.deepEqual([position.seq, previous?.validBytes, previous?.count, tail], [7, bytes, 7, null])
  assert.deepEqual(readdirSync(join(dir, 'aside')), [])
})

test('a whole line is found behind bytes that look like the beginnings of many', async t => {
  const dir = await written(t, 6)
  const path = join(dir, SEGMENT)
  const last = readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) ?? ''
  for (const [begun, isWhole] of [
    [40_000, true],
    [40_000, false],
    [3, true],
  ] as const) {
    const text = '{"v":1,"seq":'.repeat(begun) + (isWhole ? last : last.slice(0, -3))
    writeFileSync(path, `${readFileSync(path, 'utf8').split('\n').slice(0, 6).join('\n')}\n${text}\n`)
    const found = recover(dir, false).notices.map(({ draft }) => draft.kind)
    assert.deepEqual(found, [isWhole ? 'integrity.alert' : 'ledger.torn'], `${begun} ${isWhole}`)
    rmSync(join(dir, 'aside'), { recursive: true, force: true })
  }
})

test('an empty folder begins with genesis; the wall clock set back is told', async t => {
  const dir = join(folder(t), 'a/b/ledger')
  let nowMs = Date.parse('2026-08-21T12:00:00Z')
  const clock = { wallMs: () => nowMs, monoMs: () => performance.now(), after: () => () => {} }
  const ledger = await opened(t, dir, { clock, host: 'Web 1' })
  await ledger.append(exit(1))
  nowMs -= 60_000
  const turn = [ledger.append(exit(2)), ledger.append(exit(3))]
  nowMs -= 60_000
  turn.push(ledger.append(exit(33)))
  await Promise.all(turn)
  await ledger.close(1000)
  nowMs -= 60_000
  const again = await opened(t, dir, { clock })
  await again.append(exit(4))
  await again.close(1000)
  const entries = entriesIn(dir)
  const { publicKey, ...more } = entries[0]?.data ?? {}
  assert.deepEqual(more, { host: 'web-1', origin: 'web-1/heald', version: '0.0.0' })
  assert.equal(Buffer.from(String(publicKey), 'base64').length, 32)
  const kinds = entries.map(entry => entry.kind)
  assert.deepEqual(kinds.filter(kind => kind === 'clock.rewound').length, 3, kinds.join(' '))
  assert.deepEqual(entries[2]?.data, {
    lastTs: '2026-08-21T12:00:00.000Z',
    nowTs: '2026-08-21T11:59:00.000Z',
    byMs: 60_000,
  })
  assert.equal(judged(dir).code, 0, judged(dir).said)
})
