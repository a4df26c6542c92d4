import { openCursor } from '../cursor.ts'
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
 * root). Throws an Error when the entries are not all there.
 */
export async function openTree(
  dir: string,
  size: number,
  root: Digest | null,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<TreeReader> {
  if (root !== null) {
    const files = openTreeFiles(dir)
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

/** All nodes in memory: 100 bytes an entry, for the time of a command. */
export async function treeOfSegments(dir: string, size: number, signal?: AbortSignal): Promise<TreeReader> {
  const rows: Digest[][] = []
  const builder = rangeBuilder(emptyRange(0), (level, _index, digest) => {
    const row = rows[level]
    if (row === undefined) rows[level] = [digest]
    else row.push(digest)
  })
  const cursor = openCursor(dir, 0)
  try {
    while (builder.end < size) {
      signal?.throwIfAborted()
      const lines = await cursor.next(size)
      if (lines.length === 0) throw new Error(`entry ${builder.end} is not there`)
      for (const { seq, text } of lines) {
        if (seq !== builder.end) throw new Error(`entry ${builder.end} can't be read`)
        builder.append(leafHash(text))
      }
    }
  } finally {
    await cursor.close()
  }
  const nodes: Nodes = (level, index) => {
    const digest = rows[level]?.[index]
    if (digest === undefined) throw new RangeError(`the tree has no node ${index} of level ${level}`)
    return digest
  }
  return { size, root: rootAt(size, nodes), nodes, close() {} }
}
