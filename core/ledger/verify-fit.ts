import { type KeptCheckpoint, LATEST } from './kept.ts'
import type { VerifierKey } from './note.ts'
import type { Finding, Joined } from './verify-join.ts'

/** A checkpoint that the entries fit. */
export interface Fitting {
  readonly size: number
  readonly signedBy: readonly VerifierKey[]
}

interface Sized {
  readonly size: number
}

/** Why the entries are not those that a checkpoint was signed for; null: they are. Not for one whose entries were pruned. */
export function misfit(
  { size, root }: { readonly size: number; readonly root: string },
  joined: Joined,
  fitting: readonly Sized[],
): string | null {
  if (size > joined.seq) return `it was signed for ${size} entries, and there are ${joined.seq}: the end is missing`
  const found = size === joined.seq ? joined.root : joined.roots.get(size)
  if (found === root) return null
  return `the entries #${goodBefore(fitting, size)} to #${size - 1} are not those that were signed`
}

/** How many entries a smaller checkpoint shows to be good. */
export function goodBefore(fitting: readonly Sized[], size: number): number {
  return Math.max(0, ...fitting.map(each => each.size).filter(each => each < size))
}

/** Its entries were pruned, and what could tell of them, the tree's files, is gone. */
export function isPruned(size: number, { prunedUpTo, roots }: Joined): boolean {
  return size < prunedUpTo && !roots.has(size)
}

/** Something was wrong before it, so nothing can be said of it. */
export function isBeyond(size: number, { firstBad, seq }: Joined): boolean {
  return firstBad !== null && size > seq
}

/** The newest of those beside the ledger, as evidence. */
export function newestOf(kept: readonly KeptCheckpoint[]): readonly string[] {
  const note = kept.find(({ name }) => name === LATEST)?.note
  return note === undefined ? [] : [note]
}

export function atEntry(seq: number, why: string, segment = ''): Finding {
  return { seq, line: 0, why, segment }
}

export const NO_CHECKPOINT = 'it is no checkpoint'
export const OF_NO_ENTRY = 'it was signed for no entry, so it proves nothing'
