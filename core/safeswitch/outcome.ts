import type { Switched } from '../api/switch-control.ts'
import type { Step } from './journal.ts'

const ENDS: ReadonlySet<Step['kind']> = new Set([
  ...(['switch.committed', 'switch.failed', 'rollback.verified', 'rollback.held'] as const),
])

/** Whether a target is at rest after this step. */
export function isEnd({ kind }: Step): boolean {
  return ENDS.has(kind)
}

/**
 * How an order ended, by the step that led to rest; null: nothing had to be done.
 * @param rollbackWhy why a deploy was led back; null after a rollback that somebody asked for
 */
export function outcomeOf(step: Step | null, rollbackWhy: string | null): Pick<Switched, 'outcome' | 'why'> {
  switch (step?.kind) {
    case 'switch.committed':
      return { outcome: 'committed', why: null }
    case 'rollback.verified':
      return { outcome: 'rolled back', why: rollbackWhy }
    case 'switch.failed':
      return { outcome: 'failed', why: step.why }
    case 'rollback.held':
      return { outcome: 'held', why: step.why }
    default:
      return { outcome: 'nothing to do', why: null }
  }
}
