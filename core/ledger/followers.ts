import type { Entry } from '../entry.ts'
import { messageOf } from '../fault.ts'
import { type Line, lineText } from './line.ts'

/** Those in this process who want to know what became durable. */
export interface Followers {
  add(listener: (entries: readonly Entry[]) => void): () => void
  tell(lines: readonly Line[]): void
}

export function createFollowers(onTrouble: (what: string) => void): Followers {
  const listeners = new Set<(entries: readonly Entry[]) => void>()
  return {
    add(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    tell(lines) {
      if (listeners.size === 0) return
      // Parsed from the bytes, so that followers see what any reader will see.
      const entries = lines.map(line => JSON.parse(lineText(line)) as Entry)
      for (const listener of listeners) {
        try {
          listener(entries)
        } catch (error) {
          onTrouble(`a follower of the ledger failed: ${messageOf(error)}`)
        }
      }
    },
  }
}
