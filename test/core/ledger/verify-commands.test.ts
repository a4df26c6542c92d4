import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ChainRef, Entry } from '../../../core/entry.ts'
import { disk } from '../../../core/ledger/files.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { openLedger } from '../../../core/ledger/open.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { verifyLedger } from '../../../core/ledger/verify.ts'
import { verifyCommandFile, verifyCommands } from '../../../core/ledger/verify-commands.ts'
import { until } from '../../until.ts'
import { nextSegment } from './many-segments.ts'
import { copyOf, entriesIn, exit, folder, opened, optionsFor } from './stand.ts'

/** A ledger with 12 entries of commands among others, and its files' only segment. */
async function withCommands(t: TestContext) {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  const chain: ChainRef = { h: '0'.repeat(64) }
  for (let n = 0; n < 12; n += 1) {
    // Together, as a busy daemon has them in one batch: they follow each other all the same.
    const work = [ledger.append({ kind: 'command.requested', data: { id: `c${n}`, verb: 'restart' }, chain })]
    work.push(ledger.append(exit(n)))
    if (n % 3 === 0) await Promise.all(work)
  }
  await ledger.append(exit(99))
  await ledger.close(2000)
  return { dir, entries: entriesIn(dir) }
}

const segmentOf = (dir: string) => join(dir, 'seg', '000000000000.jsonl')
/** Where the fourth command is asked for. */
const fourthIn = (lines: readonly string[]) => lines.findIndex(line => line.includes('"c3"'))
const isCommand = ({ kind }: Pick<Entry, 'kind'>) => kind.startsWith('command.')
const receipt = (entry: Entry | undefined) => receiptOf(entry?.seq ?? -1, entry?.h ?? '')

/** What one who may write the files can do: change entries, then make every hash and every link fit again. */
function rewrite(dir: string, change: (lines: string[]) => string[], { isLinked }: { isLinked: boolean }): void {
  const lines = readFileSync(segmentOf(dir), 'utf8').split('\n').filter(Boolean)
  let [prev, command] = ['0'.repeat(64), '0'.repeat(64)]
  const written = change(lines).map((line, seq) => {
    let body = line
      .slice(0, -72)
      .replace(/"seq":\d+/, `"seq":${seq}`)
      .replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
    if (isLinked) body = body.replace(/"prevCommand":"[0-9a-f]{64}"/, `"prevCommand":"${command}"`)
    prev = hash('sha256', body, 'hex')
    if (body.includes('"prevCommand"')) command = prev
    return `${body},"h":"${prev}"}\n`
  })
  writeFileSync(segmentOf(dir), written.join(''))
  writeFileSync(join(dir, 'head'), '')
}

/** What can be done to the commands of the past; `at`: which line, of those that are commands. */
const ATTACKS: readonly (readonly [name: string, change: (lines: string[], at: number) => string[]])[] = [
  ['altered', (lines, at) => lines.with(at, (lines[at] ?? '').replace('"verb":"restart"', '"verb":"rollback"'))],
  ['removed', (lines, at) => lines.toSpliced(at, 1)],
  ['reordered', (lines, at) => lines.with(at, lines[at + 2] ?? '').with(at + 2, lines[at] ?? '')],
  ['put in', (lines, at) => lines.toSpliced(at, 0, (lines[at] ?? '').replace('"id":"c', '"id":"c9'))],
  [
    'made another kind',
    (lines, at) => {
      const line = (lines[at] ?? '').replace('command.requested', 'service.ready')
      return lines.with(at, line.replace(/"prevCommand":"[0-9a-f]{64}",/, ''))
    },
  ],
]

test('commands that are queued together follow each other, and nothing else is in their way', async t => {
  const { dir, entries } = await withCommands(t)
  const verdict = await verifyCommands(dir)
  assert.deepEqual([verdict.ok, verdict.commands, verdict.firstBad], [true, 12, null])
  assert.equal(verdict.head, entries.findLast(isCommand)?.h)
  let before = '0'.repeat(64)
  for (const { data, h } of entries.filter(isCommand)) {
    assert.equal(data.prevCommand, before)
    before = h
  }
})

