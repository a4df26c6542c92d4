/** One measured figure beside what it is held against. */
export interface BenchRow {
  /** What was measured, for people: `kill -9 to the replacement's first instruction, p50`. */
  readonly what: string
  /** In `unit`. */
  readonly ours: number
  /** What did the same thing on the same machine in the same run, in the same unit; null when there is none. */
  readonly peer: { readonly name: string; readonly value: number } | null
  /** `ours / peer.value`; null without a peer. */
  readonly ratio: number | null
  /** What has to be reached, on the ratio or on our own figure; null for a row that only informs. */
  readonly limit: Limit | null
  /** `ms`, `ms/s`, `MB`, `entries/s` … */
  readonly unit: string
  /** How it was measured, what was left out and why; '' for nothing to say. */
  readonly note: string
}

export type Limit = { readonly of: 'ratio' | 'ours' } & ({ readonly atMost: number } | { readonly atLeast: number })

/** A row with its ratio filled in. */
export function row(parts: Omit<BenchRow, 'ratio'>): BenchRow {
  const { peer, ours } = parts
  return { ...parts, ratio: peer === null || peer.value === 0 ? null : ours / peer.value }
}

/** Whether the row reaches its limit; null when it has none. A figure that could not be had reaches nothing. */
export function isMet({ limit, ratio, ours }: BenchRow): boolean | null {
  if (limit === null) return null
  const value = limit.of === 'ratio' ? ratio : ours
  if (value === null || Number.isNaN(value)) return false
  return 'atMost' in limit ? value <= limit.atMost : value >= limit.atLeast
}

/** The value at `share` (0.5 = median) of a list in any order; NaN for an empty one. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
