import type { Entry } from '../entry.ts'
import { claimOf, openCheckpoint } from './checkpoint.ts'
import { type Epoch, epochsOf, isOfItsEpoch, originOf, tellsOfKeys } from './epochs.ts'
import { type GivenKey, type KeyFound, keysFound, misplacedKey } from './given-key.ts'
import { type KeptCheckpoint, LATEST } from './kept.ts'
import { checkLine } from './line.ts'
import { type VerifierKey, vkeyOf } from './note.ts'
import { isKeyOf } from './own-epochs.ts'
import { receiptOf } from './receipt.ts'
import {
  atEntry,
  type Fitting,
  goodBefore,
  isBeyond,
  isPruned,
  misfit,
  NO_CHECKPOINT,
  OF_NO_ENTRY,
} from './verify-fit.ts'
import type { Finding, Joined } from './verify-join.ts'
import { badKey, linkedTo, lostKeys, notHandedOver, unsigned } from './verify-keys.ts'
import { ANOTHER_EPOCH, type Doubt, judgeOutside, type Undecided } from './verify-outside.ts'

/** What was kept elsewhere, where nobody who can write the ledger could change it. */
export interface Trust {
  readonly keys: readonly GivenKey[]
  readonly checkpoints: readonly KeptCheckpoint[]
  /**
   * A key that was given is believed although nobody vouched for it, since an entry tells that the one before was gone: by
   * its own word alone, since whoever has it could have written that entry. Left out: what is before it is not proved.
   */
  readonly isGapAccepted?: boolean
}

/**
 * What `bad` is. `contradicted`: something that was signed, or a key, is against the ledger. `undecided`: a note is, and
 * nothing tells which of them is made up. `bare`: no checkpoint is there, or none in "cp", and there must
 * have been some. `gap`: nobody vouched for a key, as an entry tells. `unbelieved`: a checkpoint from elsewhere proves nothing.
 * `unproved`: a key that was given proves nothing.
 */
export type Trouble = 'contradicted' | 'undecided' | 'bare' | 'gap' | 'unbelieved' | 'unproved'

export interface Signed {
  /** All checkpoints fit the entries; null: there are none. */
  readonly checkpoints: boolean | null
  /** The keys follow one another as they should; null: there are none. */
  readonly epochs: boolean | null
  /** What is worst: what contradicts the ledger, the first of it, before what only does not prove it. */
  readonly bad: Finding | null
  readonly trouble: Trouble | null
  /** Entries up to here are those that a fitting checkpoint was signed for, with a key that was given or follows from it. */
  readonly signedUpTo: number
  readonly origin: string | null
  /** The key of each epoch, as the ledger tells of it. */
  readonly vkeys: readonly string[]
  /** Entries up to here are those that a checkpoint from elsewhere was signed for. */
  readonly comparedUpTo: number
  /** Two signed notes that can't both be true of one ledger. */
  readonly evidence: readonly string[]
  /** A checkpoint from elsewhere that proves nothing, when that is all that is wrong: nothing contradicts the ledger. */
  readonly unbelieved: string | null
  /** All checkpoints from elsewhere that prove nothing. */
  readonly doubts: readonly Doubt[]
  /** Receipts of the entries that tell of them. */
  readonly keyReceipts: readonly string[]
  /** Which of them were given. */
  readonly keysFound: readonly KeyFound[]
  /** Epochs that the key before did not vouch for, since it was gone: their own key was given. */
  readonly unvouched: readonly number[]
}

/**
 * Judges the checkpoints beside a ledger, and those from elsewhere, by its entries as they were joined. The ledger's word
 * for its keys is only as good as the ledger: a key from elsewhere has to be one of them.
 */
