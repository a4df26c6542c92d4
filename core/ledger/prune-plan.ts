import { statSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../fault.ts'
import { baseOf, segmentsFrom } from './base.ts'
import { firstLine, type SegmentFile, segmentFiles } from './files.ts'
import { checkLine, MAX_LINE_BYTES } from './line.ts'
import { MAX_SEGMENT_BYTES, type Previous } from './segment.ts'
import { type TreeHead, treeHeadOf } from './tree/tree-head.ts'

/** A segment that the writer is done with, as the first entry of the next one tells of it. */
export interface Sealed {
  readonly file: SegmentFile
  /** Seq behind its last entry: where the next segment begins. */
  readonly end: number
  /** `h` of its last entry. */
  readonly h: string
  readonly validBytes: number
  /** SHA-256 of these bytes, hex. */
  readonly sha256: string
  /** When the next segment was opened, wall clock in ms: all of it is older. */
  readonly endMs: number
  /** The tree over all up to its end; null: nobody tells, so the ledger can't begin there. */
  readonly tree: TreeHead | null
}

/** Oldest first; what a prune was removing when it was killed is left out. Throws a Fault (`ledger.damaged`). */
export function sealedSegments(dir: string): Sealed[] {
  const found = segmentFiles(dir)
  const files = segmentsFrom(baseOf(dir, found).base, found)
  return files.slice(0, -1).map((file, index) => {
    const next = files[index + 1] ?? file
    const checked = checkLine(firstLine(next.path, MAX_LINE_BYTES))
    const previous = checked.ok ? previousOf(checked.entry.data.previous) : null
    if (!checked.ok || previous === null || previous.name !== file.name)
      throw new Fault('ledger.damaged', `segment ${next.name} does not tell of segment ${file.name} before it`, {
        hint: '"heald ledger verify" says more',
      })
    const { prev: h, ts, data } = checked.entry
    const { validBytes, sha256 } = previous
    return { file, end: next.first, h, validBytes, sha256, endMs: Date.parse(ts), tree: treeHeadOf(data.tree) }
  })
}

function previousOf(value: unknown): Previous | null {
  if (typeof value !== 'object' || value === null) return null
  const { name, sha256, validBytes, count } = value as Readonly<Record<keyof Previous, unknown>>
  return typeof name === 'string' &&
    typeof sha256 === 'string' &&
    typeof validBytes === 'number' &&
    Number.isSafeInteger(validBytes) &&
    validBytes > 0 &&
    validBytes <= MAX_SEGMENT_BYTES &&
    typeof count === 'number'
    ? { name, sha256, validBytes, count }
    : null
}

/** The oldest segments, as far as all of each is wanted. */
export function oldestOf(
  sealed: readonly Sealed[],
  { untilMs = Number.POSITIVE_INFINITY, toSeq = Number.POSITIVE_INFINITY }: { untilMs?: number; toSeq?: number },
): readonly Sealed[] {
  const keep = sealed.findIndex(({ end, endMs }) => endMs > untilMs || end - 1 > toSeq)
  return keep < 0 ? sealed : sealed.slice(0, keep)
}

/** The same, as far as the ledger can begin behind them. */
export function prunable(oldest: readonly Sealed[]): readonly Sealed[] {
  return oldest.slice(0, oldest.findLastIndex(({ tree, end }) => tree?.size === end) + 1)
}

/** Segments whose entries are all older than `untilMs` (wall clock), as far as the ledger can begin behind them. */
export function goingUntil(dir: string, untilMs: number): readonly Sealed[] {
  return prunable(oldestOf(sealedSegments(dir), { untilMs }))
}

/** What pruning them frees, bytes: the texts kept aside go with them. */
export function freedBytes(dir: string, segments: readonly Sealed[]): number {
  return segments.reduce(
    (sum, { file }) => sum + sizeOf(file.path) + sizeOf(join(dir, 'side', `${file.name}.jsonl`)),
    0,
  )
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
