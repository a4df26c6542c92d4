import { type Digest, leafHash, nodeHash } from './hash.ts'
import type { Nodes } from './proof.ts'
import { placesOf, type Range } from './range.ts'

/**
 * The nodes of a tree whose first leaves are gone, as far as they are known: the largest whole subtrees over them, and what
 * leads to the lines that were kept. Throws a RangeError for others.
 */
export function baseNodes(
  range: Range,
  kept: readonly {
    readonly entry: { readonly seq: number }
    readonly line: string
    readonly proof: readonly Digest[]
  }[],
): Nodes {
  const known = new Map<string, Digest>()
  const places = placesOf(range)
  for (const [at, { level, index }] of places.entries()) known.set(keyOf(level, index), range.nodes[at] ?? '')
  for (const { entry, line, proof } of kept) {
    const peak = places.find(({ level, index }) => Math.floor(entry.seq / 2 ** level) === index)
    let digest = leafHash(line)
    known.set(keyOf(0, entry.seq), digest)
    // Within a whole subtree each level has one sibling.
    for (let level = 0; level < (peak?.level ?? 0); level++) {
      const index = Math.floor(entry.seq / 2 ** level)
      const isRight = index % 2 === 1
      const sibling = proof[level] ?? ''
      known.set(keyOf(level, isRight ? index - 1 : index + 1), sibling)
      digest = isRight ? nodeHash(sibling, digest) : nodeHash(digest, sibling)
      known.set(keyOf(level + 1, Math.floor(index / 2)), digest)
    }
  }
  return (level, index) => {
    const digest = known.get(keyOf(level, index))
    if (digest === undefined) throw new RangeError(`node ${index} of level ${level} was pruned`)
    return digest
  }
}

/**
 * The nodes of the whole tree: those of `base`, where it has them, and `others` for what came later. A subtree that lies
 * across the border is hashed from its halves. What lies before it and is not known is asked of `others`, unproved.
 */
export function nodesOver(base: { readonly seq: number; readonly nodes: Nodes }, others: Nodes): Nodes {
  const nodes: Nodes = (level, index) => {
    const begin = index * 2 ** level
    if (begin >= base.seq) return others(level, index)
    try {
      return base.nodes(level, index)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
    if (begin + 2 ** level <= base.seq) return others(level, index)
    return nodeHash(nodes(level - 1, index * 2), nodes(level - 1, index * 2 + 1))
  }
  return nodes
}

function keyOf(level: number, index: number): string {
  return `${level}:${index}`
}