export function judgeSigned(joined: Joined, kept: readonly KeptCheckpoint[], trust: Trust): Signed {
  const entries = joined.notable.flatMap(line => entryOf(line) ?? [])
  const [genesis] = entries
  if (genesis?.kind !== 'genesis' || genesis.seq !== 0) {
    // Where not even the first line is one, nothing can be said of what lies beside it.
    const isRead = joined.seq > 0 || joined.firstBad === null
    return nobodys(trust, isRead ? kept : [], entries.length > 0)
  }
  const origin = originOf(genesis)
  const { epochs, bad: badEpoch } = epochsOf(entries, origin)
  const own = judgeKept(kept, epochs, joined)
  const foundKeys = keysFound(trust.keys, epochs)
  const unknown = badKey(trust.keys, epochs, origin) ?? misplacedKey(foundKeys)
  const keyBad = badEpoch === null ? unknown : atEntry(badEpoch.seq, badEpoch.why)
  const given = epochs.filter(each => isKeyOf(each, trust.keys))
  const isToldGone = (epoch: Epoch): boolean =>
    entries.some(({ seq, data }) => seq === epoch.seq && data.why !== undefined)
  const notes = [...kept, ...trust.checkpoints]
  const missing = notHandedOver(epochs, { fitting: own.fitting, notes, given, isToldGone })
  const { gaps, unpaid, bridged, alone, isGap } = missing
  const known = epochs.filter(each => !(unpaid.includes(each) && each === epochs.at(-1)))
  /** Handovers are signed, and kept in "cp": where nothing is, nothing that is here says that they were not. */
  const isBare = alone !== undefined && (kept.length === 0 || (!isGap && kept.every(({ name }) => name === LATEST)))
  const epochBad =
    alone === undefined
      ? null
      : atEntry(
          alone.seq,
          isGap
            ? `${gapWords(alone)}, where an entry tells that the one before was gone`
            : `the key of epoch ${alone.epoch} begins here, and the old key does not vouch for it`,
          isBare && kept.length > 0 ? 'cp' : '',
        )
  // Who has the present key could have signed what is of its epoch anew.
  const old = own.fitting.filter(({ size }) => size <= (epochs.at(-1)?.fromSeq ?? 0))
  const outside = judgeOutside(trust.checkpoints, { kept, old, joined }, { origin, epochs: known, given: trust.keys })
  const believed = trust.keys.length === 0 ? known : linkedTo(given, known, gaps)
  const all = [...own.fitting, ...outside.fitting]
  const signed = all.filter(({ signedBy }) => believed.some(({ key }) => signedBy.includes(key)))
  const signedUpTo = upTo(signed)
  const vouchedUpTo = trust.keys.length > 0 && keyBad === null ? signedUpTo : 0
  const undecided = outside.undecided.filter(({ size }) => size > vouchedUpTo).map(each => undecidedBy(each, trust))
  const outvoted = outside.undecided.filter(({ size }) => size <= vouchedUpTo).map(outvotedBy)
  const doubts = [...outside.doubts, ...outvoted].sort((a, b) => RANK[a.is] - RANK[b.is])
  const gap = trust.isGapAccepted
    ? undefined
    : // What the new key has signed was signed when the past may have been another one already.
      bridged.find(({ seq, fromSeq }) => !outside.fitting.some(({ size }) => size >= seq && size <= fromSeq))
  const lost = lostKeys(epochs, missing, foundKeys)
  const nothingSigned = unsigned(trust.keys, { all, lost, signedUpTo })
  const gapBad = gap === undefined || nothingSigned !== null ? null : atEntry(gap.seq, gapWords(gap))
  const doubtful = doubts.map(({ name, why, is }) => ({ ...atEntry(signedUpTo, why, name), is }))
  // Whoever rewrites all of it may leave out handovers, or tell of a lost key: that is the lesser thing to say then.
  const replaced = outside.fitting.length === 0 ? doubtful.filter(({ is }) => is === 'anew') : []
  const found = worst([
    ['contradicted', [keyBad, isBare || isGap ? null : epochBad, own.bad, ...outside.contradictions]],
    ['undecided', undecided],
    ['unbelieved', replaced],
    ['bare', [isBare ? epochBad : null]],
    ['gap', [isGap ? epochBad : null, gapBad]],
    ['unbelieved', doubtful],
    ['unproved', [nothingSigned]],
  ])
  const isLinked = keyBad === null && epochBad === null
  const hasNotes = kept.length + trust.checkpoints.length > 0
  const isOutsideGood = outside.contradictions.length + undecided.length + doubts.length === 0
  return {
    checkpoints: hasNotes ? own.bad === null && isOutsideGood : null,
    epochs: epochs.length > 0 || found !== null ? isLinked && gap === undefined : null,
    ...{ bad: found?.bad ?? null, trouble: found?.trouble ?? null },
    ...{ signedUpTo, comparedUpTo: upTo(outside.fitting), origin, vkeys: known.map(({ key }) => vkeyOf(key)) },
    evidence: (first(outside.contradictions) ?? first(undecided))?.evidence ?? [],
    unbelieved: found?.trouble === 'unbelieved' ? found.bad.segment : null,
    keyReceipts: known.map(({ seq, h }) => receiptOf(seq, h)),
    ...{ keysFound: foundKeys, doubts },
    unvouched: isLinked ? bridged.map(({ epoch }) => epoch) : [],
  }
}

function gapWords({ epoch, seq }: Epoch): string {
  return `nobody vouched for the key of epoch ${epoch}, which begins with entry #${seq}`
}

