import { type Item, LINE_OVERHEAD_CHARS } from './batch.ts'
import { BATCH_ENTRIES } from './segment.ts'

/** Entries that wait for the disk: bounded in number and in size. */
export interface Queue {
  readonly length: number
  readonly full: boolean
  push(item: Item): void
  /**
   * The next batch: bounded, and cut before an entry whose wall clock is behind the one before, because that one gets a
   * `clock.rewound` before it.
   * @param most a smaller bound, while it is not known whether the disk takes anything at all
   */
  take(most?: number): readonly Item[]
  /** Gives a batch back that could not be stored. */
  putBack(items: readonly Item[]): void
  /** Takes out the oldest ones until the rest is within the bounds: while degraded the queue is a ring. */
  trim(): readonly Item[]
  /** Takes out all that are `wanted`. */
  remove(wanted: (item: Item) => boolean): readonly Item[]
}

const QUEUE_ENTRIES = 16_384
const QUEUE_CHARS = 16 * 1024 * 1024
/** 1 MiB in the worst realistic mixture of characters. */
const BATCH_CHARS = 700_000

export function createQueue(): Queue {
  let items: Item[] = []
  let chars = 0
  const charsOf = (some: readonly Item[]): number => some.reduce((sum, item) => sum + item.prepared.chars, 0)
  const cut = (count: number): readonly Item[] => {
    const first = items.splice(0, count)
    chars -= charsOf(first)
    return first
  }
  return {
    get length() {
      return items.length
    },
    get full() {
      return items.length >= QUEUE_ENTRIES || chars >= QUEUE_CHARS
    },
    push(item) {
      items.push(item)
      chars += item.prepared.chars
    },
    take(most = BATCH_ENTRIES) {
      let batchChars = 0
      let count = 0
      let lastMs = 0
      for (const { prepared, tsMs } of items) {
        batchChars += prepared.chars + LINE_OVERHEAD_CHARS
        if (count === most || (count > 0 && (batchChars > BATCH_CHARS || tsMs < lastMs))) break
        lastMs = tsMs
        count++
      }
      return cut(count)
    },
    putBack(batch) {
      items = [...batch, ...items]
      chars += charsOf(batch)
    },
    trim() {
      let count = Math.max(0, items.length - QUEUE_ENTRIES)
      let left = chars - charsOf(items.slice(0, count))
      while (left > QUEUE_CHARS && count < items.length) left -= items[count++]?.prepared.chars ?? 0
      return cut(count)
    },
    remove(wanted) {
      const out = items.filter(wanted)
      items = items.filter(item => !wanted(item))
      chars -= charsOf(out)
      return out
    },
  }
}
