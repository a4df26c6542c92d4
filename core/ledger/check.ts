import type { Entry } from '../entry.ts'
import { codeOf, messageOf } from '../fault.ts'
import { baseOf } from './base.ts'
import { type Checkpoint, claimOf, openCheckpoint } from './checkpoint.ts'
import { type VerifierKey, vkeyOf } from './note.ts'
import { despitePrunes } from './pruned-meanwhile.ts'
import { firstSeq, readEntry } from './read.ts'
import { fitsReceipt, parseReceipt, receiptOf } from './receipt.ts'
import { rootOfEntries } from './root-of-entries.ts'
import { looksLikeFullReceipt, parseFullReceipt, proveFullReceipt } from './tlog-proof.ts'
import { type Digest, toHex } from './tree/hash.ts'
import { olderRoots } from './tree/older-roots.ts'
import type { WalkOptions } from './verify-walk.ts'

/** What came of one receipt or checkpoint, in words. */
export interface CheckedReceipt {
  readonly what: 'receipt' | 'full receipt' | 'checkpoint' | 'unknown'
  /** False: it does not fit; null: it can't be judged with what is here, or is nothing that could be. */
  readonly fits: boolean | null
  readonly why: string
  readonly entry: Entry | null
}

/** How the ledger's entries are read is said as for a verification: a signed checkpoint is compared with all that it covers. */
export interface CheckWith extends WalkOptions {
  /** The ledger's folder; null: there is none here. */
  readonly dir: string | null
  /** Trusted from elsewhere; none: full receipts are judged by `ownKeys`. */
  readonly keys: readonly VerifierKey[]
  /** The ledger's own, by its own word. */
  readonly ownKeys: readonly VerifierKey[]
}

/** Compares one receipt, short or full, or a signed checkpoint, with the ledger and the keys there are. */
export async function checkReceipt(text: string, by: CheckWith): Promise<CheckedReceipt> {
  if (looksLikeFullReceipt(text)) return checkFull(`${text.trim()}\n`, by)
  const short = parseReceipt(text)
  if (short !== null) return checkShort(short, by)
  if (claimOf(`${text.trim()}\n`) !== null) return checkNote(`${text.trim()}\n`, by)
  return { what: 'unknown', fits: null, why: 'it is neither a receipt nor a checkpoint', entry: null }
}

async function checkShort(
  receipt: { readonly seq: number; readonly code: string },
  { dir, keys, ownKeys }: CheckWith,
): Promise<CheckedReceipt> {
  const what = 'receipt'
  if (dir === null) return { what, fits: null, why: 'there is no ledger here to compare it with', entry: null }
  const found = await readEntry(dir, receipt.seq)
  if (found === null && receipt.seq < firstSeq(dir))
    return {
      what,
      fits: null,
      why: `entry #${receipt.seq} was pruned; the archive tells, if one was made`,
      entry: null,
    }
  if (found === null) return { what, fits: false, why: `the ledger has no entry #${receipt.seq}`, entry: null }
  if (!('entry' in found))
    return { what, fits: false, why: `entry #${receipt.seq} is damaged: ${found.why}`, entry: null }
  const { entry } = found
  // It bears no signature: what was given says only whose the ledger is.
  const isForeign = keys.length > 0 && !keys.some(key => ownKeys.some(own => vkeyOf(own) === vkeyOf(key)))
  const but = isForeign ? ", but the key that was given is none of this ledger's" : ''
  return fitsReceipt(receipt, entry)
    ? { what, fits: true, why: `entry #${entry.seq} is the one that it was given for${but}`, entry }
    : {
        what,
        fits: false,
        why: `entry #${entry.seq} is another one: its receipt is ${receiptOf(entry.seq, entry.h)}`,
        entry,
      }
}

