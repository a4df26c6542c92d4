import { Fault } from '../fault.ts'
import { readEntry } from '../ledger/read.ts'
import { fitsReceipt, parseReceipt, receiptOf } from '../ledger/receipt.ts'
import { seqFrom } from './ledger-filter.ts'

/**
 * The number of the entry that `text` names: `41`, `#41`, or a receipt, which has to be that entry's own. Faults: `usage.seq`,
 * `entry.other`, `entry.damaged`. Whether there is such an entry at all is not said here.
 */
export async function seqNamed(dir: string, text: string): Promise<number> {
  const seq = seqFrom(text)
  const receipt = parseReceipt(text)
  const found = receipt === null ? null : await readEntry(dir, seq)
  if (receipt === null || found === null) return seq
  if ('why' in found)
    throw new Fault(
      'entry.damaged',
      `whether the receipt fits can't be told, since entry #${seq} is damaged: ${found.why}`,
      {
        hint: `"heald ledger verify" says more; to go by the number alone write ${seq}`,
      },
    )
  if (fitsReceipt(receipt, found.entry)) return seq
  const own = receiptOf(seq, found.entry.h)
  throw new Fault('entry.other', `entry #${seq} is not the one that this receipt was given for: its own is ${own}`, {
    hint: `"heald ledger verify" says whether the ledger was changed; to go by the number alone write ${seq}`,
  })
}
