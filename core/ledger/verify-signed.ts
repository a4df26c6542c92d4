import type { Entry } from '../entry.ts'
import { claimOf, openCheckpoint } from './checkpoint.ts'
import { type Epoch, epochsOf, isOfItsEpoch, originOf, tellsOfKeys, unvouched } from './epochs.ts'
import type { KeptCheckpoint } from './kept.ts'
import { checkLine } from './line.ts'
import { type VerifierKey, vkeyOf } from './note.ts'
import { isKeyOf } from './own-epochs.ts'
import type { Finding, Joined } from './verify-join.ts'

/** What was kept elsewhere, where nobody who can write the ledger could change it. */
export interface Trust {
  readonly keys: readonly VerifierKey[]
  readonly checkpoints: readonly KeptCheckpoint[]
  /**
   * A key that was given is believed although nobody vouched for it, since an entry tells that the one before was gone: by
   * its own word alone, since whoever has it could have written that entry. Left out: what is before it is not proved.
   */
  readonly isGapAccepted?: boolean
}

export interface Signed {
  /** All checkpoints fit the entries; null: there are none. */
  readonly checkpoints: boolean | null
  /** The keys follow one another as they should; null: there are none. */
  readonly epochs: boolean | null
  /** The first thing that does not fit. */
  readonly bad: Finding | null
  /** Entries up to here are those that a fitting checkpoint was signed for, with a key that was given or follows from it. */
  readonly signedUpTo: number
  readonly origin: string | null
  /** The key of each epoch, as the ledger tells of it. */
  readonly vkeys: readonly string[]
  /** Two signed notes that can't both be true of one ledger. */
  readonly evidence: readonly string[]
  /** A checkpoint from elsewhere that proves nothing, when that is all that is wrong: nothing contradicts the ledger. */
  readonly unbelieved: string | null
  /** Epochs that the key before did not vouch for, since it was gone: their own key was given. */
  readonly unvouched: readonly number[]
}

/** A checkpoint that the entries fit. */
interface Fitting {
  readonly size: number
  readonly signedBy: readonly VerifierKey[]
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
  const keyBad = badEpoch === null ? badKey(trust.keys, epochs, origin) : atEntry(badEpoch.seq, badEpoch.why)
  const own = judgeKept(kept, epochs, joined)
  const given = epochs.filter(each => isKeyOf(each, trust.keys))
  const gaps = unvouched(epochs, own.fitting)
  // Who gives a key may answer for it, where an entry tells that the key before it was gone.
  const isToldGone = (epoch: Epoch): boolean =>
    entries.some(({ seq, data }) => seq === epoch.seq && data.why !== undefined)
  const bridged = gaps.filter(each => given.includes(each) && isToldGone(each))
  const alone = gaps.find(each => !bridged.includes(each))
  const mayBeOwed = alone !== undefined && !given.includes(alone) && !isToldGone(alone)
  const isOwed = mayBeOwed && isLastOwed(epochs, alone, own.fitting, [...kept, ...trust.checkpoints])
  const known = isOwed ? epochs.slice(0, -1) : epochs
  const epochBad =
    alone === undefined || isOwed
      ? null
      : atEntry(alone.seq, `the key of epoch ${alone.epoch} begins here, and the old key does not vouch for it`)
  // Who has the present key could have signed what is of its epoch anew.
  const old = own.fitting.filter(({ size }) => size <= (epochs.at(-1)?.fromSeq ?? 0))
  const outside = judgeOutside(trust.checkpoints, kept, joined, { origin, epochs: known, old })
  const believed = trust.keys.length === 0 ? known : linkedTo(given, known, gaps)
  const all = [...own.fitting, ...outside.fitting]
  const signed = all.filter(({ signedBy }) => believed.some(({ key }) => signedBy.includes(key)))
  const signedUpTo = Math.max(0, ...signed.map(({ size }) => size))
  const found = [keyBad, epochBad, own.bad, outside.bad].filter(each => each !== null)
  const bad = found.sort((a, b) => a.seq - b.seq)[0] ?? unsigned(trust, signedUpTo)
  const gap = trust.isGapAccepted
    ? undefined
    : bridged.find(({ seq }) => !outside.fitting.some(({ size }) => size > seq))
  const gapBad =
    gap === undefined
      ? null
      : atEntry(gap.seq, `nobody vouched for the key of epoch ${gap.epoch}, which begins with entry #${gap.seq}`)
  const isLinked = keyBad === null && epochBad === null
  const hasNotes = kept.length + trust.checkpoints.length > 0
  return {
    checkpoints: hasNotes ? own.bad === null && outside.bad === null : null,
    epochs: epochs.length > 0 || found.length > 0 ? isLinked && (bad !== null || gapBad === null) : null,
    bad: bad ?? gapBad,
    ...{ signedUpTo, origin, vkeys: known.map(({ key }) => vkeyOf(key)), evidence: outside.evidence },
    unbelieved:
      found.length === 1 && bad === outside.bad && outside.evidence.length === 0 ? (bad?.segment ?? null) : null,
    unvouched: isLinked ? bridged.map(({ epoch }) => epoch) : [],
  }
}

