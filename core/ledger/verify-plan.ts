import { statSync } from 'node:fs'
import { withoutEmptyEnd } from './base.ts'
import type { SegmentFile } from './files.ts'
import { ZEROS } from './line.ts'
import { openingOf, type Says, validBytesIn } from './opening.ts'
import { MAX_SEGMENT_BYTES } from './segment.ts'
import type { TreeHead } from './tree/tree-head.ts'
import type { Task } from './verify-walk.ts'

export interface Planned {
  readonly file: SegmentFile
  readonly task: Task
  /** What this segment's first entry says of the one before. */
  readonly says: Says | null
  /** And what it says of the tree over all before it. */
  readonly tree: TreeHead | null
  readonly voidBytes: number
  /** More of it would count than any segment has, and no reader goes so far. */
  readonly isTooLarge: boolean
  /** The writer was done with it. */
  readonly isSealed: boolean
}

/** What is to be followed; `sizes` are those of checkpoints, at which the tree's root is wanted. */
export function planOf(
  found: readonly SegmentFile[],
  { sizes, isOnlyChain }: { readonly sizes: readonly number[]; readonly isOnlyChain: boolean },
): Planned[] {
  const files = withoutEmptyEnd(found)
  const opened = files.map(file => openingOf(file))
  return files.map((file, index) => {
    const valid = validBytesIn(opened[index + 1]?.says)
    const { size, mode } = statSync(file.path)
    // A size larger than the file, or none: the join tells.
    const validBytes = Math.min(valid ?? size, size)
    return {
      file,
      says: opened[index]?.says ?? null,
      tree: opened[index]?.tree ?? null,
      voidBytes: size - Math.max(0, validBytes),
      isTooLarge: validBytes > MAX_SEGMENT_BYTES,
      isSealed: (mode & 0o200) === 0,
      task: {
        ...{ path: file.path, first: file.first, prev: file.first === 0 ? ZEROS : null, validBytes },
        isOnlyChain,
        sizes: sizes.filter(size => size > file.first && size <= (files[index + 1]?.first ?? Number.POSITIVE_INFINITY)),
      },
    }
  })
}
