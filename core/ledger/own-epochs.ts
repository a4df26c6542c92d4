import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { type Epoch, epochsOf, originOf } from './epochs.ts'
import { keptNote } from './kept.ts'
import { keyEntries } from './key-entries.ts'
import { type VerifierKey, vkeyOf } from './note.ts'
import type { Digest } from './tree/hash.ts'

/** The keys of a ledger, by its own word. */
export interface OwnEpochs {
  readonly origin: string
  readonly epochs: readonly Epoch[]
}

/** Null: no entry says whose the ledger is. Looks through all of it. */
export async function ownEpochs(dir: string): Promise<OwnEpochs | null> {
  const { genesis, rotations } = await keyEntries(dir)
  if (genesis === null) return null
  const origin = originOf(genesis)
  return { origin, epochs: epochsOf([genesis, ...rotations], origin).epochs }
}

export function isKeyOf({ key }: Epoch, keys: readonly VerifierKey[]): boolean {
  return keys.some(each => vkeyOf(each) === vkeyOf(key))
}

/**
 * Whether the last of these epochs, which are the ledger's first ones, is vouched for: its key was given, or was handed over
 * to from one that was. Without a given key the ledger's first one is what others follow from.
 * @param roots of the ledger's own entries, at the sizes of the handovers
 */
export function isVouched(
  dir: string,
  epochs: readonly Epoch[],
  given: readonly VerifierKey[],
  roots: ReadonlyMap<number, Digest>,
): boolean {
  let isBelieved = false
  for (const [at, epoch] of epochs.entries()) {
    const isGiven = given.length === 0 ? at === 0 : isKeyOf(epoch, given)
    isBelieved = isGiven || (isBelieved && isHandedOver(dir, epochs[at - 1], epoch, roots))
  }
  return isBelieved
}

/** The old key has signed the entries up to the one that tells of the new key, as they are here: no other number has their root. */
function isHandedOver(
  dir: string,
  before: Epoch | undefined,
  epoch: Epoch,
  roots: ReadonlyMap<number, Digest>,
): boolean {
  const signed = handoverOf(dir, before, epoch)
  return signed !== null && signed.root === roots.get(epoch.fromSeq)
}

/** The checkpoint of the old key that ends its epoch; null: it is not here, or another's. */
export function handoverOf(dir: string, before: Epoch | undefined, { fromSeq }: Epoch): SignedCheckpoint | null {
  const opened = before === undefined ? null : openCheckpoint(keptNote(dir, fromSeq) ?? '', [before.key])
  return opened?.ok === true ? opened.checkpoint : null
}