/**
 * The old key signs the handover right after the entry of the new one: until then nothing else is signed, and what the old
 * one has signed is there.
 */
function isLastOwed(
  epochs: readonly Epoch[],
  alone: Epoch,
  fitting: readonly Fitting[],
  notes: readonly KeptCheckpoint[],
): boolean {
  const [before, last] = epochs.slice(-2)
  if (before === undefined || last !== alone) return false
  const isSignedBeyond = notes.some(({ note }) => (claimOf(note)?.size ?? 0) > alone.fromSeq)
  return !isSignedBeyond && fitting.some(({ signedBy }) => signedBy.includes(before.key))
}

/** Epochs whose key was given, and later ones that were handed over from there on. */
function linkedTo(given: readonly Epoch[], epochs: readonly Epoch[], gaps: readonly Epoch[]): Epoch[] {
  let isLinked = false
  return epochs.filter(each => {
    isLinked = given.includes(each) || (isLinked && !gaps.includes(each))
    return isLinked
  })
}

/** A key that was given proves nothing where nothing is signed: whoever removes all that was signed needs no key. */
function unsigned({ keys }: Trust, signedUpTo: number): Finding | null {
  if (keys.length === 0 || signedUpTo > 0) return null
  return atEntry(
    0,
    'no checkpoint here bears the signature of the key that was given, or of a later one that it vouched for',
  )
}

/** Nothing was looked at. */
export const UNSIGNED: Signed = {
  ...{ checkpoints: null, epochs: null, bad: null, signedUpTo: 0, origin: null, vkeys: [], evidence: [] },
  ...{ unbelieved: null, unvouched: [] },
}

/**
 * No entry says whose the ledger is. Whoever takes that entry away must not get rid of what was signed with it: notes beside
 * the ledger, and entries that tell of keys, ask for it as what was given does.
 */
function nobodys({ keys, checkpoints }: Trust, kept: readonly KeptCheckpoint[], isToldOfKeys: boolean): Signed {
  const hasNotes = kept.length + checkpoints.length > 0
  if (!hasNotes && keys.length === 0 && !isToldOfKeys) return UNSIGNED
  const bad = atEntry(0, 'the ledger does not begin with an entry that says whose it is')
  return { ...UNSIGNED, checkpoints: hasNotes ? false : null, epochs: false, bad }
}

function entryOf(line: string): Entry | null {
  const checked = checkLine(line)
  return checked.ok && tellsOfKeys(checked.entry) ? checked.entry : null
}

