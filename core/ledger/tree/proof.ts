import { DIGEST_BYTES, type Digest, EMPTY_ROOT, nodeHash } from './hash.ts'
import { type Place, placesOf, type Range, rootOf } from './range.ts'

/** Gives the hash of a whole subtree: that of the 2^level leaves from `index * 2^level` on. */
export type Nodes = (level: number, index: number) => Digest

/** The first `size` entries as a range. */
export function rangeAt(size: number, nodes: Nodes): Range {
  return {
    begin: 0,
    end: size,
    nodes: placesOf({ begin: 0, end: size }).map(({ level, index }) => nodes(level, index)),
  }
}

export function rootAt(size: number, nodes: Nodes): Digest {
  return rootOf(rangeAt(size, nodes))
}

/** Root of the leaves from `begin` to before `end`, where `begin` is where a subtree of the tree of `end` leaves begins. */
function subtree(begin: number, end: number, nodes: Nodes): Digest {
  return placesOf({ begin, end })
    .map(({ level, index }: Place) => nodes(level, index))
    .reduceRight((right, left) => nodeHash(left, right))
}

/** The largest power of two below `count`. */
function split(count: number): number {
  let half = 1
  while (half * 2 < count) half *= 2
  return half
}

/** Proof that entry `index` is in the tree of `size` entries: the siblings from the leaf up (RFC 9162, 2.1.3.1). */
export function inclusionProof(index: number, size: number, nodes: Nodes): Digest[] {
  if (!(Number.isSafeInteger(index) && index >= 0 && index < size))
    throw new RangeError(`entry ${index} is not in a tree of ${size}`)
  const path: Digest[] = []
  for (let begin = 0, end = size; end - begin > 1; ) {
    const middle = begin + split(end - begin)
    if (index < middle) {
      path.push(subtree(middle, end, nodes))
      end = middle
    } else {
      path.push(subtree(begin, middle, nodes))
      begin = middle
    }
  }
  return path.reverse()
}

/** Proof that the tree of `from` entries is the beginning of the tree of `to` entries (RFC 9162, 2.1.4.1). */
export function consistencyProof(from: number, to: number, nodes: Nodes): Digest[] {
  if (!(Number.isSafeInteger(from) && from >= 0 && from <= to))
    throw new RangeError(`a tree of ${from} is not the beginning of one of ${to}`)
  if (from === 0 || from === to) return []
  const path: Digest[] = []
  let begin = 0
  let end = to
  for (;;) {
    if (from === end) {
      if (begin > 0) path.push(subtree(begin, end, nodes))
      return path.reverse()
    }
    const middle = begin + split(end - begin)
    if (from <= middle) {
      path.push(subtree(middle, end, nodes))
      end = middle
    } else {
      path.push(subtree(begin, middle, nodes))
      begin = middle
    }
  }
}

/** What a proof of inclusion claims. */
export interface Inclusion {
  readonly leaf: Digest
  readonly index: number
  readonly size: number
  readonly proof: readonly Digest[]
  readonly root: Digest
}

/** Whether the proof holds (RFC 9162, 2.1.3.2). Never throws, whatever it is given. */
export function verifyInclusion({ leaf, index, size, proof, root }: Inclusion): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areDigests([leaf, root, ...proof])) return false
  let at = index
  let last = size - 1
  let digest = leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      digest = nodeHash(sibling, digest)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else digest = nodeHash(digest, sibling)
    at = half(at)
    last = half(last)
  }
  return last === 0 && digest === root
}

/** Root of the tree that ends with the leaf: its path holds all that lies left of it. The proof has to hold. */
export function rootAfter({ leaf, index, size, proof }: Omit<Inclusion, 'root'>): Digest {
  let digest = leaf
  let at = index
  let last = size - 1
  for (const sibling of proof) {
    if (at % 2 === 1 || at === last) {
      digest = nodeHash(sibling, digest)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    }
    at = half(at)
    last = half(last)
  }
  return digest
}

/** What a proof of consistency claims. */
export interface Consistency {
  readonly from: number
  readonly to: number
  readonly fromRoot: Digest
  readonly toRoot: Digest
  readonly proof: readonly Digest[]
}

/**
 * Whether the proof holds (RFC 9162, 2.1.4.2). The empty tree is the beginning of every tree, proved by nothing.
 * Never throws, whatever it is given.
 */
export function verifyConsistency({ from, to, fromRoot, toRoot, proof }: Consistency): boolean {
  if (!isCount(from) || !isCount(to) || from > to || !areDigests([fromRoot, toRoot, ...proof])) return false
  if (from === to) return proof.length === 0 && fromRoot === toRoot
  if (from === 0) return proof.length === 0 && fromRoot === EMPTY_ROOT
  const path = isPowerOfTwo(from) ? [fromRoot, ...proof] : proof
  let at = from - 1
  let last = to - 1
  while (at % 2 === 1) {
    at = half(at)
    last = half(last)
  }
  let [older, newer] = [path[0], path[0]]
  if (older === undefined || newer === undefined) return false
  for (const sibling of path.slice(1)) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      older = nodeHash(sibling, older)
      newer = nodeHash(sibling, newer)
      while (at % 2 === 0 && at !== 0) {
        at = half(at)
        last = half(last)
      }
    } else newer = nodeHash(newer, sibling)
    at = half(at)
    last = half(last)
  }
  return last === 0 && older === fromRoot && newer === toRoot
}

/** No tree has more levels, and so no proof more hashes. */
const MAX_PROOF = 2 * 53

function areDigests(given: readonly unknown[]): boolean {
  return given.length <= MAX_PROOF && given.every(each => typeof each === 'string' && each.length === DIGEST_BYTES)
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

/** Sizes go beyond 32 bits, where shifts would not. */
function half(value: number): number {
  return Math.floor(value / 2)
}

function isPowerOfTwo(value: number): boolean {
  let power = 1
  while (power < value) power *= 2
  return power === value
}
