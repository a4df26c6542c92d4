import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Digest,
  EMPTY_ROOT,
  fromBase64,
  fromHex,
  leafHash,
  toBase64,
  toHex,
} from '../../../../core/ledger/tree/hash.ts'
import {
  consistencyProof,
  inclusionProof,
  type Nodes,
  rangeAt,
  rootAt,
  verifyConsistency,
  verifyInclusion,
} from '../../../../core/ledger/tree/proof.ts'
import { emptyRange, joinRanges, type Range, rangeBuilder, rootOf } from '../../../../core/ledger/tree/range.ts'
import { latin1, naiveConsistency, naiveLeaf, naivePath, naiveRoot } from './naive.ts'

const line = (n: number): string => `entry ${n} – ${'é'.repeat(n % 3)}`
const naiveLeaves = (size: number): Buffer[] => Array.from({ length: size }, (_, n) => naiveLeaf(line(n)))

function built(begin: number, end: number, onNode?: (level: number, index: number, digest: Digest) => void): Range {
  const builder = rangeBuilder(emptyRange(begin), onNode)
  for (let n = begin; n < end; n++) builder.append(leafHash(line(n)))
  return builder.range()
}

/** All whole subtrees of a tree, as the builder told of them. */
function nodesOf(size: number): Nodes {
  const known = new Map<string, Digest>()
  built(0, size, (level, index, digest) => known.set(`${level}/${index}`, digest))
  return (level, index) => {
    const digest = known.get(`${level}/${index}`)
    assert.ok(digest !== undefined, `there is no node ${level}/${index} in a tree of ${size}`)
    return digest
  }
}

const SIZES = 100
const leaves = naiveLeaves(SIZES)

test('the roots of all trees to 100 entries', () => {
  assert.equal(EMPTY_ROOT, latin1(naiveRoot([])))
  for (let size = 0; size <= SIZES; size++) {
    assert.equal(rootOf(built(0, size)), latin1(naiveRoot(leaves.slice(0, size))))
    assert.equal(rootAt(size, nodesOf(SIZES)), latin1(naiveRoot(leaves.slice(0, size))))
  }
})

test('every proof of inclusion of all trees to 100 entries is the one of the definition, and holds', () => {
  const nodes = nodesOf(SIZES)
  for (let size = 1; size <= SIZES; size++) {
    const some = leaves.slice(0, size)
    const root = latin1(naiveRoot(some))
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(index, size, nodes)
      assert.deepEqual(proof, naivePath(index, some).map(latin1))
      const leaf = latin1(leaves[index] ?? Buffer.alloc(0))
      assert.ok(verifyInclusion({ leaf, index, size, proof, root }))
    }
  }
})

test('every proof of consistency of all trees to 100 entries is the one of the definition, and holds', () => {
  const nodes = nodesOf(SIZES)
  const roots = Array.from({ length: SIZES + 1 }, (_, size) => latin1(naiveRoot(leaves.slice(0, size))))
  for (let to = 1; to <= SIZES; to++)
    for (let from = 1; from <= to; from++) {
      const proof = consistencyProof(from, to, nodes)
      assert.deepEqual(proof, naiveConsistency(from, leaves.slice(0, to)).map(latin1))
      const [fromRoot = '', toRoot = ''] = [roots[from], roots[to]]
      assert.ok(verifyConsistency({ from, to, fromRoot, toRoot, proof }))
    }
})

/** Every text that differs from this one in a single bit. */
function* flipped(digest: Digest): Generator<Digest> {
  for (let bit = 0; bit < 256; bit++) {
    const bytes = Buffer.from(digest, 'latin1')
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    yield latin1(bytes)
  }
}

test('no proof holds with a bit flipped anywhere, another place, another size, a hash more or less', t => {
  const most = Number(process.env.HEALD_SOAK_FLIPPED_TREES ?? 20)
  const nodes = nodesOf(most)
  const roots = Array.from({ length: most + 1 }, (_, size) => latin1(naiveRoot(leaves.slice(0, size))))
  let tried = 0
  const fails = (holds: boolean, what: () => string): void => {
    tried++
    assert.equal(holds, false, holds ? what() : '')
  }
  for (let size = 1; size <= most; size++) {
    const root = roots[size] ?? ''
    for (let index = 0; index < size; index++) {
      const leaf = latin1(leaves[index] ?? Buffer.alloc(0))
      const proof = inclusionProof(index, size, nodes)
      const good = { leaf, index, size, proof, root }
      const where = (what: string) => () => `${what} of entry ${index} in a tree of ${size}`
      for (const [at, each] of proof.entries())
        for (const bad of flipped(each))
          fails(verifyInclusion({ ...good, proof: proof.with(at, bad) }), where(`hash ${at}`))
      for (const bad of flipped(leaf)) fails(verifyInclusion({ ...good, leaf: bad }), where('the leaf'))
      for (const bad of flipped(root)) fails(verifyInclusion({ ...good, root: bad }), where('the root'))
      for (let other = 0; other < size + 2; other++)
        if (other !== index) fails(verifyInclusion({ ...good, index: other }), where(`place ${other} instead`))
      fails(verifyInclusion({ ...good, proof: [...proof, root] }), where('a hash more'))
      if (proof.length > 0) fails(verifyInclusion({ ...good, proof: proof.slice(1) }), where('the first hash missing'))
      if (proof.length > 0)
        fails(verifyInclusion({ ...good, proof: proof.slice(0, -1) }), where('the last hash missing'))
    }
    for (let from = 1; from < size; from++) {
      const proof = consistencyProof(from, size, nodes)
      const good = { from, to: size, fromRoot: roots[from] ?? '', toRoot: root, proof }
      const where = (what: string) => () => `${what} of ${from} in ${size}`
      for (const [at, each] of proof.entries())
        for (const bad of flipped(each))
          fails(verifyConsistency({ ...good, proof: proof.with(at, bad) }), where(`hash ${at}`))
      for (const bad of flipped(root)) fails(verifyConsistency({ ...good, toRoot: bad }), where('the new root'))
      for (const bad of flipped(good.fromRoot))
        fails(verifyConsistency({ ...good, fromRoot: bad }), where('the old root'))
      fails(verifyConsistency({ ...good, proof: [...proof, root] }), where('a hash more'))
      fails(verifyConsistency({ ...good, proof: proof.slice(0, -1) }), where('a hash less'))
    }
  }
  t.diagnostic(`${tried.toLocaleString('en-US')} broken proofs of trees to ${most} entries, none held`)
})

