import { openCheckpoint } from './checkpoint.ts'
import { type Epoch, isNamesake, unvouched } from './epochs.ts'
import type { KeyFound } from './given-key.ts'
import type { KeptCheckpoint } from './kept.ts'
import { type VerifierKey, vkeyOf } from './note.ts'
import { isKeyOf } from './own-epochs.ts'
import { atEntry, type Fitting } from './verify-fit.ts'
import type { Finding } from './verify-join.ts'

/* What the keys of a ledger, and those that were given, are worth by what they have signed. */

/** Keys that the one before did not vouch for, and why. */
export interface NotHandedOver {
  /** All of them. */
  readonly gaps: readonly Epoch[]
  /** Their handover was still to come: for the last one it is, others were lost before it came. */
  readonly unpaid: readonly Epoch[]
  /** Those that were given, where an entry tells that the one before was gone: who gives such a key may answer for it. */
  readonly bridged: readonly Epoch[]
  /** The first of the others; undefined: there is none. */
  readonly alone: Epoch | undefined
  /** An entry tells of each that the one before was gone: one of which none does is worse. */
  readonly isGap: boolean
}

export interface Handovers {
  readonly fitting: readonly Fitting[]
  /** Checkpoints, believed or not. */
  readonly notes: readonly KeptCheckpoint[]
  readonly given: readonly Epoch[]
  readonly isToldGone: (epoch: Epoch) => boolean
}

export function notHandedOver(epochs: readonly Epoch[], handovers: Handovers): NotHandedOver {
  const { fitting, given, isToldGone } = handovers
  const gaps = unvouched(epochs, fitting)
  const unpaid = gaps.filter(each => isUnpaid(each, epochs, handovers))
  const due = gaps.filter(each => !unpaid.includes(each))
  const bridged = due.filter(each => given.includes(each) && isToldGone(each))
  return {
    ...{ gaps, unpaid, bridged },
    alone: due.find(each => !bridged.includes(each)),
    isGap: due.every(isToldGone),
  }
}

/**
 * The old key signs the handover right after the entry of the new one: until then nothing else is signed, nobody is given the
 * new key, and what the old one has signed is there. Where the keys are lost meanwhile, it never comes, and the next one makes
 * a gap, of which nothing before it is proved.
 */
function isUnpaid(alone: Epoch, epochs: readonly Epoch[], { fitting, notes, given, isToldGone }: Handovers): boolean {
  const [before, next] = [epochs[alone.epoch - 1], epochs[alone.epoch + 1]]
  if (before === undefined || given.includes(alone) || isToldGone(alone)) return false
  // What anybody could have written says nothing of these keys.
  const keys = epochs.map(({ key }) => key)
  const isSignedBeyond = notes.some(({ note }) => {
    const opened = openCheckpoint(note, keys)
    if (!opened.ok) return false
    const { size } = opened.checkpoint
    return size > alone.fromSeq && size <= (next?.fromSeq ?? Number.POSITIVE_INFINITY)
  })
  if (isSignedBeyond) return false
  if (next !== undefined) return isToldGone(next)
  return fitting.some(({ signedBy }) => signedBy.includes(before.key))
}

/** Keys that were lost, by what was given. */
export interface Lost {
  /** Nothing needs to be signed with them. */
  readonly excused: readonly VerifierKey[]
  /** The same, once the receipt of `wanted` is given. */
  readonly doubted: readonly VerifierKey[]
  readonly wanted: VerifierKey | undefined
}

/**
 * A key that was lost has handed over to none, and what it signed was followed by what the next one did. Whoever has the next
 * key can write that of any: only the receipt of that entry, or of a later key, tells that it was this one.
 */
export function lostKeys(
  epochs: readonly Epoch[],
  { unpaid, bridged }: NotHandedOver,
  found: readonly KeyFound[],
): Lost {
  const before = ({ epoch }: Epoch): Epoch[] => {
    const each = epochs[epoch - 1]
    return each === undefined ? [] : unpaid.includes(each) ? [each, ...before(each)] : [each]
  }
  const isReceipted = ({ epoch }: Epoch) => found.some(each => each.epoch >= epoch && each.isAsGiven === true)
  const lost = (those: readonly Epoch[]) => those.flatMap(before).map(({ key }) => key)
  const doubted = lost(bridged.filter(each => !isReceipted(each)))
  return { excused: lost(bridged.filter(isReceipted)), doubted, wanted: bridged.at(-1)?.key }
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
      : `this ledger is ${origin}, and the key is of ${unknown.name}${
          isNamesake(origin, unknown.name)
            ? ', of the same host: begun anew since that key was made, or rewritten from its first entry on'
            : ''
        }`,
  )
}

/**
 * A key that was given proves nothing where nothing is signed: whoever removes all that was signed needs no key. Nor does one
 * beside another that is: whoever has that one can write that it was followed by this one.
 */
export function unsigned(
  keys: readonly VerifierKey[],
  { all, lost, signedUpTo }: { readonly all: readonly Fitting[]; readonly lost: Lost; readonly signedUpTo: number },
): Finding | null {
  const known = new Set([...all.flatMap(({ signedBy }) => signedBy), ...lost.excused].map(vkeyOf))
  const idle = keys.find(key => !known.has(vkeyOf(key)))
  if (idle === undefined) return null
  if (signedUpTo > 0) {
    const { doubted, wanted } = lost
    const isDoubted = wanted !== undefined && doubted.some(key => vkeyOf(key) === vkeyOf(idle))
    const but = isDoubted
      ? `; an entry tells that it was lost, and whoever has ${vkeyOf(wanted)} could have written that: that one needs its receipt (--key 'KEY RECEIPT')`
      : ''
    return atEntry(0, `no checkpoint here bears the signature of ${vkeyOf(idle)}, which was given${but}`)
  }
  return atEntry(
    0,
    'no checkpoint here bears the signature of the key that was given, or of a later one that it vouched for',
  )
}
