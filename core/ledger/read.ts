import type { Entry } from '../entry.ts'
import { Fault } from '../fault.ts'
import { countingSegments } from './base.ts'
import { type CursorOptions, openCursor } from './cursor.ts'
import { checkLine } from './line.ts'

/** Why there is no entry `seq`. */
export function unknownEntry(dir: string, seq: number): Fault {
  return seq < firstSeq(dir)
    ? new Fault('entry.pruned', `entry #${seq} was pruned`, {
        hint: `the ledger begins with #${firstSeq(dir)} now; what was before it is in the archive, if one was made`,
      })
    : new Fault('entry.unknown', `there is no entry #${seq}`, { hint: '"heald ledger list" shows the newest ones' })
}

/** A line that is no entry, where an entry should be. */
export interface BadLine {
  readonly seq: number
  readonly why: string
}

/**
 * The entries from `fromSeq` on, in order, each checked against its hash; memory stays bounded however long the ledger.
 * Ends at `endSeq` (left out: at the last whole line). Bad lines are passed over and told to `onBad`; what is pruned
 * meanwhile is passed over.
 */
export async function* foldFrom(
  dir: string,
  fromSeq: number,
  {
    endSeq = Number.POSITIVE_INFINITY,
    onBad,
  }: { readonly endSeq?: number; readonly onBad?: (bad: BadLine) => void } = {},
): AsyncGenerator<Entry> {
  const cursor = openCursor(dir, fromSeq)
  try {
    for (let lines = await cursor.next(endSeq); lines.length > 0; lines = await cursor.next(endSeq)) {
      for (const { seq, text } of lines) {
        const checked = checkLine(text)
        if (checked.ok) yield checked.entry
        else onBad?.({ seq, why: checked.why })
      }
    }
  } finally {
    await cursor.close()
  }
}

/** The first entry that is still there; those before it were pruned. 0 too where there is none. */
export function firstSeq(dir: string): number {
  return countingSegments(dir)[0]?.first ?? 0
}

/** One entry by its place, with its line; null when there is none. */
export async function readEntry(
  dir: string,
  seq: number,
  { isAtOnce = false }: Pick<CursorOptions, 'isAtOnce'> = {},
): Promise<{ readonly line: string; readonly entry: Entry } | { readonly line: string; readonly why: string } | null> {
  const cursor = openCursor(dir, seq, { isAtOnce })
  try {
    const [found] = await cursor.next(seq + 1)
    if (found === undefined) return null
    const checked = checkLine(found.text)
    return checked.ok ? { line: found.text, entry: checked.entry } : { line: found.text, why: checked.why }
  } finally {
    await cursor.close()
  }
}
