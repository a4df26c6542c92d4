import type { Entry, Kind } from '../entry.ts'
import { messageOf } from '../fault.ts'
import type { Batch } from './batch.ts'

/** Those in this process who want to know what became durable. */
export interface Followers {
  add(listener: (entries: readonly Entry[]) => void): () => void
  /** For who needs the kinds alone: nothing is parsed for it. */
  addForKinds(listener: (kinds: readonly Kind[]) => void): void
  tell(batch: Pick<Batch, 'lines' | 'bytes'>): void
}

export function createFollowers(onTrouble: (what: string) => void): Followers {
  const listeners = new Set<(entries: readonly Entry[]) => void>()
  const ofKinds: ((kinds: readonly Kind[]) => void)[] = []

  function tellAll<T>(told: Iterable<(what: T) => void>, what: T): void {
    for (const listener of told) {
      try {
        listener(what)
      } catch (error) {
        onTrouble(`a follower of the ledger failed: ${messageOf(error)}`)
      }
    }
  }

  return {
    add(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    addForKinds(listener) {
      ofKinds.push(listener)
    },
    tell({ lines, bytes }) {
      if (ofKinds.length > 0)
        tellAll(
          ofKinds,
          lines.map(({ kind }) => kind),
        )
      if (listeners.size === 0) return
      // Parsed from the bytes, so that followers see what any reader will see.
      tellAll(
        listeners,
        lines.map(({ end }, at) => JSON.parse(bytes.toString('utf8', lines[at - 1]?.end ?? 0, end)) as Entry),
      )
    },
  }
}
