import type { Epoch } from './epochs.ts'
import { parseVkey, type VerifierKey, vkeyOf } from './note.ts'
import { isKeyOf } from './own-epochs.ts'
import { fitsReceipt, parseReceipt, type Receipt, receiptOf } from './receipt.ts'
import { atEntry } from './verify-fit.ts'
import type { Finding } from './verify-join.ts'

/*
 * A key by itself tells who signs, and not since when: whoever has stolen the present one can make up a whole ledger in which
 * it signs from the first entry on. The receipt of the entry that tells of it says where it begins, and all before that.
 */

/** A key from elsewhere, perhaps with the receipt of the entry that tells of it. */
export interface GivenKey extends VerifierKey {
  readonly told?: Receipt
}

/** Which key of a ledger one that was given is. */
export interface KeyFound {
  readonly vkey: string
  readonly epoch: number
  /** Of the entry that tells of it here. */
  readonly receipt: string
  /** It is the one that was given with the key; null: none was. */
  readonly isAsGiven: boolean | null
}

/** Reads a key, and a receipt behind it, as people keep them; null when it is none, or has something else behind it. */
export function parseGivenKey(text: string): GivenKey | null {
  const [vkey = '', ...rest] = text.trim().split(/\s+/)
  const key = parseVkey(vkey)
  if (key === null || rest.length === 0) return key
  const told = parseReceipt(rest.join(''))
  return told === null ? null : { ...key, told }
}

/** Those of the keys that the ledger knows, by its epochs. */
export function keysFound(keys: readonly GivenKey[], epochs: readonly Epoch[]): KeyFound[] {
  return keys.flatMap(key => {
    const epoch = epochs.findLast(each => isKeyOf(each, [key]))
    if (epoch === undefined) return []
    const isAsGiven = key.told === undefined ? null : fitsReceipt(key.told, epoch)
    return [{ vkey: vkeyOf(key), epoch: epoch.epoch, receipt: receiptOf(epoch.seq, epoch.h), isAsGiven }]
  })
}

/** A key whose entry is another one here than it was when the key was made. */
export function misplacedKey(found: readonly KeyFound[]): Finding | null {
  const misplaced = found.find(({ isAsGiven }) => isAsGiven === false)
  if (misplaced === undefined) return null
  const { vkey, receipt } = misplaced
  return atEntry(
    0,
    `the key ${vkey} is that of another entry here (${receipt}) than its receipt is for: the ledger was made up anew, or that receipt is not the key's`,
  )
}
