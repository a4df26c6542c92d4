import type { Entry } from '../entry.ts'
import { codeOf, messageOf } from '../fault.ts'
import { baseOf } from './base.ts'
import { claimOf, openCheckpoint } from './checkpoint.ts'
import { epochAt, isNamesake } from './epochs.ts'
import type { VerifierKey } from './note.ts'
import { isKeyOf, isVouched, type OwnEpochs, ownEpochs } from './own-epochs.ts'
import { despitePrunes } from './pruned-meanwhile.ts'
import { firstSeq, readEntry } from './read.ts'
import { fitsReceipt, parseReceipt, receiptOf } from './receipt.ts'
import { rootsOfEntries } from './root-of-entries.ts'
import { looksLikeFullReceipt, parseFullReceipt, proveFullReceipt } from './tlog-proof.ts'
import { type Digest, toHex } from './tree/hash.ts'
import { olderRoots } from './tree/older-roots.ts'
import type { WalkOptions } from './verify-walk.ts'

/** What came of one receipt or checkpoint, in words. */
export interface CheckedReceipt {
  readonly what: 'receipt' | 'full receipt' | 'checkpoint' | 'key' | 'unknown'
  /** False: it does not fit; null: it can't be judged with what is here, or is nothing that could be. */
  readonly fits: boolean | null
  readonly why: string
  readonly entry: Entry | null
}

/** How the ledger's entries are read is said as for a verification: a signed checkpoint is compared with all that it covers. */
export interface CheckWith extends WalkOptions {
  /** The ledger's folder; null: there is none here. */
  readonly dir: string | null
  /** Trusted from elsewhere; none: what is of the ledger here is judged by its own first key. */
  readonly keys: readonly VerifierKey[]
  /** The ledger's own keys, for who checks several; left out: they are looked for. */
  readonly own?: OwnEpochs | null
}

/** Compares one receipt, short or full, or a signed checkpoint, with the ledger and the keys there are. */
export async function checkReceipt(text: string, by: CheckWith): Promise<CheckedReceipt> {
  if (looksLikeFullReceipt(text)) return checkFull(`${text.trim()}\n`, by)
  const short = parseReceipt(text)
  if (short !== null) return checkShort(short, by)
  if (claimOf(`${text.trim()}\n`) !== null) return checkNote(`${text.trim()}\n`, by)
  return { what: 'unknown', fits: null, why: 'it is neither a receipt nor a checkpoint', entry: null }
}

async function ownOf({ dir, own }: CheckWith): Promise<OwnEpochs | null> {
  return dir === null ? null : own === undefined ? ownEpochs(dir) : own
}

async function checkShort(
  receipt: { readonly seq: number; readonly code: string },
  by: CheckWith,
): Promise<CheckedReceipt> {
  const what = 'receipt'
  const { dir, keys } = by
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
  if (!fitsReceipt(receipt, entry)) {
    const why = `entry #${entry.seq} is another one: its receipt is ${receiptOf(entry.seq, entry.h)}`
    return { what, fits: false, why, entry }
  }
  const why = `entry #${entry.seq} is the one that it was given for`
  // It bears no signature: what was given says only whose the ledger is.
  const isForeign = keys.length > 0 && !((await ownOf(by))?.epochs ?? []).some(epoch => isKeyOf(epoch, keys))
  if (isForeign) return { what, fits: null, why: `${why}, but the key that was given is none of this ledger's`, entry }
  return { what, fits: true, why, entry }
}

async function checkFull(text: string, by: CheckWith): Promise<CheckedReceipt> {
  const what = 'full receipt'
  const { dir, keys } = by
  const receipt = parseFullReceipt(text)
  if (typeof receipt === 'string') return { what, fits: null, why: `it can't be read: ${receipt}`, entry: null }
  const own = await ownOf(by)
  const isOurs = own !== null && claimOf(receipt.checkpoint)?.origin === own.origin
  const trusted = isOurs ? own.epochs.map(({ key }) => key) : keys
  if (trusted.length === 0) return { what, fits: null, why: NEEDS_KEY, entry: null }
  const proved = proveFullReceipt(receipt, trusted)
  if (!proved.ok) return { what, fits: false, why: proved.why, entry: null }
  const { entry, checkpoint } = proved
  const among = `entry #${entry.seq} is one of the ${checkpoint.size} entries of ${checkpoint.origin}`
  const answer = (fits: boolean | null, whose: string, more = ''): CheckedReceipt => {
    return { what, fits, why: `${among}, by ${whose}${more}`, entry }
  }
  if (dir === null) return answer(true, GIVEN)
  // Whoever replaced the ledger here by another one chose its name.
  if (own !== null && !isOurs) return answer(null, GIVEN, `; ${anotherThan(own.origin, checkpoint.origin)}`)
  const found = await readEntry(dir, entry.seq)
  const signer = isOurs ? BY_ITS_WORD : GIVEN
  if (found !== null && found.line !== receipt.line)
    return answer(false, signer, `, but the ledger here has another entry #${entry.seq}`)
  if (!isOurs) {
    const has = found === null ? 'does not have it' : 'has it'
    return answer(found === null ? null : true, signer, `; the ledger here, which does not say whose it is, ${has}`)
  }
  if (found === null && entry.seq >= firstSeq(dir))
    return answer(false, signer, ', but the ledger here, which is that one, does not have it')
  const compared = await compareOurs(receipt.checkpoint, dir, own, by)
  if (compared.fits === true) {
    const more = found === null ? '; it was pruned from the ledger here' : ''
    return answer(true, ownKey(keys), more)
  }
  const where = `entry #${entry.seq} is one of the ${checkpoint.size} entries that its checkpoint tells of`
  const but = compared.fits === null ? "can't tell" : 'does not bear that out'
  const why = `${where}, but the ledger here, which is that one, ${but}: ${compared.why}`
  return { what, fits: compared.fits, why, entry }
}

