import type { Entry } from '../entry.ts'

/** Sees the entries as they become durable, and waits for the one that matters. */
export interface Watch {
  take(entries: readonly Entry[]): void
  /** The seq that the next entry will have. */
  next(): number
  /** Entries from `seq` on. */
  since(seq: number): readonly Entry[]
  /** The first entry from `seq` on that fits; null when there is none within `timeoutMs`. Rejects when `signal` aborts. */
  until(seq: number, fits: (entry: Entry) => boolean, timeoutMs: number): Promise<Entry | null>
}

/** A tour writes about a hundred; the rest is for visitors who play long. */
const KEPT = 10_000

export function openWatch(signal: AbortSignal): Watch {
  const kept: Entry[] = []
  const looks = new Set<() => void>()
  const since = (seq: number) => kept.filter(entry => entry.seq >= seq)

  return {
    take(entries) {
      kept.push(...entries)
      kept.splice(0, Math.max(0, kept.length - KEPT))
      for (const look of [...looks]) look()
    },
    next: () => (kept.at(-1)?.seq ?? -1) + 1,
    since,
    async until(seq, fits, timeoutMs) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<Entry | null>()
      const look = () => {
        const found = since(seq).find(fits)
        if (found !== undefined) resolve(found)
      }
      const stop = () => reject(signal.reason)
      const timer = setTimeout(() => resolve(null), timeoutMs)
      looks.add(look)
      signal.addEventListener('abort', stop, { once: true })
      look()
      try {
        return await promise
      } finally {
        clearTimeout(timer)
        looks.delete(look)
        signal.removeEventListener('abort', stop)
      }
    },
  }
}