test('what no tree has is no proof, and nothing is thrown', () => {
  const root = EMPTY_ROOT
  for (const odd of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 60]) {
    assert.equal(verifyInclusion({ leaf: root, index: 0, size: odd, proof: [], root }), false)
    assert.equal(verifyInclusion({ leaf: root, index: odd, size: 5, proof: [root, root, root], root }), false)
    assert.equal(verifyConsistency({ from: odd, to: 5, fromRoot: root, toRoot: root, proof: [root] }), false)
    assert.equal(verifyConsistency({ from: 3, to: odd, fromRoot: root, toRoot: root, proof: [root] }), false)
  }
  const long = Array.from({ length: 100_000 }, () => root)
  const huge = Number.MAX_SAFE_INTEGER
  assert.equal(verifyInclusion({ leaf: root, index: huge - 1, size: huge, proof: long, root }), false)
  assert.equal(verifyConsistency({ from: huge - 1, to: huge, fromRoot: root, toRoot: root, proof: long }), false)
  assert.equal(verifyConsistency({ from: 0, to: 4, fromRoot: leafHash('x'), toRoot: root, proof: [] }), false)
  assert.equal(verifyConsistency({ from: 5, to: 3, fromRoot: root, toRoot: root, proof: [] }), false)
  assert.equal(verifyInclusion({ leaf: 'short', index: 0, size: 1, proof: [], root: 'short' }), false)
  assert.throws(() => inclusionProof(5, 5, nodesOf(5)), RangeError)
  assert.throws(() => consistencyProof(6, 5, nodesOf(5)), RangeError)
})

test('sizes beyond 32 bits', () => {
  const size = 2 ** 40 + 3
  const nodes: Nodes = (level, index) => leafHash(`${level}/${index}`)
  const root = rootAt(size, nodes)
  for (const index of [0, 2 ** 33 + 1, 2 ** 40 - 1, 2 ** 40, size - 1]) {
    const proof = inclusionProof(index, size, nodes)
    // The invented subtrees don't fit together below, so only the top of the path can be followed.
    assert.ok(proof.length <= 41)
    if (index >= 2 ** 40 + 2) assert.ok(verifyInclusion({ leaf: nodes(0, index), index, size, proof, root }))
  }
})

test('ranges that meet anywhere join to the range over both', () => {
  fc.assert(
    fc.property(fc.nat(300), fc.nat(300), fc.nat(300), (a, b, c) => {
      const [begin = 0, middle = 0, end = 0] = [a, b, c].sort((x, y) => x - y)
      assert.deepEqual(joinRanges(built(begin, middle), built(middle, end)), built(begin, end))
    }),
  )
  assert.throws(() => joinRanges(built(0, 3), built(4, 5)), RangeError)
  assert.throws(() => rootOf(built(1, 3)), RangeError)
  assert.deepEqual(rangeAt(77, nodesOf(100)), built(0, 77))
})

test('a digest as text and back, and nothing else', () => {
  const digest = leafHash('x')
  assert.equal(fromHex(toHex(digest)), digest)
  assert.equal(fromBase64(toBase64(digest)), digest)
  const text = toBase64(digest)
  for (const odd of ['', text.slice(0, -1), `${text}=`, ` ${text}`, `${text}\n`, text.replace('=', 'A'), toHex(digest)])
    assert.equal(fromBase64(odd), null, odd)
  // The last character before the padding carries two bits that mean nothing.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const last = alphabet.indexOf(text.at(-2) ?? '')
  assert.equal(fromBase64(`${text.slice(0, -2)}${alphabet[last + 1]}=`), null)
  for (const odd of ['', toHex(digest).toUpperCase(), `${toHex(digest)}0`]) assert.equal(fromHex(odd), null, odd)
})
