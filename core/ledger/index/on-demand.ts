import { setImmediate } from 'node:timers/promises'
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
  /** The index was thrown away. */
  begunAnew(): void
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
  function reader(): Promise<IndexReader> {
    loading ??= load().catch(error => {
      loading = null
      throw error
    })
    return loading
  }
  async function load(): Promise<IndexReader> {
    const { indexReader } = await import('./reader.ts')
    // Its process is started in another turn: either holds the daemon for a few milliseconds.
    await setImmediate()
    return indexReader({ dir, clock, size })
  }
  const keeper = indexKeeper({
    ...{ clock, size, onTrouble },
    isWorth: () => isLong(dir),
    catchUp: async upTo => (await reader()).catchUp(upTo),
  })
  return {
    find: async (filter, page) => (await reader()).find(filter, page),
    moved: keeper.moved,
    begunAnew: keeper.begunAnew,
    async close() {
      keeper.close()
      await loading?.then(opened => opened.close()).catch(() => {})
    },
  }
}
