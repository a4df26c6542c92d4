import assert from 'node:assert/strict'
import fs, { copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import fsPromises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ChainRef } from '../../../core/entry.ts'
import { checkReceipt } from '../../../core/ledger/check.ts'
import { claimOf } from '../../../core/ledger/checkpoint.ts'
import { exportTiles } from '../../../core/ledger/export.ts'
import { followLines } from '../../../core/ledger/follow.ts'
import { latestCheckpoint } from '../../../core/ledger/kept.ts'
import { listEntries } from '../../../core/ledger/list.ts'
import { ownEpochs } from '../../../core/ledger/own-epochs.ts'
import { proveEntry } from '../../../core/ledger/prove.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { firstSeq, foldFrom, readEntry } from '../../../core/ledger/read.ts'
import { receiptOf } from '../../../core/ledger/receipt.ts'
import { treeOfSegments } from '../../../core/ledger/tree/reader.ts'
import { verifyCommands } from '../../../core/ledger/verify-commands.ts'
import { linesIn } from './forged.ts'
import { manySegments, reopened } from './many-segments.ts'
import { copyOf, entriesIn, exit, folder } from './stand.ts'

/** A ledger with a command in each of its segments, and what a prune of the first two does to its files, at once. */
async function prunable(t: TestContext) {
  const dir = await manySegments(t, 3, 5)
  const ledger = await reopened(t, dir)
  const chain: ChainRef = { h: '0'.repeat(64) }
  for (let n = 0; n < 5; n++) await ledger.append({ kind: 'command.requested', data: { id: `c${n}` }, chain })
  await ledger.append(exit(1))
  await ledger.checkpoint()
  await ledger.close(5000)
  const later = copyOf(t, dir)
  const pruning = await reopened(t, later)
  const begin = sealedSegments(dir)[1]?.end ?? assert.fail()
  await pruning.prune({ upTo: begin, archive: null, by: 'local:admin' })
  await pruning.close(5000)
  const prune = (): void => {
    // It is told of first.
    const last = readdirSync(join(later, 'seg')).sort().at(-1) ?? ''
    for (const name of [`seg/${last}`, 'checkpoint']) copyFileSync(join(later, name), join(dir, name))
    copyFileSync(join(later, 'base.json'), join(dir, 'base.json'))
    for (const name of readdirSync(join(dir, 'seg')))
      if (!existsSync(join(later, 'seg', name))) rmSync(join(dir, 'seg', name))
  }
  return { dir, begin, prune }
}

/** Is asked between two pieces of what is read. */
function atPiece(piece: number, act: () => void): AbortSignal {
  let asked = 0
  const { signal } = new AbortController()
  signal.throwIfAborted = () => {
    if (++asked === piece) act()
  }
  return signal
}

/** Acts just before the next file is opened, at once or not, after it was found; `after`: just after this path is open. */
function atOpen(t: TestContext, act: () => void, after?: string): void {
  const [{ open }, { openSync }] = [fsPromises, fs]
  const isMeant = (path: unknown): boolean => after === undefined || path === after
  const begin = (): void => {
    for (const { mock } of mocked) mock.restore()
    syncBuiltinESMExports()
    if (after === undefined) act()
  }
  const end = (): void => {
    if (after !== undefined) act()
  }
  const mocked = [
    t.mock.method(fsPromises, 'open', async (...how: Parameters<typeof open>) => {
      if (!isMeant(how[0])) return open(...how)
      begin()
      const handle = await open(...how)
      end()
      return handle
    }),
    t.mock.method(fs, 'openSync', (...how: Parameters<typeof openSync>) => {
      if (!isMeant(how[0])) return openSync(...how)
      begin()
      const fd = openSync(...how)
      end()
      return fd
    }),
  ]
  syncBuiltinESMExports()
}

test('commands are verified anew from what a prune left', async t => {
  const { dir, prune } = await prunable(t)
  const receipt = receiptOf(entriesIn(dir).length - 1, entriesIn(dir).at(-1)?.h ?? '')
  const verdict = await verifyCommands(dir, { receipts: [receipt], signal: atPiece(1, prune) })
  assert.deepEqual([verdict.firstBad, verdict.commands, verdict.provedCommands], [null, 5, 5])
})

test('an export that a prune overtakes is told that the beginning was pruned', async t => {
  const { dir, prune } = await prunable(t)
  const note = latestCheckpoint(dir) ?? assert.fail()
  const order = { ...(claimOf(note) ?? assert.fail()), note }
  await assert.rejects(exportTiles(dir, folder(t), order, { signal: atPiece(2, prune) }), { code: 'export.pruned' })
})

test('a tree is computed anew from what a prune left', async t => {
  const { dir, prune } = await prunable(t)
  const { length } = linesIn(dir)
  const { root } = await treeOfSegments(dir, length)
  assert.equal((await treeOfSegments(dir, length, atPiece(2, prune))).root, root)
})

test('a file that is pruned between being found and being opened is no error of any reader', async t => {
  const entryOf = async () => {
    const { dir, begin, prune } = await prunable(t)
    atOpen(t, prune)
    return { dir, begin }
  }
  const read = await entryOf()
  assert.equal(await readEntry(read.dir, 3), null)

  const proved = await entryOf()
  await assert.rejects(proveEntry(proved.dir, 3), { code: 'entry.pruned' })

  const checked = await entryOf()
  const { fits, why } = await checkReceipt(receiptOf(3, 'a'.repeat(64)), { dir: checked.dir, keys: [] })
  assert.deepEqual([fits, /was pruned/.test(why)], [null, true])

  const folded = await entryOf()
  const seqs: number[] = []
  for await (const { seq } of foldFrom(folded.dir, 0)) seqs.push(seq)
  assert.deepEqual([seqs[0], seqs.length], [folded.begin, linesIn(folded.dir).length])
})

test('who follows goes on behind what was pruned', async t => {
  const { dir, prune } = await prunable(t)
  rmSync(join(dir, 'head'))
  const size = entriesIn(dir).length
  const seqs: number[] = []
  const stop = new AbortController()
  for await (const line of followLines(dir, 0, stop.signal)) {
    const { seq } = JSON.parse(line) as { seq: number }
    seqs.push(seq)
    if (seqs.length === 1) prune()
    if (seq === size - 1) stop.abort()
  }
  assert.equal(seqs.at(-1), size - 1)
  assert.ok(seqs.includes(firstSeq(dir)))
})

test('a checkpoint of what was pruned meanwhile is judged by what is left', async t => {
  const { dir, prune } = await prunable(t)
  const note = latestCheckpoint(dir) ?? assert.fail()
  const own = await ownEpochs(dir)
  atOpen(t, prune)
  const { fits, why } = await checkReceipt(note, { dir, keys: [], own })
  assert.equal(fits, true, why)
})

test('a list that a prune overtakes ends where the ledger begins now, wherever in its files it was', async t => {
  for (const piece of [1, 2, 3, 'opened']) {
    const { dir, begin, prune } = await prunable(t)
    const newest = linesIn(dir).length - 1
    const [first] = sealedSegments(dir)
    const signal = typeof piece === 'number' ? atPiece(piece, prune) : atPiece(0, prune)
    if (piece === 'opened') atOpen(t, prune, first?.file.path)
    const seqs = (await listEntries(dir, {}, { limit: 10_000, signal })).rows.map(({ entry }) => entry.seq)
    assert.equal(firstSeq(dir), begin, 'the prune came in between')
    assert.deepEqual(
      seqs,
      seqs.map((_, at) => newest - at),
    )
    assert.ok(seqs.includes(begin))
  }
})
