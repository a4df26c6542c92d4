import { closeSync, fstatSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing, NotPlain, openPlain } from '../plain-file.ts'
import { nodesOver } from './base-nodes.ts'
import { DIGEST_BYTES, type Digest, nodeHash, nodeHashOf } from './hash.ts'
import type { Nodes } from './proof.ts'
import { TILE_HEIGHT } from './tiles.ts'

/*
 * `tree/0.bin`, `tree/1.bin` …: file L holds the hashes of the whole subtrees of 256^L entries, 32 bytes each, in order.
 * All of it is derived from the segments, and nothing of it is believed without a root to compare it with.
 */

export function treeFile(dir: string, tileLevel: number): string {
  return join(dir, 'tree', `${tileLevel}.bin`)
}

/** More levels than any ledger has: 256^7 entries. */
export const MOST_TILE_LEVELS = 7

export interface TreeFiles {
  /** Leaves in the files, whether they are right or not. */
  readonly size: number
  /** Throws a RangeError for what is not there. */
  readonly nodes: Nodes
  close(): void
}

/**
 * Opens the files for reading; with none there, `size` is 0. What `base` knows of entries that were pruned is taken from it.
 * Throws the system's errors.
 */
export function openTreeFiles(dir: string, base: Parameters<typeof nodesOver>[0] | null = null): TreeFiles {
  const fds: number[] = []
  try {
    for (let level = 0; level < MOST_TILE_LEVELS; level++) fds.push(openPlain(treeFile(dir, level)))
  } catch (error) {
    if (!(error instanceof NotPlain) && !isMissing(error)) throw error
  }
  const [first] = fds
  const nodes: Nodes = (level, index) => nodeIn(fds, level, index)
  return {
    size: first === undefined ? 0 : Math.floor(fstatSync(first).size / DIGEST_BYTES),
    nodes: base === null ? nodes : nodesOver(base, nodes),
    close() {
      for (const fd of fds.splice(0)) closeSync(fd)
    },
  }
}

/** The inner nodes of a tile are not kept: they are hashed from what is. */
function nodeIn(fds: readonly number[], level: number, index: number): Digest {
  const tileLevel = Math.floor(level / TILE_HEIGHT)
  const count = 2 ** (level % TILE_HEIGHT)
  const fd = fds[tileLevel]
  const bytes = Buffer.allocUnsafe(count * DIGEST_BYTES)
  if (fd === undefined || readSync(fd, bytes, 0, bytes.length, index * bytes.length) !== bytes.length)
    throw new RangeError(`the tree's files do not hold node ${index} of level ${level}`)
  if (count === 1) return bytes.toString('latin1')
  let row: Digest[] = []
  for (let at = 0; at < bytes.length; at += 2 * DIGEST_BYTES) row.push(nodeHashOf(bytes, at))
  while (row.length > 1) {
    const above: Digest[] = []
    for (let at = 0; at < row.length; at += 2) above.push(nodeHash(row[at] ?? '', row[at + 1] ?? ''))
    row = above
  }
  return row[0] ?? ''
}
