import type { Generation } from './target.ts'

/** A generation as the ledger names it. */
export type Ref = Pick<Generation, 'generation' | 'path'>

/** `observed`: somebody else has switched; `held`: nothing is changed automatically any more; people were told. */
export type Phase = 'idle' | 'observed' | 'armed' | 'switching' | 'probation' | 'committing' | 'rollingBack' | 'held'

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
  /** The switch under way was somebody else's. */
  readonly isObserved: boolean
  /** Of the rollback under way. */
  readonly cause: Cause | null
  /** The rollback under way has moved the pointers; what is left is to see whether the services are well. */
  readonly isActivated: boolean
  /** The rung of the ladder of rollbacks: how many have failed since this one began. */
  readonly rung: number
  /** What will be quarantined once the services are seen to be well without it. */
  readonly blamed: readonly Ref[]
  /** Known-good generations, the newest first, at most `GOOD_KEPT`. */
  readonly good: readonly Ref[]
  /** Older generations to fall back to while nothing is known to be good, the newest first. */
  readonly older: readonly Ref[]
  /** Path of what runs while at rest, as far as the ledger knows; null: it knows of nothing yet. */
  readonly at: string | null
}

/** The entries that move a journal on, with what of their data matters here. */
export type Step =
  | {
      readonly kind: 'switch.observed'
      readonly from: Ref | null
      readonly to: Ref
      readonly older: readonly Ref[]
      /** Why nobody's switch was noticed but what runs is looked at all the same; '' for somebody's switch. */
      readonly why: string
    }
  | { readonly kind: 'switch.armed'; readonly from: Ref | null; readonly to: Ref }
  | { readonly kind: 'switch.activating' | 'switch.committing' | 'switch.committed' }
  | { readonly kind: 'switch.probation'; readonly why: string }
  | { readonly kind: 'switch.failed'; readonly why: string }
  | {
      readonly kind: 'rollback.started'
      readonly from: Ref | null
      readonly to: Ref
      readonly cause: Cause
      readonly why: string
    }
  | { readonly kind: 'rollback.activated' | 'rollback.verified' }
  /** `next`: the rung below. `verdict`: `unwell` when the services were not well with the one before. */
  | {
      readonly kind: 'rollback.failed'
      readonly next: Ref
      readonly why: string
      readonly verdict: 'unwell' | 'not activated'
    }
  /** `current`: what runs. `verdict`: `environment` when the services are not well with a generation that is known to be good either. */
  | {
      readonly kind: 'rollback.held'
      readonly why: string
      readonly verdict: 'environment' | 'no way back'
      readonly current: Ref | null
    }

/** More than any configuration keeps, so that the fold does not depend on one. */
export const GOOD_KEPT = 10

export function emptyJournal(good: readonly Ref[] = [], at: string | null = good[0]?.path ?? null): Journal {
  return {
    ...{ phase: 'idle', from: null, to: null, isObserved: false, cause: null, isActivated: false, rung: 0 },
    ...{ blamed: [], good, older: [], at },
  }
}

/** The journal after one more entry. Pure. */
export function follow(journal: Journal, step: Step): Journal {
  const { good, to } = journal
  switch (step.kind) {
    case 'switch.observed':
      return {
        ...emptyJournal(good, step.to.path),
        ...{ phase: 'observed', isObserved: true, from: step.from, to: step.to, older: step.older },
      }
    case 'switch.armed':
      return { ...emptyJournal(good, journal.at), phase: 'armed', from: step.from, to: step.to }
    case 'switch.activating':
      return { ...journal, phase: 'switching' }
    case 'switch.probation':
      return { ...journal, phase: 'probation' }
    case 'switch.committing':
      return { ...journal, phase: 'committing' }
    case 'switch.committed':
    case 'rollback.verified': {
      // Nobody is led back to what was to blame.
      const others = good.filter(each => !includes(journal.blamed, each))
      return to === null ? emptyJournal(others, journal.at) : emptyJournal(newest(others, to), to.path)
    }
    case 'switch.failed':
      // Nothing was moved. What runs was on probation itself, or held, if it isn't known to be good: it is looked at anew.
      return emptyJournal(good, journal.isObserved || good.some(each => each.path === journal.at) ? journal.at : null)
    case 'rollback.started': {
      const isBlamed = step.from !== null && (step.cause === 'crashloop' || step.cause === 'probation')
      return {
        ...emptyJournal(good, journal.at),
        ...{ phase: 'rollingBack', from: step.from, to: step.to, cause: step.cause, older: journal.older },
        ...{ blamed: isBlamed && step.from !== null ? [step.from] : [] },
      }
    }
    case 'rollback.activated':
      return { ...journal, isActivated: true }
    case 'rollback.failed': {
      const isBlamed = step.verdict === 'unwell' && to !== null && !includes(good, to)
      const blamed = isBlamed ? [...journal.blamed, to].slice(-GOOD_KEPT) : journal.blamed
      return { ...journal, to: step.next, rung: journal.rung + 1, isActivated: false, blamed }
    }
    case 'rollback.held':
      return { ...emptyJournal(good, step.current?.path ?? journal.at), phase: 'held' }
  }
}

/** Nothing is under way: the target is where it should be, or held. */
export function isAtRest({ phase }: Pick<Journal, 'phase'>): boolean {
  return phase === 'idle' || phase === 'held'
}

export function includes(refs: readonly Ref[], { path }: Pick<Ref, 'path'>): boolean {
  return refs.some(each => each.path === path)
}

function newest(good: readonly Ref[], ref: Ref): Ref[] {
  return [ref, ...good.filter(each => each.path !== ref.path)].slice(0, GOOD_KEPT)
}

/** Of a generation, only what the ledger says of it: an object of its own, as JSON wants it. */
export function plain(ref: Ref | null | undefined): { generation: string; path: string } | null {
  return ref == null ? null : { generation: ref.generation, path: ref.path }
}