async function checkNote(note: string, by: CheckWith): Promise<CheckedReceipt> {
  const what = 'checkpoint'
  const { dir, keys } = by
  const answer = ({ fits, why }: Compared): CheckedReceipt => ({ what, fits, why, entry: null })
  const own = await ownOf(by)
  const claim = claimOf(note)
  if (dir !== null && own !== null && claim?.origin === own.origin) {
    const compared = await compareOurs(note, dir, own, by)
    const whose = compared.fits === true ? `it is signed by ${ownKey(keys)}; ` : ''
    return answer({ ...compared, why: `${whose}${compared.why}` })
  }
  const isAnew = own !== null && claim !== null && isNamesake(own.origin, claim.origin)
  const anew = isAnew ? `; ${anotherThan(own.origin, claim.origin)}` : ''
  if (keys.length === 0) return answer({ fits: null, why: `${NEEDS_KEY}${anew}` })
  const opened = openCheckpoint(note, keys)
  if (!opened.ok) return answer({ fits: false, why: `it can't be believed: ${opened.why}` })
  const whose = `it is signed by ${GIVEN}`
  if (dir === null) return answer({ fits: true, why: `${whose}; there is no ledger here to compare it with` })
  return answer({ fits: false, why: `${whose}, and the ledger here is not ${opened.checkpoint.origin}${anew}` })
}

const NEEDS_KEY = 'a public key is needed to judge it: --key KEY'

const GIVEN = 'a key that was given'
/** Whether what was given vouches for it was not looked at. */
const BY_ITS_WORD = 'a key that the ledger here says is its own'

/** Of a checkpoint that fits the ledger here. */
function ownKey(given: readonly VerifierKey[]): string {
  return given.length > 0 ? `${GIVEN} or follows from it` : "the ledger's own key (none was given from elsewhere)"
}

/** Nobody is to take the one of then for the one here, where somebody began it anew. */
function anotherThan(own: string, other: string): string {
  const more = isNamesake(own, other)
    ? 'it has the same name, so it was begun anew since, or rewritten from its first entry on'
    : 'with a --state where there is none, the key alone tells'
  return `that is another ledger than the one here, ${own}: ${more}`
}

interface Compared {
  /** Null: that can't be told. */
  readonly fits: boolean | null
  readonly why: string
}

/**
 * Whether a checkpoint that is of the ledger here by its name was signed by that ledger's key of then, which was given, or
 * handed over to from one that was; and whether the ledger has the entries that it was made of.
 */
async function compareOurs(note: string, dir: string, own: OwnEpochs, by: CheckWith): Promise<Compared> {
  const { keys } = by
  const opened = openCheckpoint(
    note,
    own.epochs.map(({ key }) => key),
  )
  if (!opened.ok) return { fits: false, why: `it can't be believed: ${opened.why}` }
  if (keys.length > 0 && !own.epochs.some(epoch => isKeyOf(epoch, keys)))
    return { fits: false, why: "the key that was given is none of this ledger's" }
  const { size, root } = opened.checkpoint
  if (size === 0) return { fits: false, why: 'it was signed for no entry, so it proves nothing' }
  const until = epochAt(size, own.epochs)
  if (until === null || !opened.checkpoint.signedBy.includes(until.key))
    return { fits: false, why: 'it is signed by a key of another epoch' }
  const epochs = own.epochs.slice(0, until.epoch + 1)
  const sizes = [size, ...epochs.slice(1).map(({ fromSeq }) => fromSeq)]
  let roots: ReadonlyMap<number, Digest>
  try {
    roots = await despitePrunes(dir, () => rootsOfFirst(dir, sizes, by))
  } catch (error) {
    by.signal?.throwIfAborted()
    if (codeOf(error) !== 'ledger.damaged') throw error
    return { fits: false, why: `the ledger does not hold its ${size} entries: ${messageOf(error)}` }
  }
  const found = roots.get(size)
  if (found === undefined)
    return { fits: null, why: `its ${size} entries were pruned, and the tree's files can't tell` }
  if (found !== root) {
    const why = `the first ${size} entries are others: their root is ${toHex(found)}, and ${toHex(root)} was signed`
    return { fits: false, why }
  }
  // A handover bears the new key's signature as well, for who was given that one.
  const next = own.epochs[until.epoch + 1]
  const isOfNext = next?.fromSeq === size && isKeyOf(next, keys) && opened.checkpoint.signedBy.includes(next.key)
  if (isOfNext || isVouched(dir, epochs, keys, roots))
    return { fits: true, why: `the first ${size} entries are those that it was signed for` }
  const whom = keys.length === 0 ? "the ledger's first key" : 'the key that was given'
  return { fits: null, why: `${whom} does not vouch for the key of epoch ${until.epoch}, which has signed it` }
}

/** From the entries themselves: the tiles beside them may tell of what they were before. Left out: nothing can tell it any more. */
async function rootsOfFirst(
  dir: string,
  sizes: readonly number[],
  walking: WalkOptions,
): Promise<ReadonlyMap<number, Digest>> {
  const { base } = baseOf(dir)
  const first = base?.seq ?? 0
  const left = sizes.filter(size => size > first)
  const roots = left.length === 0 ? [] : await rootsOfEntries(dir, left, walking)
  // What stands for the pruned entries proves theirs.
  return new Map([...olderRoots(dir, base, sizes), ...(base?.roots ?? []), ...roots])
}
