import { setTimeout } from 'node:timers/promises'
import type { Data, Entry } from './entry.ts'
import { emptyFolded, type Folded, fold, foldedFromJson, foldedToJson } from './folded.ts'
import { foldFrom } from './ledger/read.ts'
import { readSnapshot } from './ledger/state.ts'

/**
 * What the ledger knows when a daemon starts. The snapshot of the last rotation and the entries after it bound the
 * work. Without a usable snapshot a long ledger is folded beside supervision: nobody waits for the past to be healed.
 */
export interface Past {
  /** Filled in place, now and by every later entry. */
  readonly folded: Folded
  /** Takes new durable entries. */
  follow(entries: readonly Entry[]): void
  /** Folds what was left for later; does nothing when all was folded at once. */
  foldRest(): Promise<void>
  /** For the next rotation; undefined while the past is incomplete. */
  snapshot(): Data | undefined
}

/** Up to so many entries (one segment) are folded before anything is supervised. */
const FOLD_FIRST = 65_536
const CATCH_UP_MS = 10

export async function openPast(ledgerDir: string, size: () => number): Promise<Past> {
  const found = readSnapshot(ledgerDir)
  const folded = ('snapshot' in found ? foldedFromJson(found.snapshot.state) : null) ?? emptyFolded()
  /** While false, new entries are read from the files with all the others, in order. */
  let isComplete = false

  async function foldRest(): Promise<void> {
    while (!isComplete) {
      for await (const entry of foldFrom(ledgerDir, folded.nextSeq)) fold(folded, entry)
      // Nothing is awaited between this look and the switch, so no entry falls between files and `follow`.
      if (folded.nextSeq >= size()) isComplete = true
      else await setTimeout(CATCH_UP_MS)
    }
  }
  if (size() - folded.nextSeq <= FOLD_FIRST) await foldRest()

  return {
    folded,
    follow(entries) {
      if (isComplete) for (const entry of entries) fold(folded, entry)
    },
    foldRest,
    snapshot: () => (isComplete ? foldedToJson(folded) : undefined),
  }
}
