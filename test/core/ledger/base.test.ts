import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { baseOf, writeBase } from '../../../core/ledger/base.ts'
import { sealedSegments } from '../../../core/ledger/prune-plan.ts'
import { readEntry } from '../../../core/ledger/read.ts'
import { leafHash, nodeHash } from '../../../core/ledger/tree/hash.ts'
import { inclusionProof, type Nodes, rangeAt } from '../../../core/ledger/tree/proof.ts'
import { manySegments, reopened } from './many-segments.ts'
import { entriesIn, exit } from './stand.ts'

async function pruned(t: TestContext) {
  const dir = await manySegments(t, 3)
  const ledger = await reopened(t, dir, { fsync: true })
  await ledger.prune({ upTo: sealedSegments(dir)[0]?.end ?? -1, archive: null, by: 'local:admin' })
  return { dir, ledger }
}

/** How often what stands for pruned entries was parsed. */
function parses(t: TestContext): () => number {
  const parse = t.mock.method(JSON, 'parse')
  return () => parse.mock.calls.filter(({ arguments: [text] }) => String(text).includes('"kept":')).length
}

test('what stands for pruned entries is proved once, however often it is asked for, and again when it is another', async t => {
  const { dir, ledger } = await pruned(t)
  const count = parses(t)
  for (let n = 0; n < 3; n++) {
    await ledger.rotateKey('local:admin')
    await ledger.append(exit(n))
    await ledger.checkpoint()
    await readEntry(dir, ledger.head().size - 1)
  }
  // A test before this one may have left another.
  assert.ok(count() <= 1, `${count()} times`)
  const upTo = sealedSegments(dir)[0]?.end ?? -1
  await ledger.prune({ upTo, archive: null, by: 'local:admin' })
  assert.equal(baseOf(dir).base?.seq, upTo)
  assert.deepEqual([await readEntry(dir, upTo - 1), entriesIn(dir)[0]?.seq], [null, upTo])
  await ledger.close(2000)
})

test('what stands for pruned entries is not believed for what it was', async t => {
  const { dir, ledger } = await pruned(t)
  await ledger.close(2000)
  const path = join(dir, 'base.json')
  const whole = readFileSync(path, 'utf8')
  assert.ok(baseOf(dir).base !== null)
  writeFileSync(path, whole.replace('"kept":[{"line":"{', '"kept":[{"line":" {'))
  for (let n = 0; n < 2; n++) assert.match(baseOf(dir).trouble ?? '', /is damaged/)
  writeFileSync(path, whole)
  assert.ok(baseOf(dir).base !== null)
})

test('what stands for pruned entries has to be what the first entry that is left tells of', async t => {
  const { dir, ledger } = await pruned(t)
  await ledger.close(2000)
  const { base } = baseOf(dir)
  const { seq, h, range, kept } = base ?? assert.fail()
  const otherH = h.replace(/^./, digit => (digit === '0' ? '1' : '0'))
  await writeBase(dir, { seq, h: otherH, range, kept })
  assert.match(baseOf(dir).trouble ?? '', /does not fit: entry #\d+ follows on another one/)
  // A tree of his own, in which the lines that outlived their segments are, and nothing else of the ledger.
  const lines = new Map(kept.map(({ entry, line }) => [entry.seq, line]))
  const nodes: Nodes = (level, index) =>
    level === 0
      ? leafHash(lines.get(index) ?? '')
      : nodeHash(nodes(level - 1, index * 2), nodes(level - 1, index * 2 + 1))
  const proved = kept.map(each => ({ ...each, proof: inclusionProof(each.entry.seq, seq, nodes) }))
  await writeBase(dir, { seq, h, range: rangeAt(seq, nodes), kept: proved })
  assert.match(baseOf(dir).trouble ?? '', /does not fit: entry #\d+ tells of another root/)
  await writeBase(dir, { seq, h, range, kept })
  assert.equal(baseOf(dir).base?.seq, seq)
})
