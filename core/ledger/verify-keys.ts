import { openCheckpoint } from './checkpoint.ts'
import type { Epoch } from './epochs.ts'
import type { KeptCheckpoint } from './kept.ts'
import { type VerifierKey, vkeyOf } from './note.ts'
import { isKeyOf } from './own-epochs.ts'
import { atEntry, type Fitting } from './verify-fit.ts'
import type { Finding } from './verify-join.ts'

/* What the keys of a ledger, and those that were given, are worth by what they have signed. */

/**
 * The old key signs the handover right after the entry of the new one: until then nothing else is signed, and what the old
 * one has signed is there.
 */
export function isLastOwed(
  epochs: readonly Epoch[],
  alone: Epoch,
  fitting: readonly Fitting[],
  notes: readonly KeptCheckpoint[],
): boolean {
  const [before, last] = epochs.slice(-2)
  if (before === undefined || last !== alone) return false
  // What anybody could have written says nothing of these keys.
  const keys = epochs.map(({ key }) => key)
  const isSignedBeyond = notes.some(({ note }) => {
    const opened = openCheckpoint(note, keys)
    return opened.ok && opened.checkpoint.size > alone.fromSeq
  })
  return !isSignedBeyond && fitting.some(({ signedBy }) => signedBy.includes(before.key))
}

/** Epochs whose key was given, and later ones that were handed over from there on. */
export function linkedTo(given: readonly Epoch[], epochs: readonly Epoch[], gaps: readonly Epoch[]): Epoch[] {
  let isLinked = false
  return epochs.filter(each => {
    isLinked = given.includes(each) || (isLinked && !gaps.includes(each))
    return isLinked
  })
}

/** A key from elsewhere that this ledger does not know: it is another one, or was rewritten. */
export function badKey(keys: readonly VerifierKey[], epochs: readonly Epoch[], origin: string): Finding | null {
  const unknown = keys.find(key => !epochs.some(each => isKeyOf(each, [key])))
  if (unknown === undefined) return null
  return atEntry(
    0,
    unknown.name === origin
      ? `the key ${vkeyOf(unknown)} was never one of this ledger's: it was rewritten, or the key is of another one`
      : `this ledger is ${origin}, and the key is of ${unknown.name}`,
  )
}

/**
 * A key that was given proves nothing where nothing is signed: whoever removes all that was signed needs no key. Nor does one
 * beside another that is: whoever has that one can write that it was followed by this one.
 */
export function unsigned(
  keys: readonly VerifierKey[],
  {
    all,
    lost,
    signedUpTo,
  }: { readonly all: readonly Fitting[]; readonly lost: readonly VerifierKey[]; readonly signedUpTo: number },
): Finding | null {
  const known = new Set([...all.flatMap(({ signedBy }) => signedBy), ...lost].map(vkeyOf))
  const idle = keys.find(key => !known.has(vkeyOf(key)))
  if (idle === undefined) return null
  if (signedUpTo > 0) return atEntry(0, `no checkpoint here bears the signature of ${vkeyOf(idle)}, which was given`)
  return atEntry(
    0,
    'no checkpoint here bears the signature of the key that was given, or of a later one that it vouched for',
  )
}
