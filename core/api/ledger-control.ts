import { actorOf } from '../entry.ts'
import type { Erased } from '../ledger/erase.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Pruned, PruneOrder } from '../ledger/prune.ts'

export interface CheckpointMade {
  /** The signed note. */
  readonly note: string
  /** Entries that it covers. */
  readonly size: number
}

export interface KeyMade {
  readonly epoch: number
  /** The public key, as people keep it. */
  readonly vkey: string
  /** Seq of the entry that tells of it. */
  readonly seq: number
}

/** What the socket's server asks about the ledger's checkpoints, keys and old entries. Errors are Faults. */
export interface LedgerControl {
  checkpoint(): Promise<CheckpointMade>
  rotateKey(by: string): Promise<KeyMade>
  prune(order: PruneOrder): Promise<Pruned>
  erase(seq: number, by: string): Promise<Erased>
}

/** Over the daemon's own ledger; `mustRecord` throws while nothing can be recorded. */
export function ledgerControl(
  ledger: Pick<Ledger, 'checkpoint' | 'rotateKey' | 'prune' | 'erase'>,
  mustRecord: () => void,
): LedgerControl {
  return {
    checkpoint: ledger.checkpoint,
    async rotateKey(by) {
      mustRecord()
      return ledger.rotateKey(actorOf(by))
    },
    async prune(order) {
      mustRecord()
      return ledger.prune({ ...order, by: actorOf(order.by) })
    },
    async erase(seq, by) {
      mustRecord()
      return ledger.erase(seq, actorOf(by))
    },
  }
}
