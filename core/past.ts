import { setTimeout } from 'node:timers/promises'
import type { Data, Entry } from './entry.ts'
import { emptyFolded, type Folded, fill, fold, foldedFromJson, foldedToJson, rememberedNow } from './folded.ts'
import { type Remembered, remember } from './heal/memory.ts'
import { foldFrom } from './ledger/read.ts'
import { readSnapshot } from './ledger/state.ts'

/**
 * What the ledger knows when a daemon starts. Life of a start:
 *
 * 1. The snapshot of the last rotation and the entries after it are folded: never more than one segment.
 * 2. Without a usable snapshot a long ledger is folded beside supervision, since nobody waits for the past to be healed.
 *    The newest entries are read at once all the same: they say which services are to stay down.
 * 3. A service that they don't speak of is `known` only when all is folded.
 */
export interface Past {
  /** Filled in place, now and by every later entry. */
  readonly folded: Folded
  /** Whether the past is known as far as this service's own entries go. */
  knows(service: string): boolean
  /** Takes new durable entries. */
  follow(entries: readonly Entry[]): void
  /** Folds what was left for later; does nothing when all was folded at once. Afterwards, also a failed one, all is known. */
  foldRest(): Promise<void>
  /**
   * After `foldRest`: what was not known at the start, as it was then, so that what happened meanwhile is not counted
   * twice. Null when all was folded at once.
   */
  recalled(): Remembered | null
  /** All is folded, and each new entry is as soon as it is durable. */
  isComplete(): boolean
  /** For the next rotation; undefined while the past is incomplete. */
  snapshot(): Data | undefined
}

/** Up to so many entries (one segment) are folded before anything is supervised. */
const FOLD_FIRST = 65_536
const CATCH_UP_MS = 10

export async function openPast(ledgerDir: string, size: () => number, foldFirst = FOLD_FIRST): Promise<Past> {
  const found = readSnapshot(ledgerDir)
  const whole = ('snapshot' in found ? foldedFromJson(found.snapshot.state) : null) ?? emptyFolded()
  const startSize = size()
  const isShort = startSize - whole.nextSeq <= foldFirst
  const folded = isShort ? whole : emptyFolded()
  /** Null: all are known. */
  let known: Set<string> | null = new Set()
  /** While false, new entries are read from the files with all the others, in order. */
  let isComplete = false
  let atStart: Remembered | null = null

  async function foldWhole(): Promise<void> {
    while (!isComplete) {
      for await (const entry of foldFrom(ledgerDir, whole.nextSeq)) {
        if (entry.seq >= startSize && !isShort) atStart ??= rememberedNow(whole)
        fold(whole, entry)
      }
      // Nothing is awaited between this look and the switch, so no entry falls between files and `follow`.
      if (whole.nextSeq >= size()) isComplete = true
      else await setTimeout(CATCH_UP_MS)
    }
    if (isShort) return
    atStart ??= rememberedNow(whole)
    fill(folded, whole)
  }
  async function foldRest(): Promise<void> {
    try {
      await foldWhole()
    } finally {
      known = null
    }
  }
  if (isShort) await foldRest()
  else
    for await (const entry of foldFrom(ledgerDir, startSize - foldFirst)) {
      remember(folded.memory, entry)
      if (entry.svc !== undefined && entry.kind.startsWith('service.')) known.add(entry.svc)
    }

  /** When the rest can't be read, the newest entries are all there is to go by. */
  const nothing = rememberedNow(folded)

  return {
    folded,
    knows: service => known === null || known.has(service),
    follow(entries) {
      if (isComplete) for (const entry of entries) fold(folded, entry)
    },
    foldRest,
    recalled: () => (isShort ? null : (atStart ?? nothing)),
    isComplete: () => isComplete,
    snapshot: () => (isComplete ? foldedToJson(folded) : undefined),
  }
}
