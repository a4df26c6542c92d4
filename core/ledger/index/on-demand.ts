import type { Clock } from '../../clock.ts'
import type { Filter } from '../filter.ts'
import type { Page } from '../list.ts'
import { indexKeeper } from './keeper.ts'
import type { FindOptions, IndexReader } from './reader.ts'
import { isLong } from './worth.ts'

/** The search of a ledger that is open: its parts are loaded when they are first needed, since most daemons never are asked. */
export interface Search {
  find(filter: Filter, page: FindOptions): Promise<Page>
  /** Something new is durable. */
  moved(): void
  close(): Promise<void>
}

export interface SearchOptions {
  readonly dir: string
  readonly clock: Clock
  /** Entries that are durable. */
  readonly size: () => number
  readonly onTrouble: (what: string) => void
}

export function searchOnDemand({ dir, clock, size, onTrouble }: SearchOptions): Search {
  let loading: Promise<IndexReader> | null = null
  const reader = (): Promise<IndexReader> =>
    (loading ??= import('./reader.ts').then(({ indexReader }) => indexReader({ dir, clock, size })))
  const keeper = indexKeeper({
    ...{ clock, size, onTrouble },
    isWorth: () => isLong(dir),
    catchUp: async upTo => (await reader()).catchUp(upTo),
  })
  return {
    find: async (filter, page) => (await reader()).find(filter, page),
    moved: keeper.moved,
    async close() {
      keeper.close()
      if (loading !== null) await (await loading).close()
    },
  }
}
