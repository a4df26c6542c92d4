import type { Clock } from '../clock.ts'
import type { TargetSpec } from '../config/spec.ts'
import type { Draft } from '../entry.ts'
import type { Patient } from '../heal/patient.ts'
import { placeOf, type TargetMemories, type Trouble } from './memory.ts'
import type { View } from './target.ts'

/**
 * Life of a trouble with a target
 *
 * 1. It can't be looked at, or nothing runs there: an entry says which target, where and why. That nothing runs is told
 *    only when it lasts, since a rollback mends most of it within seconds and is told by entries of its own.
 * 2. As long as it stays so nothing more is said, by later daemons neither: what the ledger remembers is what was said.
 * 3. It is in order again: one more entry.
 */
export interface TroubleTools {
  readonly clock: Clock
  readonly memories: TargetMemories
  readonly patients: () => readonly Patient[]
  /** Resolves when the entry is durable and remembered. */
  readonly append: (draft: Draft) => Promise<unknown>
}

/** Told of each look at a target: what was found, or why nothing was. Not to be asked before the ledger is read. */
export type TellTrouble = (found: View | string) => void

export const NOTHING_RUNS = 'nothing runs: its pointer is missing, or leads to nothing that is whole'

/** Of one target: words that keep changing must not fill the ledger. */
const EVERY_MS = 60_000
/** Longer than a rollback without activation takes to begin, and to end. */
const NOTHING_LASTS_MS = 10_000

export function troubleTeller(spec: TargetSpec, { clock, memories, patients, append }: TroubleTools): TellTrouble {
  const { name } = spec
  const place = placeOf(spec)
  let toldMs: number | null = null
  let nothingMs: number | null = null
  let isTelling = false

  function standing(): Trouble | null {
    const found = Object.hasOwn(memories, name) ? (memories[name]?.trouble ?? null) : null
    return found?.place === place ? found : null
  }

  /** What can't be recorded is told by a later look, since nothing of it is remembered. */
  async function tell(draft: Draft): Promise<void> {
    isTelling = true
    try {
      const sick = patients().find(patient => patient.inc().inc !== undefined)
      await append({ ...draft, ...sick?.inc() })
    } catch {
      // That nothing can be recorded is told elsewhere.
    } finally {
      isTelling = false
    }
  }

  return found => {
    const nothing = typeof found !== 'string' && found.running === null ? NOTHING_RUNS : null
    const why = typeof found === 'string' ? found : nothing
    const nowMs = clock.monoMs()
    nothingMs = nothing !== null ? (nothingMs ?? nowMs) : null
    if (isTelling) return
    const said = standing()
    if (why === null) {
      if (said !== null) void tell({ kind: 'target.clear', data: { target: name, place } })
      return
    }
    const isNew = nothingMs !== null && nowMs - nothingMs < NOTHING_LASTS_MS
    const isSoon = toldMs !== null && nowMs - toldMs < EVERY_MS
    if (said?.why === why || isNew || isSoon) return
    toldMs = nowMs
    void tell({ kind: 'target.trouble', data: { target: name, place, why } })
  }
}
