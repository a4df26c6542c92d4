import type { SwitchSpec, TargetSpec } from '../config/spec.ts'
import type { Ref } from './journal.ts'
import type { TargetMemory } from './memory.ts'
import { ageMs, type Moment } from './moment.ts'

/** What an automatic rollback depends on. Pure. */
export interface Question {
  readonly spec: Pick<TargetSpec, 'blameWindowMs' | 'irreversible'>
  readonly budget: SwitchSpec['budget']
  readonly memory: TargetMemory
  readonly running: Ref | null
  readonly now: Moment
  /** The ledger can be written. */
  readonly isRecording: boolean
  /** It was found damaged, and nobody has acknowledged that. */
  readonly isDamaged: boolean
  /** Somebody has stopped all automatic changes. */
  readonly isFrozen: boolean
}

export type Permit = { readonly to: Ref } | Refusal

export interface Refusal {
  /** In words. */
  readonly refused: string
  /** A rollback led here already and did not help. */
  readonly isEnvironment?: true
  /** It may be over in a while. */
  readonly isPassing?: true
}

const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000
/** What falls so soon after a rollback falls of the same cause. */
const SAME_TROUBLE_MS = 600_000

/** Whether services that crash-loop with what runs at rest may be answered by a rollback. */
export function mayRollBack(question: Question): Permit {
  const { memory, running, now, spec } = question
  const { journal, arrived } = memory
  if (journal.phase === 'held') return { refused: 'the target is held until somebody decides' }
  if (journal.phase !== 'idle') return { refused: 'a switch is under way' }
  if (running === null) return { refused: 'it can not be told what runs', isPassing: true }
  const isRecent = arrived !== null && ageMs(arrived.at, now) <= spec.blameWindowMs
  if (!isRecent) return { refused: `${running.generation} has run for longer than the blame window` }
  if (arrived.by === 'rollback') {
    const refused = `it was rolled back to ${running.generation} already`
    // Later, or after a person's own rollback, it is trouble of its own, which nobody else is cleared of.
    const isSame = arrived.isAutomatic === true && ageMs(arrived.at, now) <= SAME_TROUBLE_MS
    return isSame ? { refused: `${refused}, so the cause is not the generation`, isEnvironment: true } : { refused }
  }
  const to = journal.good.find(({ path }) => path !== running.path)
  if (to === undefined) return { refused: 'no other generation is known to be good' }
  return whyNotFrom(running, question) ?? { to }
}

/** Why a generation may not be rolled back from automatically; null: it may. */
export function whyNotFrom(
  from: Ref | null,
  { spec, budget, memory, now, isRecording, isDamaged, isFrozen }: Omit<Question, 'running'>,
): Refusal | null {
  const passing = (refused: string): Refusal => ({ refused, isPassing: true })
  if (!isRecording) return passing('nothing can be recorded, and what is not recorded is not done')
  if (isFrozen) return passing('automatic changes are frozen: "heald unfreeze" lets them happen again')
  if (isDamaged) return passing('the ledger is damaged, and nobody has acknowledged its incident')
  if (from !== null && isIrreversible(spec, from)) return { refused: `${from.generation} is marked irreversible` }
  if (from !== null && memory.tried.includes(from.path))
    return { refused: `it was rolled back from ${from.generation} once already` }
  const within = (ms: number) => memory.automatic.filter(at => ageMs(at, now) < ms).length
  if (within(HOUR_MS) >= budget.perHour)
    return passing(`the budget of ${budget.perHour} automatic rollbacks an hour is used up`)
  if (within(DAY_MS) >= budget.perDay)
    return passing(`the budget of ${budget.perDay} automatic rollbacks a day is used up`)
  return null
}

export function isIrreversible({ irreversible }: Pick<TargetSpec, 'irreversible'>, { generation }: Ref): boolean {
  return irreversible === true || (Array.isArray(irreversible) && irreversible.includes(generation))
}
