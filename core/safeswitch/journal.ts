import type { Generation } from './target.ts'

/** A generation as the ledger names it. */
export type Ref = Pick<Generation, 'generation' | 'path'>

/** `held`: nothing is changed automatically any more; people were told. */
export type Phase = 'idle' | 'armed' | 'switching' | 'probation' | 'committing' | 'rollingBack' | 'held'

export type Cause = 'crashloop' | 'probation' | 'operator' | 'deadman' | 'recovery'

/**
 * What the ledger says of one target: the fold of its entries, and all that a switch needs to know of its own past. It is
 * written before anything is done, so a daemon that starts anew goes on from here (`decide.ts`).
 */
export interface Journal {
  readonly phase: Phase
  /** What is left: where a rollback leads first. Null before anything is known to be good. */
  readonly from: Ref | null
  /** Where a switch or rollback under way leads. */
  readonly to: Ref | null
  /** The rung of the ladder of rollbacks: how many have failed since this one began. */
  readonly rung: number
  /** Known-good generations, the newest first, at most three. */
  readonly good: readonly Ref[]
}

/** The entries that move a journal on, with what of their data matters here. */
export type Step =
  | { readonly kind: 'switch.armed'; readonly from: Ref | null; readonly to: Ref }
  | { readonly kind: 'switch.activating' | 'switch.probation' | 'switch.committing' | 'switch.committed' }
  | { readonly kind: 'switch.failed'; readonly why: string }
  | { readonly kind: 'rollback.started'; readonly to: Ref; readonly cause: Cause; readonly why: string }
  | { readonly kind: 'rollback.verified' }
  /** `next`: the rung below; null: there is none. */
  | { readonly kind: 'rollback.failed'; readonly next: Ref | null; readonly why: string }
  | { readonly kind: 'rollback.held'; readonly why: string }

export const GOOD_KEPT = 3

export function emptyJournal(good: readonly Ref[] = []): Journal {
  return { phase: 'idle', from: null, to: null, rung: 0, good }
}

/** The journal after one more entry. Pure. */
export function follow(journal: Journal, step: Step): Journal {
  switch (step.kind) {
    case 'switch.armed':
      return { ...journal, phase: 'armed', from: step.from, to: step.to, rung: 0 }
    case 'switch.activating':
      return { ...journal, phase: 'switching' }
    case 'switch.probation':
      return { ...journal, phase: 'probation' }
    case 'switch.committing':
      return { ...journal, phase: 'committing' }
    case 'switch.committed':
    case 'rollback.verified':
      return { ...emptyJournal(journal.to === null ? journal.good : newest(journal.good, journal.to)) }
    case 'switch.failed':
      return emptyJournal(journal.good)
    case 'rollback.started':
      return { ...journal, phase: 'rollingBack', from: journal.to, to: step.to, rung: 0 }
    case 'rollback.failed':
      return step.next === null
        ? { ...journal, rung: journal.rung + 1 }
        : { ...journal, to: step.next, rung: journal.rung + 1 }
    case 'rollback.held':
      return { ...emptyJournal(journal.good), phase: 'held' }
  }
}

function newest(good: readonly Ref[], ref: Ref): Ref[] {
  return [ref, ...good.filter(each => each.path !== ref.path)].slice(0, GOOD_KEPT)
}