test('without new hashes each attack is found at once, by the ledger and by the commands alone', async t => {
  const { dir } = await withCommands(t)
  for (const [name, change] of ATTACKS) {
    const copy = copyOf(t, dir)
    const lines = readFileSync(segmentOf(copy), 'utf8').split('\n').filter(Boolean)
    writeFileSync(segmentOf(copy), `${change(lines, fourthIn(lines)).join('\n')}\n`)
    assert.equal((await verifyCommands(copy)).ok, false, name)
  }
})

test('with the ledger’s hashes made anew, the chain of commands tells without any receipt', async t => {
  const { dir } = await withCommands(t)
  for (const [name, change] of ATTACKS) {
    const copy = copyOf(t, dir)
    rewrite(copy, lines => change(lines, fourthIn(lines)), { isLinked: false })
    assert.equal((await verifyLedger(copy, { isOnlyChain: true })).ok, true, `${name}: the main chain was made anew`)
    const verdict = await verifyCommands(copy)
    assert.match(verdict.firstBad?.why ?? '', /removed, put elsewhere or changed/, name)
  }
})

test('with the links made anew as well, one later receipt tells, of a command or of any entry', async t => {
  const { dir, entries } = await withCommands(t)
  const laterCommand = receipt(entries.filter(isCommand)[7])
  const laterEntry = receipt(entries.at(-1))
  const earlier = receipt(entries.filter(isCommand)[1])
  assert.equal((await verifyCommands(dir, { receipts: [laterCommand, laterEntry, earlier] })).provedCommands, 12)
  assert.equal((await verifyCommands(dir, { receipts: [laterCommand] })).provedCommands, 8)
  for (const [name, change] of ATTACKS) {
    const copy = copyOf(t, dir)
    rewrite(copy, lines => change(lines, fourthIn(lines)), { isLinked: true })
    // This is what can't be seen without help: said in the docs.
    assert.equal((await verifyCommands(copy)).ok, true, `${name}: all of it was made anew`)
    assert.equal((await verifyCommands(copy, { receipts: [earlier] })).ok, true, `${name}: from before it`)
    for (const later of [laterCommand, laterEntry]) {
      const verdict = await verifyCommands(copy, { receipts: [later] })
      assert.match(verdict.firstBad?.why ?? '', /rewritten|not there any more/, `${name} ${later}`)
    }
  }
})

test('a command that is put where no reader looks for it, with a hash that fits, is found', async t => {
  const { dir, entries } = await withCommands(t)
  const later = receipt(entries.at(-1))
  const lines = readFileSync(segmentOf(dir), 'utf8').split('\n').filter(Boolean)
  const last = lines.length - 1
  const forged = (seq: number, prev: string): string => {
    const line = (lines[fourthIn(lines)] ?? '').replace('"verb":"restart"', '"verb":"rollback"')
    const body = line
      .slice(0, -72)
      .replace(/"seq":\d+/, `"seq":${seq}`)
      .replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
    return `${body},"h":"${hash('sha256', body, 'hex')}"}`
  }
  const before = entries[last - 1]?.h ?? ''
  for (const [name, line, listed] of [
    ['in the place of an old one', forged(3, entries[2]?.h ?? ''), 13],
    ['in the place of an old one, and linked to the line before', forged(3, before), 13],
    ['further on, and linked to the line before', forged(last + 100, before), 13],
  ] as const) {
    const copy = copyOf(t, dir)
    writeFileSync(segmentOf(copy), `${lines.toSpliced(last, 0, line).join('\n')}\n`)
    const { rows } = await listEntries(copy, { kinds: ['command'] }, { limit: 100 })
    assert.equal(rows.length, listed, `a list shows it: ${name}`)
    const verdict = await verifyCommands(copy, { receipts: [later] })
    assert.deepEqual([verdict.ok, verdict.firstBad?.seq], [false, last], name)
  }
})