/** The first of the worst there is. */
function worst(
  kinds: readonly (readonly [Trouble, readonly (Finding | null)[]])[],
): { readonly trouble: Trouble; readonly bad: Finding } | null {
  for (const [trouble, findings] of kinds) {
    const found = first(findings.filter(each => each !== null))
    if (found === undefined) continue
    const { seq, line, why, segment } = found
    return { trouble, bad: { seq, line, why, segment } }
  }
  return null
}

function first<T extends Finding>(findings: readonly T[]): T | undefined {
  return findings.toSorted((a, b) => a.seq - b.seq)[0]
}

function upTo(fitting: readonly Fitting[]): number {
  return Math.max(0, ...fitting.map(({ size }) => size))
}

function undecidedBy(each: Undecided, { keys }: Trust): Undecided {
  const decides =
    keys.length === 0
      ? 'a public key kept elsewhere (--key) decides'
      : 'what is signed with the key that was given does not reach as far'
  return { ...each, why: `${each.why}: ${each.either}; ${decides}` }
}

/** What is of this ledger, or should be, is said first. */
const RANK: Readonly<Record<Doubt['is'], number>> = { anew: 0, worthless: 1, outvoted: 1, pruned: 2, foreign: 3 }

/** A key that was given speaks for the ledger. */
function outvotedBy({ segment, size, why, either }: Undecided): Doubt {
  const but =
    'the key that was given vouches for the entries that are here, so it is the note, unless that key was stolen'
  return { name: segment, size, why: `${why}: ${either}; ${but}`, is: 'outvoted' }
}

/** Nothing was looked at. */
export const UNSIGNED: Signed = {
  ...{ checkpoints: null, epochs: null, bad: null, trouble: null, signedUpTo: 0, comparedUpTo: 0, origin: null },
  ...{ vkeys: [], keyReceipts: [], keysFound: [], evidence: [], unbelieved: null, doubts: [], unvouched: [] },
}

/**
 * No entry says whose the ledger is. Whoever takes that entry away must not get rid of what was signed with it: notes beside
 * the ledger, and entries that tell of keys, ask for it as what was given does.
 */
function nobodys({ keys, checkpoints }: Trust, kept: readonly KeptCheckpoint[], isToldOfKeys: boolean): Signed {
  const hasNotes = kept.length + checkpoints.length > 0
  if (!hasNotes && keys.length === 0 && !isToldOfKeys) return UNSIGNED
  const bad = atEntry(0, 'the ledger does not begin with an entry that says whose it is')
  return { ...UNSIGNED, checkpoints: hasNotes ? false : null, epochs: false, bad, trouble: 'contradicted' }
}

function entryOf(line: string): Entry | null {
  const checked = checkLine(line)
  return checked.ok && tellsOfKeys(checked.entry) ? checked.entry : null
}

function judgeKept(
  kept: readonly KeptCheckpoint[],
  epochs: readonly Epoch[],
  joined: Joined,
): { readonly bad: Finding | null; readonly fitting: readonly Fitting[] } {
  const fitting: Fitting[] = []
  let bad: Finding | null = null
  for (const { name, note } of kept) {
    const claim = claimOf(note)
    const size = claim?.size ?? 0
    // Beyond what could be followed nothing can be said.
    if (isBeyond(size, joined)) continue
    const signed = signedIn(note, epochs)
    // Where they were pruned with the tree's files, of its signature alone.
    const isGone = size > 0 && isPruned(size, joined)
    const unfit =
      claim === null ? NO_CHECKPOINT : size === 0 ? OF_NO_ENTRY : isGone ? null : misfit(claim, joined, fitting)
    const why = signed.why ?? unfit
    if (why === null && isGone) continue
    if (why === null) fitting.push({ size, signedBy: signed.by })
    else if (bad === null || size < bad.seq) bad = atEntry(goodBefore(fitting, size), why, name)
  }
  return { bad, fitting }
}

/** Who has signed a note, among the ledger's keys; `why` it is none that its key signed then, null: it is. */
function signedIn(
  note: string,
  epochs: readonly Epoch[],
): { readonly by: readonly VerifierKey[]; readonly why: string | null } {
  const keys = epochs.map(({ key }) => key)
  const opened = openCheckpoint(note, keys)
  if (!opened.ok) return { by: [], why: `the checkpoint can't be believed: ${opened.why}` }
  const { signedBy } = opened.checkpoint
  return { by: signedBy, why: isOfItsEpoch(opened.checkpoint, epochs) ? null : ANOTHER_EPOCH }
}
