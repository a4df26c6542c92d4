import type { Base } from '../base.ts'
import type { Digest } from './hash.ts'
import { consistencyProof, rootAt, verifyConsistency } from './proof.ts'
import { openTreeFiles } from './tree-files.ts'

/** Roots at `sizes` before what was pruned, as far as the tree's files hold them and lead to the root of `base`. */
export function olderRoots(dir: string, base: Base | null, sizes: readonly number[]): Map<number, Digest> {
  const roots = new Map<number, Digest>()
  const older = sizes.filter(size => base !== null && size > 0 && size < base.seq)
  if (base === null || older.length === 0) return roots
  const { nodes, close } = openTreeFiles(dir, base)
  try {
    for (const size of older) {
      try {
        const fromRoot = rootAt(size, nodes)
        const proof = consistencyProof(size, base.seq, nodes)
        if (verifyConsistency({ from: size, to: base.seq, fromRoot, toRoot: base.root, proof }))
          roots.set(size, fromRoot)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }
  } finally {
    close()
  }
  return roots
}