test('a segment whose name hides commands from readers is found', async t => {
  const { dir } = await withCommands(t)
  const ledger = await opened(t, dir, { fsync: true })
  await nextSegment(t, ledger)
  await ledger.append(exit(1))
  await ledger.close(2000)
  const [, last = ''] = readdirSync(join(dir, 'seg')).sort()
  const seq = Number(last.slice(0, 12))
  renameSync(join(dir, 'seg', last), join(dir, 'seg', `${String(seq - 3).padStart(12, '0')}.jsonl`))
  const verdict = await verifyCommands(dir)
  assert.deepEqual([verdict.ok, verdict.firstBad?.seq], [false, seq])
  assert.match(verdict.firstBad?.why ?? '', /the segment begins with entry \d+ where entry \d+ should be/)
})

test('an end that is still being written is no damage of the commands', async t => {
  const { dir } = await withCommands(t)
  writeFileSync(segmentOf(dir), '{"v":1,"seq":', { flag: 'a' })
  const verdict = await verifyCommands(dir)
  assert.deepEqual([verdict.ok, verdict.commands], [true, 12])
})

test('nothing but the entries of commands is needed, in any order', async t => {
  const { dir, entries } = await withCommands(t)
  const lines = readFileSync(segmentOf(dir), 'utf8')
    .split('\n')
    .filter(line => line.includes('"command.'))
  const path = join(folder(t), 'commands.jsonl')
  const later = receipt(entries.filter(isCommand)[7])
  writeFileSync(path, `${lines.toReversed().join('\n')}\n`)
  const whole = await verifyCommandFile(path, { receipts: [later] })
  assert.deepEqual([whole.ok, whole.commands, whole.provedCommands], [true, 12, 8])
  for (const [name, left, why] of [
    ['one is missing', lines.toSpliced(4, 1), /removed/],
    ['the one of the receipt is missing, and all after it', lines.slice(0, 7), /not in the file/],
    ['one was changed', lines.with(3, (lines[3] ?? '').replace('restart', 'rollback')), /hash/],
  ] as const) {
    writeFileSync(path, left.join('\n'))
    assert.match((await verifyCommandFile(path, { receipts: [later] })).firstBad?.why ?? '', why, name)
  }
  writeFileSync(path, 'no entries\n')
  await assert.rejects(verifyCommandFile(path), { code: 'usage.path' })
  await assert.rejects(verifyCommands(dir, { receipts: ['#1'] }), { code: 'usage.receipt' })
})

test('a ledger without commands is whole', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir))
  await ledger.append(exit(1))
  await ledger.close(2000)
  const verdict = await verifyCommands(dir)
  assert.deepEqual([verdict.ok, verdict.commands, verdict.lastSeq], [true, 0, null])
})

test('a disk that fails, once or for a while, leaves no fork and no gap in the chain of commands', async t => {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir, { fsync: true }))
  t.after(() => ledger.close(2000))
  const chain: ChainRef = { h: '0'.repeat(64) }
  const order = (id: string) => ledger.append({ kind: 'command.requested', data: { id }, chain })
  await order('c1')
  let failures = 1
  const { fdatasync } = disk
  t.mock.method(disk, 'fdatasync', (fd: number) => {
    failures -= 1
    return failures < 0 ? fdatasync(fd) : Promise.reject(Object.assign(new Error('EIO'), { code: 'EIO' }))
  })
  // Written again to a new segment.
  await Promise.all([order('c2'), order('c3')])
  failures = 2
  // Refused: it is not written, so the next one follows the one before it.
  await assert.rejects(order('c4'), { code: 'ledger.degraded' })
  failures = 0
  await until('it records again', () => ledger.head().recording === 'ok')
  await order('c5')
  await ledger.close(2000)
  const verdict = await verifyCommands(dir)
  assert.deepEqual([verdict.ok, verdict.commands, verdict.firstBad], [true, 4, null])
})

test('a first command that follows another one is found, where nothing was pruned', async t => {
  const { dir } = await withCommands(t)
  rewrite(
    dir,
    lines =>
      lines.toSpliced(
        lines.findIndex(line => line.includes('"c0"')),
        1,
      ),
    { isLinked: false },
  )
  const verdict = await verifyCommands(dir)
  assert.match(verdict.firstBad?.why ?? '', /does not follow the command before it \(the first one\)/)
})