async function checkFull(text: string, { dir, keys, ownKeys, ...walking }: CheckWith): Promise<CheckedReceipt> {
  const what = 'full receipt'
  const receipt = parseFullReceipt(text)
  if (typeof receipt === 'string') return { what, fits: null, why: `it can't be read: ${receipt}`, entry: null }
  const trusted = keys.length > 0 ? keys : ownKeys
  if (trusted.length === 0)
    return { what, fits: null, why: 'a public key is needed to judge it: --key KEY', entry: null }
  const proved = proveFullReceipt(receipt, trusted)
  if (!proved.ok) return { what, fits: false, why: proved.why, entry: null }
  const { entry, checkpoint } = proved
  const good = `entry #${entry.seq} is one of the ${checkpoint.size} entries of ${checkpoint.origin}, by ${whoseKey(keys)}`
  const answer = (fits: boolean | null, more = ''): CheckedReceipt => ({ what, fits, why: `${good}${more}`, entry })
  if (dir === null) return answer(true)
  const isOurs = ownKeys.some(({ name }) => name === checkpoint.origin)
  const found = await readEntry(dir, entry.seq)
  if (found !== null && found.line !== receipt.line)
    return answer(false, `, but the ledger here has another entry #${entry.seq}`)
  if (!isOurs) return answer(true, found === null ? '; it is not in the ledger here' : '')
  if (found === null && entry.seq >= firstSeq(dir))
    return answer(false, ', but the ledger here, which is that one, does not have it')
  const compared = await compareWith(dir, checkpoint, walking)
  if (compared.fits === true) return answer(true, found === null ? '; it was pruned from the ledger here' : '')
  const but = compared.fits === null ? "can't tell" : 'has another past'
  return answer(compared.fits, `, but the ledger here, which is that one, ${but}: ${compared.why}`)
}

async function checkNote(note: string, { dir, keys, ownKeys, ...walking }: CheckWith): Promise<CheckedReceipt> {
  const what = 'checkpoint'
  const answer = (fits: boolean | null, why: string): CheckedReceipt => ({ what, fits, why, entry: null })
  const trusted = keys.length > 0 ? keys : ownKeys
  if (trusted.length === 0) return answer(null, 'a public key is needed to judge it: --key KEY')
  const opened = openCheckpoint(note, trusted)
  if (!opened.ok) return answer(false, `it can't be believed: ${opened.why}`)
  const whose = `it is signed by ${whoseKey(keys)}`
  if (dir === null) return answer(true, `${whose}; there is no ledger here to compare it with`)
  const { fits, why } = await compareWith(dir, opened.checkpoint, walking)
  return answer(fits, `${whose}; ${why}`)
}

function whoseKey(given: readonly VerifierKey[]): string {
  return given.length > 0 ? 'the key that was given' : "the ledger's own key (none was given from elsewhere)"
}

/** Whether the ledger has the entries that a checkpoint was made of; null: that can't be told any more. */
async function compareWith(
  dir: string,
  { size, root }: Checkpoint,
  walking: WalkOptions,
): Promise<{ readonly fits: boolean | null; readonly why: string }> {
  try {
    const found = await despitePrunes(dir, () => rootOfFirst(dir, size, walking))
    if (found === null) return { fits: null, why: `its ${size} entries were pruned, and the tree's files can't tell` }
    if (found === root) return { fits: true, why: `the first ${size} entries are those that it was signed for` }
    const why = `the first ${size} entries are others: their root is ${toHex(found)}, and ${toHex(root)} was signed`
    return { fits: false, why }
  } catch (error) {
    walking.signal?.throwIfAborted()
    if (codeOf(error) !== 'ledger.damaged') throw error
    return { fits: false, why: `the ledger does not hold its ${size} entries: ${messageOf(error)}` }
  }
}

/** From the entries themselves: the tiles beside them may tell of what they were before. Null: nothing can tell it any more. */
async function rootOfFirst(dir: string, size: number, walking: WalkOptions): Promise<Digest | null> {
  return size < firstSeq(dir) ? prunedRoot(dir, size) : rootOfEntries(dir, size, walking)
}

/** As what stands for the pruned entries proves it. */
function prunedRoot(dir: string, size: number): Digest | null {
  const { base } = baseOf(dir)
  return base?.roots.get(size) ?? olderRoots(dir, base, [size]).get(size) ?? null
}
