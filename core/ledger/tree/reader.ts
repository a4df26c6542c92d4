import { Fault } from '../../fault.ts'
import { baseOf } from '../base.ts'
import { openCursor } from '../cursor.ts'
import { despitePrunes, prunedMeanwhile } from '../pruned-meanwhile.ts'
import { nodesOver } from './base-nodes.ts'
import { type Digest, leafHash } from './hash.ts'
import { type Nodes, rootAt } from './proof.ts'
import { emptyRange, rangeBuilder } from './range.ts'
import { openTreeFiles } from './tree-files.ts'

/** The tree over the first `size` entries of a ledger's folder, for proofs. */
export interface TreeReader {
  readonly size: number
  readonly root: Digest
  readonly nodes: Nodes
  close(): void
}

/**
 * Reads the tree's files where they lead to `root` (hashed anew from the segments if they don't, or if nothing tells the
 * root). Faults: those of `treeOfSegments`.
 */
export async function openTree(
  dir: string,
  size: number,
  root: Digest | null,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<TreeReader> {
  if (root !== null) {
    const files = openTreeFiles(dir, baseOf(dir).base)
    if (files.size >= size && rootIn(files.nodes, size) === root) return { ...files, size, root }
    files.close()
  }
  return treeOfSegments(dir, size, signal)
}

function rootIn(nodes: Nodes, size: number): Digest | null {
  try {
    return rootAt(size, nodes)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The nodes of one level, from the first one on that is there. */
interface Row {
  readonly first: number
  readonly digests: Digest[]
}

/**
 * All nodes in memory: 100 bytes an entry, for the time of a command. Throws a Fault (`ledger.pruned`) when `size` is less than
 * what was pruned, and another (`ledger.damaged`) when the entries are not all there.
 */
export function treeOfSegments(dir: string, size: number, signal?: AbortSignal): Promise<TreeReader> {
  return despitePrunes(dir, () => treeOfLeft(dir, size, signal))
}

async function treeOfLeft(dir: string, size: number, signal?: AbortSignal): Promise<TreeReader> {
  const { base, trouble } = baseOf(dir)
  if (trouble !== undefined) throw damaged(trouble)
  const first = base?.seq ?? 0
  if (size < first) throw prunedMeanwhile()
  const rows: Row[] = []
  const builder = rangeBuilder(base?.range ?? emptyRange(0), (level, index, digest) => {
    rows[level] ??= { first: index, digests: [] }
    rows[level]?.digests.push(digest)
  })
  const cursor = openCursor(dir, first, { isWhole: true })
  try {
    while (builder.end < size) {
      signal?.throwIfAborted()
      const lines = await cursor.next(size)
      if (lines.length === 0) throw damaged(`entry ${builder.end} is not there`)
      for (const { seq, text } of lines) {
        if (seq !== builder.end) throw damaged(`entry ${builder.end} can't be read`)
        builder.append(leafHash(text))
      }
    }
  } finally {
    await cursor.close()
  }
  const later: Nodes = (level, index) => {
    const row = rows[level]
    const digest = row?.digests[index - row.first]
    if (digest === undefined) throw new RangeError(`the tree has no node ${index} of level ${level}`)
    return digest
  }
  const nodes = base === null ? later : nodesOver(base, later)
  return { size, root: rootAt(size, nodes), nodes, close() {} }
}

/** The segments are not what was written. */
export function damaged(why: string): Fault {
  return new Fault('ledger.damaged', why, { hint: '"heald ledger verify" says more' })
}
