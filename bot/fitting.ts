import type { Entry } from '../core/entry.ts'
import { checkLine } from '../core/ledger/line.ts'

/**
 * Lines of the ledger as entries, but only what fits: each line has to have the hash that it ends with, and to name the hash
 * of the line before. One that does not is left out, and `tell` is told why. The first one is believed: who goes on from an
 * entry that was read earlier compares the two (`joined.ts`).
 */
export async function* fittingEntries(
  lines: AsyncIterable<string>,
  tell: (why: string) => void,
): AsyncGenerator<Entry, void, void> {
  /** Null: nothing that the next one could be compared with. */
  let before: Entry | null = null
  let lastSeq: number | null = null
  for await (const line of lines) {
    const checked = checkLine(line)
    if (!checked.ok) {
      tell(`${lastSeq === null ? 'the first line' : `what came after entry #${lastSeq}`}: ${checked.why}`)
      before = null
      continue
    }
    const { entry } = checked
    const why = before === null ? null : whyUnlinked(entry, before)
    lastSeq = entry.seq
    before = entry
    if (why === null) yield entry
    else tell(`entry #${entry.seq}: ${why}`)
  }
}

function whyUnlinked({ seq, prev }: Entry, before: Entry): string | null {
  if (seq !== before.seq + 1) return `it comes after entry #${before.seq}`
  return prev === before.h ? null : `its "prev" is not the hash of entry #${before.seq}`
}
