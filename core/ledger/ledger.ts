import type { Draft, Entry } from '../entry.ts'
import type { Erased } from './erase.ts'
import type { Filter } from './filter.ts'
import type { Page } from './list.ts'
import type { Pruned, PruneOrder } from './prune.ts'
import type { TreeHead } from './tree/tree-head.ts'

/** Where an entry ended up: its position and hash. */
export interface Recorded {
  readonly seq: number
  readonly h: string
}

/** A new epoch of the ledger's keys. */
export interface KeyMade {
  readonly epoch: number
  /** The public key, as people keep it. */
  readonly vkey: string
  /** Seq of the entry that tells of it. */
  readonly seq: number
  /** That entry's receipt, to be kept with the key. */
  readonly receipt: string
}

export interface Head {
  /** Number of durable entries; the next `seq`. */
  readonly size: number
  /** `h` of the last durable entry; 64 zeros when empty. */
  readonly h: string
  /** `degraded` while nothing can be written: healing goes on, orders are refused. */
  readonly recording: 'ok' | 'degraded'
  /** Why it is degraded, in words. */
  readonly why?: string
}

/** The single writer of one ledger folder. */
export interface Ledger {
  /**
   * Queues an entry; never blocks the caller. Resolves once it is durable. A `must` kind rejects with a Fault:
   * `ledger.degraded` when it is not recorded, `ledger.stalled` when nobody knows yet whether it will be. A `soft` kind
   * never rejects: it resolves to `null` when lost.
   */
  append(draft: Draft): Promise<Recorded | null>
  head(): Head
  /** The tree over all durable entries; null while it catches up after a start, and when it is not kept. */
  tree(): TreeHead | null
  /**
   * For what is under way when the disk is full: gives up the reserve and tries again at once. Resolves to whether
   * the ledger records now.
   */
  spendReserve(): Promise<boolean>
  /** Calls `listener` with each batch of entries once they are durable, in order. The answer unsubscribes. */
  onDurable(listener: (entries: readonly Entry[]) => void): () => void
  /** Signs what the ledger is now. Throws a Fault (`ledger.checkpoint`) when that can't be, as right after a start. */
  checkpoint(): Promise<{ readonly note: string; readonly size: number }>
  /** Begins a new epoch of keys. Throws a Fault when that can't be recorded. */
  rotateKey(by: string): Promise<KeyMade>
  /** Removes the oldest segments. Throws a Fault when that can't be, or can't be recorded. */
  prune(order: PruneOrder): Promise<Pruned>
  /** Erases the text kept aside for an entry. Throws a Fault when there is none, or that can't be recorded. */
  erase(seq: number, by: string): Promise<Erased>
  /** The public key that checkpoints are signed for now, as people keep it; null: there is none (yet). */
  vkey(): string | null
  /** Entries that the newest checkpoint covers; null: none is known. */
  checkpointSize(): number | null
  /**
   * Finds durable entries, newest first, in a process of its own: at most 1,000, and 256 KiB of lines, a page. Each line was
   * checked against its hash. Faults: `search.busy`, `search.slow`, `search.failed`, `search.lost`,
   * `search.closed`.
   */
  find(filter: Filter, page: { readonly limit: number; readonly cursor?: string }): Promise<Page>
  /** Resolves when no checkpoint and no change of keys is under way. */
  settled(): Promise<void>
  /** Flushes what is queued (bounded by `timeoutMs`), closes files and releases the lock. Safe to call twice. */
  close(timeoutMs: number): Promise<void>
}
