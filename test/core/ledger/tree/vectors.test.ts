import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Digest, EMPTY_ROOT, fromHex, leafHash, toHex } from '../../../../core/ledger/tree/hash.ts'
import {
  consistencyProof,
  inclusionProof,
  type Nodes,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from '../../../../core/ledger/tree/proof.ts'
import { emptyRange, rangeBuilder } from '../../../../core/ledger/tree/range.ts'
import { entriesPath, tilePath, tilesOf } from '../../../../core/ledger/tree/tiles.ts'

interface Vectors {
  readonly emptyRoot: string
  readonly leaves: readonly string[]
  readonly roots: readonly string[]
  readonly inclusion: readonly { readonly index: number; readonly size: number; readonly proof: readonly string[] }[]
  readonly consistency: readonly { readonly from: number; readonly to: number; readonly proof: readonly string[] }[]
}

const path = join(import.meta.dirname, '../../../fixtures/ledger-vectors/tree.json')
const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vectors
const digest = (hex: string): Digest => fromHex(hex) ?? assert.fail(`${hex} is no digest`)
// All bytes of these leaves are ASCII, so they are the same as text.
const leaves = vectors.leaves.map(hex => leafHash(Buffer.from(hex, 'hex').toString('latin1')))
const known = new Map<string, Digest>()
const builder = rangeBuilder(emptyRange(0), (level, index, node) => known.set(`${level}/${index}`, node))
for (const leaf of leaves) builder.append(leaf)
const nodes: Nodes = (level, index) => known.get(`${level}/${index}`) ?? assert.fail(`no node ${level}/${index}`)

test('the roots of others', () => {
  assert.equal(toHex(EMPTY_ROOT), vectors.emptyRoot)
  assert.equal(vectors.roots.length, 8)
  for (const [at, root] of vectors.roots.entries()) assert.equal(toHex(rootAt(at + 1, nodes)), root)
})

test('the proofs of others', () => {
  assert.equal(vectors.inclusion.length, 4)
  for (const { index, size, proof } of vectors.inclusion) {
    assert.deepEqual(inclusionProof(index, size, nodes).map(toHex), proof)
    const root = digest(vectors.roots[size - 1] ?? '')
    assert.ok(verifyInclusion({ leaf: leaves[index] ?? '', index, size, proof: proof.map(digest), root }))
  }
  assert.equal(vectors.consistency.length, 5)
  for (const { from, to, proof } of vectors.consistency) {
    assert.deepEqual(consistencyProof(from, to, nodes).map(toHex), proof)
    const [fromRoot, toRoot] = [digest(vectors.roots[from - 1] ?? ''), digest(vectors.roots[to - 1] ?? '')]
    assert.ok(verifyConsistency({ from, to, fromRoot, toRoot, proof: proof.map(digest) }))
  }
})

test('the paths of tlog-tiles, by its own examples', () => {
  assert.equal(tilePath(0, 1_234_067), 'tile/0/x001/x234/067')
  assert.equal(tilePath(3, 0), 'tile/3/000')
  assert.equal(tilePath(1, 999, 17), 'tile/1/999.p/17')
  assert.equal(entriesPath(1000, 3), 'tile/entries/x001/000.p/3')
  const tiles = [...tilesOf(70_000)]
  const level = (wanted: number) => tiles.filter(tile => tile.level === wanted)
  assert.equal(level(0).length, 274)
  assert.deepEqual(level(0).at(-1), { level: 0, index: 273, width: 112 })
  assert.deepEqual(level(1), [
    { level: 1, index: 0, width: 256 },
    { level: 1, index: 1, width: 17 },
  ])
  assert.deepEqual(level(2), [{ level: 2, index: 0, width: 1 }])
  assert.deepEqual(
    [...tilesOf(256)],
    [
      { level: 0, index: 0, width: 256 },
      { level: 1, index: 0, width: 1 },
    ],
  )
  assert.deepEqual([...tilesOf(0)], [])
})
