export type Severity = 'info' | 'warning' | 'critical'

/** One trouble from its first sign to its end, folded from the ledger's entries. JSON keys as promised to users. */
export interface Incident {
  readonly id: string
  readonly severity: Severity
  readonly state: 'open' | 'acked' | 'resolved'
  readonly services: readonly string[]
  /** In words: "agent was killed by SIGKILL". */
  readonly cause: string
  readonly openedTs: string
  readonly resolvedTs: string | null
  readonly downMs: number | null
  readonly attempts: number
  /** Seqs of its entries, oldest first. */
  readonly entries: readonly number[]
}

