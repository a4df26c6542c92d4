import { firstLine, type SegmentFile } from './files.ts'
import { checkLine, MAX_LINE_BYTES } from './line.ts'
import { MAX_SEGMENT_BYTES } from './segment.ts'
import { type TreeHead, treeHeadOf } from './tree/tree-head.ts'

/** What the first entry of a segment says of the one before. Read from a line, so anything may stand there. */
export interface Says {
  readonly name?: unknown
  readonly count?: unknown
  readonly validBytes?: unknown
}

/** What the first entry of a segment says of all that comes before it. */
export interface Opening {
  readonly says: Says | null
  readonly tree: TreeHead | null
}

/** Null: the segment does not begin with such an entry, or with one that is damaged. */
export function openingOf(file: SegmentFile): Opening | null {
  const checked = checkLine(firstLine(file.path, MAX_LINE_BYTES))
  if (!checked.ok || checked.entry.kind !== 'segment.opened') return null
  const { previous, tree } = checked.entry.data
  const says = typeof previous === 'object' && previous !== null ? ({ ...previous } as Says) : null
  return { says, tree: treeHeadOf(tree) }
}

/** Null: it says nothing that could be a size. */
export function validBytesIn(says: Says | null | undefined): number | null {
  const valid = says?.validBytes
  return typeof valid === 'number' && Number.isSafeInteger(valid) && valid >= 0 ? valid : null
}

/**
 * How many bytes of a segment count, by the first entry of the segment after it: what a failed write left behind them is void,
 * whatever it claims to be. Where nobody tells (yet): as many as a segment can have.
 */
export function validBytesBefore(next: SegmentFile | undefined): number {
  const told = next === undefined ? null : validBytesIn(openingOf(next)?.says)
  return Math.min(told ?? MAX_SEGMENT_BYTES, MAX_SEGMENT_BYTES)
}
