import { actorOf } from '../entry.ts'
import type { Erased } from '../ledger/erase.ts'
import type { KeyMade, Ledger } from '../ledger/ledger.ts'
import type { Pruned, PruneOrder } from '../ledger/prune.ts'
import type { LedgerQuery, LinesFound } from './ledger-query.ts'

export interface CheckpointMade {
  /** The signed note. */
  readonly note: string
  /** Entries that it covers. */
  readonly size: number
}

/** What the socket's server asks about the ledger's entries, checkpoints and keys. Errors are Faults. */
export interface LedgerControl {
  checkpoint(): Promise<CheckpointMade>
  rotateKey(by: string): Promise<KeyMade>
  prune(order: PruneOrder): Promise<Pruned>
  erase(seq: number, by: string): Promise<Erased>
  findLines(query: LedgerQuery): Promise<LinesFound>
}

/** Over the daemon's own ledger; `mustRecord` throws while nothing can be recorded. */
export function ledgerControl(
  ledger: Pick<Ledger, 'checkpoint' | 'rotateKey' | 'prune' | 'erase' | 'find'>,
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
    async findLines({ filter, ...page }) {
      const { rows, next, bad } = await ledger.find(filter, page)
      return { lines: rows.map(({ line }) => line), next, bad }
    },
  }
}
