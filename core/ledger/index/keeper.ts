import type { Clock } from '../../clock.ts'
import { messageOf } from '../../fault.ts'

/** Lets the index catch up by itself, so that a question after a long time is not answered slowly. */
export interface IndexKeeper {
  /** Something new is durable. */
  moved(): void
  /** The index was thrown away. */
  begunAnew(): void
  close(): void
}

/** Fewer are brought in by the next question. */
const WORTH_ENTRIES = 8192
const LOOK_MS = 60_000
const TROUBLE_MS = 600_000

export interface KeeperOptions {
  readonly clock: Clock
  /** Entries that are durable. */
  readonly size: () => number
  /** Whether the ledger is long enough to have an index. */
  readonly isWorth: () => boolean
  /** Brings the index up to so many entries; resolves to how far it goes. */
  readonly catchUp: (size: number) => Promise<number>
  readonly onTrouble: (what: string) => void
}

export function indexKeeper({ clock, size, isWorth, catchUp, onTrouble }: KeeperOptions): IndexKeeper {
  /** Entries that are known to be in the index. */
  let indexed = 0
  let isPlanned = false
  let isTroubled = false
  let isClosed = false
  let waitMs = LOOK_MS
  let cancel = (): void => {}

  async function look(): Promise<void> {
    waitMs = LOOK_MS
    try {
      const wanted = size()
      if (wanted - indexed < WORTH_ENTRIES || !isWorth()) return
      indexed = await catchUp(wanted)
      if (wanted - indexed >= WORTH_ENTRIES) throw new Error(`entry #${indexed} is damaged`)
      isTroubled = false
    } catch (error) {
      waitMs = TROUBLE_MS
      if (!isTroubled && !isClosed)
        onTrouble(`the index of the ledger is not kept, so that searches take longer: ${messageOf(error)}`)
      isTroubled = true
    }
  }

  return {
    moved() {
      if (isPlanned || isClosed) return
      isPlanned = true
      cancel = clock.after(waitMs, () => {
        void look().finally(() => {
          isPlanned = false
        })
      })
    },
    begunAnew() {
      indexed = 0
    },
    close() {
      isClosed = true
      cancel()
    },
  }
}
