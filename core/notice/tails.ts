import { scrubber } from '../ledger/redact.ts'

/**
 * The last lines of services that ended lately, for chats that may see them. Kept in memory only, so that a question of the
 * bot's never makes a healing daemon read files.
 */
export interface Tails {
  /** Of the entry with this seq. Kept only while `notify.logs` says so. */
  note(seq: number, tail: string): void
  of(seq: number): string | null
}

const MOST = 50
const MOST_CHARS = 4096

/** `allowed`: what may be kept now, and the secrets that are taken out of it. */
export function recentTails(allowed: () => { readonly logs: boolean; readonly redact: readonly string[] }): Tails {
  const kept = new Map<number, string>()
  return {
    note(seq, tail) {
      const { logs, redact } = allowed()
      if (!logs || tail === '') return
      kept.set(seq, scrubber(redact).text(tail).slice(-MOST_CHARS).toWellFormed())
      const [oldest] = kept.keys()
      if (kept.size > MOST && oldest !== undefined) kept.delete(oldest)
    },
    of: seq => (allowed().logs ? (kept.get(seq) ?? null) : null),
  }
}