/** A key from elsewhere that this ledger does not know: it is another one, or was rewritten. */
function badKey(keys: readonly VerifierKey[], epochs: readonly Epoch[], origin: string): Finding | null {
  const unknown = keys.find(key => !epochs.some(each => isKeyOf(each, [key])))
  if (unknown === undefined) return null
  return atEntry(
    0,
    unknown.name === origin
      ? `the key ${vkeyOf(unknown)} was never one of this ledger's: it was rewritten, or the key is of another one`
      : `this ledger is ${origin}, and the key is of ${unknown.name}`,
  )
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
    // Beyond what could be followed nothing can be said, nor of what was pruned with the tree's files.
    if ((joined.firstBad !== null && size > joined.seq) || isPruned(size, joined)) continue
    const signed = signedIn(note, epochs)
    const why = signed.why ?? (claim === null ? 'it is no checkpoint' : misfit(claim, joined, fitting))
    if (why === null) fitting.push({ size, signedBy: signed.by })
    else if (why !== null && (bad === null || size < bad.seq))
      bad = { seq: goodBefore(fitting, size), line: 0, why, segment: name }
  }
  return { bad, fitting }
}

function goodBefore(fitting: readonly { readonly size: number }[], size: number): number {
  return Math.max(0, ...fitting.map(each => each.size).filter(each => each < size))
}

function isPruned(size: number, { prunedUpTo, roots }: Joined): boolean {
  return size < prunedUpTo && !roots.has(size)
}

function misfit(
  { size, root }: { readonly size: number; readonly root: string },
  joined: Joined,
  fitting: readonly { readonly size: number }[],
): string | null {
  if (size === 0) return 'it was signed for no entry, so it proves nothing'
  if (size > joined.seq) return `it was signed for ${size} entries, and there are ${joined.seq}: the end is missing`
  if (isPruned(size, joined))
    return `its entries were pruned, and the files of the tree that could tell are gone: verify a copy with the archive put back`
  const found = size === joined.seq ? joined.root : joined.roots.get(size)
  if (found === root) return null
  const from = goodBefore(fitting, size)
  return `the entries #${from} to #${size - 1} are not those that were signed`
}

/**
 * Each from elsewhere has to be of this ledger, signed by the key that was its own then, and fit. One that does not fit is
 * evidence whoever has signed it; one that fits and that nobody has signed may be a forger's, who could write where it was kept.
 */
function judgeOutside(
  notes: readonly KeptCheckpoint[],
  kept: readonly KeptCheckpoint[],
  joined: Joined,
  {
    origin,
    epochs,
    old,
  }: { readonly origin: string; readonly epochs: readonly Epoch[]; readonly old: readonly Fitting[] },
): { readonly bad: Finding | null; readonly fitting: readonly Fitting[]; readonly evidence: readonly string[] } {
  const fitting: Fitting[] = []
  for (const { name, note } of notes) {
    const claim = claimOf(note)
    if (claim !== null && joined.firstBad !== null && claim.size > joined.seq && claim.origin === origin) continue
    const known = [...old, ...fitting]
    const signed = signedIn(note, epochs)
    const contradiction = claim?.origin === origin ? misfit(claim, joined, known) : null
    const why =
      claim === null
        ? 'it is no checkpoint'
        : claim.origin === origin
          ? (contradiction ?? signed.why)
          : `it is of ${claim.origin}, and this ledger is ${origin}`
    if (why === null) {
      fitting.push({ size: claim?.size ?? 0, signedBy: signed.by })
      continue
    }
    const seq = goodBefore(known, claim?.size ?? 0)
    const ours = kept.find(each => each.name === 'checkpoint')?.note
    const evidence = contradiction === null ? [] : [note, ...(ours === undefined ? [] : [ours])]
    return { bad: { seq, line: 0, why, segment: name }, fitting, evidence }
  }
  return { bad: null, fitting, evidence: [] }
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

const ANOTHER_EPOCH = 'the checkpoint is signed by a key of another epoch'

function atEntry(seq: number, why: string): Finding {
  return { seq, line: 0, why, segment: '' }
}
