import { type Checkpoint, claimOf, openCheckpoint } from './checkpoint.ts'
import { type Epoch, epochAt, isNamesake, isOfItsEpoch } from './epochs.ts'
import type { KeptCheckpoint } from './kept.ts'
import { signersOf, type VerifierKey } from './note.ts'
import { isKeyOf } from './own-epochs.ts'
import {
  atEntry,
  type Fitting,
  goodBefore,
  isBeyond,
  isPruned,
  misfit,
  NO_CHECKPOINT,
  newestOf,
  OF_NO_ENTRY,
} from './verify-fit.ts'
import type { Finding, Joined } from './verify-join.ts'

/*
 * Checkpoints from elsewhere, each of which is judged:
 *
 *   it fits, and the key of its epoch has signed it            it proves the entries
 *   it does not fit, and that key or a given one has signed it two histories
 *   it does not fit, and a key has signed it that is unknown   either could be made up: a key that is given decides
 *     here, or whose epoch is over
 *   anything else                                              it proves nothing, and contradicts nothing
 */

/** A checkpoint from elsewhere that proves nothing. */
export interface Doubt {
  readonly name: string
  /** Entries that it claims to cover; null: it is no checkpoint. */
  readonly size: number | null
  readonly why: string
  /**
   * `worthless`: nobody whose word counts has signed it. `pruned`: it may be good, and can't be judged here. `outvoted`: a
   * stranger has signed it, and a key that was given vouches for the ledger. `anew`: it is of another ledger of this host.
   * `foreign`: it is of another host's.
   */
  readonly is: 'worthless' | 'pruned' | 'outvoted' | 'anew' | 'foreign'
}

/** Notes that can't be true of one ledger with the one beside it. */
export interface Contradiction extends Finding {
  readonly size: number
  readonly evidence: readonly string[]
}

export interface Undecided extends Contradiction {
  /** What else could be true. */
  readonly either: string
}

export interface Outside {
  readonly fitting: readonly Fitting[]
  readonly contradictions: readonly Contradiction[]
  /** Either the ledger or the note is made up, and nothing here tells which. */
  readonly undecided: readonly Undecided[]
  readonly doubts: readonly Doubt[]
}

export interface LedgerKeys {
  readonly origin: string
  readonly epochs: readonly Epoch[]
  readonly given: readonly VerifierKey[]
}

/** One of the ledger's own name, whose entries are there. */
interface Comparable {
  readonly name: string
  readonly note: string
  readonly claim: Checkpoint
  readonly signed: Signing
}

/** Judges all of them. `old`: checkpoints beside the ledger that nobody can have signed anew. */
export function judgeOutside(
  notes: readonly KeptCheckpoint[],
  { kept, old, joined }: { kept: readonly KeptCheckpoint[]; old: readonly Fitting[]; joined: Joined },
  keys: LedgerKeys,
): Outside {
  const doubts: Doubt[] = []
  const comparable: Comparable[] = []
  for (const { name, note } of notes) {
    const claim = claimOf(note)
    const doubt = (why: string, is: Doubt['is'] = 'worthless') =>
      void doubts.push({ name, size: claim?.size ?? null, why, is })
    if (claim === null) doubt(NO_CHECKPOINT)
    else if (claim.origin !== keys.origin) {
      const why = `it is of ${claim.origin}, and this ledger is ${keys.origin}`
      if (isNamesake(claim.origin, keys.origin)) doubt(`${why}, of the same host: ${ANEW}`, 'anew')
      else doubt(why, 'foreign')
    } else if (!isBeyond(claim.size, joined)) {
      const signed = signingOf(note, claim, keys)
      if (claim.size === 0) doubt(OF_NO_ENTRY)
      else if (!isPruned(claim.size, joined)) comparable.push({ name, note, claim, signed })
      else if (signed.is === 'own') doubt(PRUNED, 'pruned')
      else doubt(signed.why)
    }
  }
  const fits = comparable.filter(({ claim, signed }) => signed.is === 'own' && misfit(claim, joined, []) === null)
  const fitting = fits.map(({ claim, signed }) => ({ size: claim.size, signedBy: signed.by }))
  const known = [...old, ...fitting]
  const contradictions: Contradiction[] = []
  const undecided: Undecided[] = []
  for (const { name, note, claim, signed } of comparable) {
    const { size } = claim
    const why = misfit(claim, joined, known)
    if (why === null ? signed.is !== 'own' : signed.is === 'nobodys')
      doubts.push({ name, size, why: signed.why, is: 'worthless' })
    else if (why !== null) {
      const found = atEntry(goodBefore(known, size), why, name)
      const evidence = [note, ...newestOf(kept)]
      const either = EITHER[signed.is]
      if (either !== undefined) undecided.push({ ...found, size, evidence, either })
      else contradictions.push({ ...found, size, evidence })
    }
  }
  return { fitting, contradictions, undecided, doubts }
}

const ANEW = 'begun anew since this checkpoint, or rewritten from its first entry on'

const PRUNED =
  'its entries were pruned, and the files of the tree that could tell are gone: verify a copy with the archive put back'

const EITHER: Partial<Record<Signing['is'], string>> = {
  stranger:
    'a key has signed that which nobody here knows, so either the ledger was rewritten with other keys or put back from an older backup, or this note is made up',
  earlier:
    'a key of this ledger has signed that whose epoch was over here, so either the ledger was rewritten, or that key was stolen and this note is made up',
}

/**
 * Who has signed a note. `own`: the key of its epoch. `given`: one that was given, and that the ledger does not know.
 * `stranger`: one under the ledger's name that nobody here knows. `earlier`: one whose epoch was over, so it was erased.
 */
interface Signing {
  readonly is: 'own' | 'given' | 'stranger' | 'earlier' | 'nobodys'
  readonly by: readonly VerifierKey[]
  readonly why: string
}

function signingOf(note: string, claim: Checkpoint, { origin, epochs, given }: LedgerKeys): Signing {
  const others = given.filter(key => !epochs.some(each => isKeyOf(each, [key])))
  const keys = [...epochs.map(({ key }) => key), ...others]
  const opened = openCheckpoint(note, keys)
  if (!opened.ok) {
    const signers = signersOf(note).filter(each => each.startsWith(`${origin}+`) && KEY_ID.test(each))
    const isStrange = signers.length > 0 && !keys.some(({ name, id }) => signers.includes(`${name}+${id}`))
    return { is: isStrange ? 'stranger' : 'nobodys', by: [], why: `the checkpoint can't be believed: ${opened.why}` }
  }
  const { signedBy } = opened.checkpoint
  if (isOfItsEpoch({ size: claim.size, signedBy }, epochs)) return { is: 'own', by: signedBy, why: '' }
  if (others.some(key => signedBy.includes(key)))
    return { is: 'given', by: [], why: 'this ledger does not know its key' }
  const isOver = epochs.some(
    ({ key, epoch }) => signedBy.includes(key) && epoch < (epochAt(claim.size, epochs)?.epoch ?? 0),
  )
  return { is: isOver ? 'earlier' : 'nobodys', by: [], why: ANOTHER_EPOCH }
}

const KEY_ID = /\+[0-9a-f]{8}$/

export const ANOTHER_EPOCH = 'the checkpoint is signed by a key of another epoch'
