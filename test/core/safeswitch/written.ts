import type { Data, Entry, Kind } from '../../../core/entry.ts'
import { dataOf } from '../../../core/safeswitch/entries.ts'
import type { Step } from '../../../core/safeswitch/journal.ts'
import { newTargetMemory, rememberTarget, type TargetMemories } from '../../../core/safeswitch/memory.ts'

export interface Stamp {
  readonly ts?: string
  readonly mono?: number
  readonly boot?: string
}

/** An entry as the ledger hands it back: through JSON. */
export function entryOf(kind: Kind, data: Data, { ts, mono = 0, boot = 'b0071234' }: Stamp = {}): Entry {
  const at = ts ?? '2026-08-21T11:00:00.000Z'
  const chain = { v: 1, seq: 0, prev: '', h: '' } as const
  return JSON.parse(JSON.stringify({ ...chain, ts: at, mono, boot, kind, data }))
}

export const written = (step: Step, more: Data = {}, stamp: Stamp = {}): Entry =>
  entryOf(step.kind, { ...dataOf('app', step), ...more }, stamp)

/** What is remembered of `app` after these entries. */
export function after(entries: readonly Entry[], memories: TargetMemories = {}) {
  for (const entry of entries) rememberTarget(memories, entry)
  return memories.app ?? newTargetMemory()
}
