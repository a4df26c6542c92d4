import type { Entry } from '../entry.ts'
import type { Checkpoint, SignedCheckpoint } from './checkpoint.ts'
import { type VerifierKey, verifierKey } from './note.ts'

/*
 * Each checkpoint is signed by the key of its epoch. An epoch begins behind the entry that tells of its key:
 *
 *   entry r   key.rotated {epoch: 1, publicKey, fromSeq: r + 1}
 *   size r+1  the handover: the last checkpoint of epoch 0, by which the old key vouches for the new one
 *   size r+2… epoch 1
 *
 * So who holds the present key can't sign another past: that past would need handovers by keys that are erased.
 */

export interface Epoch {
  readonly epoch: number
  readonly key: VerifierKey
  /** Checkpoints of more entries than this are of this epoch. */
  readonly fromSeq: number
  /** Seq of the entry that tells of it, and its hash. */
  readonly seq: number
  readonly h: string
}

/** Name of a ledger, as its checkpoints and keys bear it: `<origin of the genesis>/<first 8 hex of its h>`. */
export function originOf(genesis: Pick<Entry, 'h' | 'data'>): string {
  return `${typeof genesis.data.origin === 'string' ? genesis.data.origin : 'heald'}/${genesis.h.slice(0, 8)}`
}

/** Whether both are of one host, by its name: a ledger that is begun anew there has another end of it. */
export function isNamesake(origin: string, other: string): boolean {
  const hostIn = (each: string): string => each.slice(0, each.lastIndexOf('/'))
  return hostIn(origin) === hostIn(other)
}

/** Entries of these kinds tell of keys. */
export const KEY_KINDS = ['genesis', 'key.rotated'] as const

export function tellsOfKeys({ kind }: Pick<Entry, 'kind'>): boolean {
  return KEY_KINDS.some(each => each === kind)
}

/**
 * The epochs that a ledger's own entries tell of (`genesis` and each `key.rotated`, in order). `why`: what of it makes no
 * sense, by the seq of the first such entry; the epochs before that stand.
 */
export function epochsOf(
  entries: readonly Entry[],
  origin: string,
): { readonly epochs: readonly Epoch[]; readonly bad: { readonly seq: number; readonly why: string } | null } {
  const epochs: Epoch[] = []
  for (const { kind, seq, h, data } of entries) {
    if (kind === 'genesis' && data.publicKey == null) continue
    const key = keyIn(data.publicKey, origin)
    const epoch = kind === 'genesis' ? 0 : data.epoch
    const fromSeq = kind === 'genesis' ? 0 : seq + 1
    const bad = (why: string) => ({ epochs, bad: { seq, why } })
    if (key === null) return bad('the key that it tells of is none')
    if (epoch !== epochs.length)
      return bad(`it begins epoch ${String(epoch)} where epoch ${epochs.length} should begin`)
    if (kind !== 'genesis' && data.fromSeq !== fromSeq)
      return bad('it begins an epoch somewhere else than behind itself')
    epochs.push({ epoch, key, fromSeq, seq, h })
  }
  return { epochs, bad: null }
}

/** Of the ledger `origin`, as an entry tells of it; null: that is no key. */
export function keyIn(publicKey: unknown, origin: string): VerifierKey | null {
  if (typeof publicKey !== 'string' || !/^[A-Za-z0-9+/]{43}=$/.test(publicKey)) return null
  return verifierKey(origin, Buffer.from(publicKey, 'base64'))
}

/** The epoch that a checkpoint of `size` entries has to be signed in; null: it is from before the first one. */
export function epochAt(size: number, epochs: readonly Epoch[]): Epoch | null {
  return epochs.findLast(({ fromSeq, epoch }) => size > fromSeq || epoch === 0) ?? null
}

/** Whether a checkpoint bears the signature of the key of its own epoch. */
export function isOfItsEpoch(
  { size, signedBy }: Pick<SignedCheckpoint, 'size' | 'signedBy'>,
  epochs: readonly Epoch[],
): boolean {
  const epoch = epochAt(size, epochs)
  return epoch !== null && signedBy.includes(epoch.key)
}

/** Handovers that are missing, as the epoch that nobody vouches for; the first needs none. */
export function unvouched(epochs: readonly Epoch[], handovers: readonly Pick<Checkpoint, 'size'>[]): Epoch[] {
  const sizes = new Set(handovers.map(({ size }) => size))
  return epochs.filter(({ epoch, fromSeq }) => epoch > 0 && !sizes.has(fromSeq))
}
