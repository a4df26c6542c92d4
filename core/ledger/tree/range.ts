import { type Digest, EMPTY_ROOT, nodeHash } from './hash.ts'

/**
 * A compact range: the fewest whole subtrees that cover the leaves from `begin` to before `end`, left to right. Whatever
 * lies between two places of a tree can be held in about 40 hashes, and two neighbours can be joined.
 */
export interface Range {
  readonly begin: number
  readonly end: number
  readonly nodes: readonly Digest[]
}

/** Told of each whole subtree: that of the leaves from `index * 2^level` on, 2^level of them; leaves are level 0. */
export type OnNode = (level: number, index: number, digest: Digest) => void

export interface RangeBuilder {
  readonly end: number
  append(leaf: Digest): void
  range(): Range
}

/** Builds a range leaf by leaf, from `from` on (another range's `end`, to go on with it). */
export function rangeBuilder(from: Range, onNode: OnNode = () => {}): RangeBuilder {
  const { begin } = from
  let { end } = from
  const nodes = [...from.nodes]
  return {
    get end() {
      return end
    },
    append(leaf) {
      let digest = leaf
      let level = 0
      let leaves = 1
      let index = end
      onNode(0, index, digest)
      // A right child and its sibling become one, if the sibling's leaves are in the range too.
      while (index % 2 === 1 && (index - 1) * leaves >= begin) {
        digest = nodeHash(nodes.pop() ?? '', digest)
        index = (index - 1) / 2
        level++
        leaves *= 2
        onNode(level, index, digest)
      }
      nodes.push(digest)
      end++
    },
    range: () => ({ begin, end, nodes: [...nodes] }),
  }
}

export function emptyRange(at: number): Range {
  return { begin: at, end: at, nodes: [] }
}

/** The range over both; `right` has to begin where `left` ends. */
export function joinRanges(left: Range, right: Range): Range {
  if (left.end !== right.begin) throw new RangeError(`a range that ends at ${left.end} and one from ${right.begin}`)
  const nodes = [...left.nodes]
  const places = placesOf(left)
  for (const [at, place] of placesOf(right).entries()) {
    let { level, index } = place
    let digest = right.nodes[at] ?? ''
    for (let last = places.at(-1); index % 2 === 1; last = places.at(-1)) {
      if (last === undefined || last.level !== level || last.index !== index - 1) break
      places.pop()
      digest = nodeHash(nodes.pop() ?? '', digest)
      index = (index - 1) / 2
      level++
    }
    places.push({ level, index })
    nodes.push(digest)
  }
  return { begin: left.begin, end: right.end, nodes }
}

export interface Place {
  readonly level: number
  readonly index: number
}

/** Where the nodes of a range stand in the tree. */
export function placesOf({ begin, end }: Pick<Range, 'begin' | 'end'>): Place[] {
  const places: Place[] = []
  for (let at = begin; at < end; ) {
    let level = 0
    while (at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++
    places.push({ level, index: at / 2 ** level })
    at += 2 ** level
  }
  return places
}

/** Root of the tree of the first `end` entries; the range has to begin at 0. */
export function rootOf({ begin, nodes }: Range): Digest {
  if (begin !== 0) throw new RangeError(`a range from ${begin} has no root`)
  return nodes.length === 0 ? EMPTY_ROOT : nodes.reduceRight((right, left) => nodeHash(left, right))
}
