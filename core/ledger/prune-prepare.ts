import { Fault } from '../fault.ts'
import { type Archived, archiveSegments } from './archive.ts'
import type { Sealed } from './prune-plan.ts'
import { defaultThreads, type Verdict, verifyLedger } from './verify.ts'
import type { Trust } from './verify-signed.ts'

export interface Prepared {
  /** Null: it was not wanted. */
  readonly archived: Archived | null
}

export interface PrepareOptions {
  readonly onVerified?: (doneBytes: number, allBytes: number) => void
  readonly onArchived?: (doneBytes: number, allBytes: number) => void
  readonly signal?: AbortSignal
  /** Who orders it may answer for a key that was lost. Left out: nothing is given. */
  readonly trust?: Trust
}

/**
 * Does what has to be done before a prune, beside the writer: the whole ledger is verified, since what is damaged is evidence
 * and stays; then what goes is archived. Answers the verdict when it is a bad one. Faults: those of `archiveSegments`.
 */
export async function preparePrune(
  dir: string,
  going: readonly Sealed[],
  folder: string | null,
  { onVerified, onArchived, signal, trust }: PrepareOptions = {},
): Promise<Prepared | { readonly verdict: Verdict }> {
  const aborted = signal === undefined ? {} : { signal }
  const verdict = await verifyLedger(dir, {
    ...{ workers: defaultThreads(), ...aborted },
    ...(onVerified === undefined ? {} : { onProgress: onVerified }),
    ...(trust === undefined ? {} : { trust }),
  })
  if (!verdict.ok) return { verdict }
  if (folder === null) return { archived: null }
  const options = { ...aborted, ...(onArchived === undefined ? {} : { onProgress: onArchived }) }
  return { archived: await archiveSegments(folder, going, options) }
}

export function damagedLedger({ firstBad, torn, trouble }: Verdict): Fault {
  if (torn)
    return new Fault('ledger.degraded', 'nothing was pruned: the ledger ends in a write that is not finished', {
      hint: 'the next entry goes on behind it: try again then',
    })
  if (trouble === 'gap')
    return new Fault(
      'ledger.unvouched',
      `nothing was pruned: ${firstBad?.why ?? 'a key was lost'}. Who knows that it was lost orders it: "heald ledger prune --until … --key KEY --accept-gap", with the key of that epoch`,
    )
  if (trouble === 'bare')
    return new Fault('ledger.unproved', 'nothing was pruned: no checkpoint is here that proves its keys', {
      hint: 'put the file "checkpoint" and the folder "cp" back, as from a backup; "heald ledger verify" says more',
    })
  return new Fault('ledger.damaged', `nothing was pruned: ${firstBad?.why ?? 'the ledger is damaged'}`, {
    hint: '"heald ledger verify" says more',
  })
}
