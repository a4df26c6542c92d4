import { type Cause, includes, type Journal, type Ref, type Step } from './journal.ts'
import type { Activation } from './target.ts'

/**
 * Life of a switch
 *
 * 1. `decide` is asked again and again what to do next, with what the ledger says (`journal.ts`) and what is seen of the
 *    world. Each answer is one entry to be made durable, or one act that may be repeated. There is no other state, so going
 *    on after a kill, a power cut or a dead-man's rollback is this same function with fresh eyes.
 * 2. `switch.armed` is durable and the dead-man is armed before anything moves. The candidate is activated and put on
 *    probation. Until the commit, every doubt leads back. A switch made by somebody else begins at its probation.
 * 3. `switch.committing` is the commit: from then on it only goes forward.
 * 4. A rollback goes down a ladder: the same again, then the next older one, then hold and call people. Services that are
 *    not well with a known-good generation either say that the generation was not the cause: hold.
 */
export interface Seen {
  /** What runs; null: nothing whole does. */
  readonly running: Ref | null
  /** Path of what a reboot leads to. */
  readonly boot: string | null
  /** Where the dead-man that stands would lead; null: none stands. */
  readonly deadMan: string | null
  /** The one that stands was armed by this very daemon, so it leaves the time that the configuration says. */
  readonly isFresh: boolean
  /** This daemon could not arm one for the step the journal stands at. */
  readonly isArmFailed: boolean
  /** A dead-man has fired since the switch began, as far as this daemon has heard. */
  readonly hasFired: boolean
  /** The step the journal stands at was taken by this very daemon; false after its restart. */
  readonly isOurs: boolean
  /** An activation of `journal.to` that an earlier daemon began runs, or has left how it ended. */
  readonly isUnderWay: boolean
  /** The machine has been booted since the journal's step. */
  readonly isRebooted: boolean
  /** How the activation of `journal.to` ended that this daemon asked for; null: it has asked for none yet. */
  readonly activation: Activation['verdict'] | null
  /** Whether this daemon made `journal.to` what a reboot leads to; `failed`: and tried often enough. */
  readonly settled: 'not yet' | 'done' | 'failed'
  /** Whether the services are well with `journal.to`, as far as this daemon has watched. */
  readonly health: 'open' | 'passed' | 'failed'
  /** What came of the last act in words, for the entry; '' when there is nothing to say. */
  readonly detail: string
  /** Why a generation that somebody else switched to may not be rolled back from on its own; null: it may. */
  readonly refusal: string | null
  /** What is switched to is never to be led back from but by an order. */
  readonly isIrreversible: boolean
  /** Nothing is known to be good, and it is time to watch again whether what runs is. */
  readonly isSoakDue: boolean
  /** Generations older than what runs, the newest first, where its pointer was moved not long ago. */
  readonly older: readonly Ref[]
  readonly order: Order | null
}

export type Order =
  | { readonly verb: 'deploy'; readonly to: Ref }
  | { readonly verb: 'rollback'; readonly to: Ref; readonly cause: 'operator' | 'crashloop'; readonly why: string }
  /** What runs was rolled back to and is not well either: nothing is changed on its own any more. */
  | { readonly verb: 'hold'; readonly why: string }

export type Act =
  /** `answers`: this is what the order led to. */
  | { readonly act: 'record'; readonly step: Step; readonly answers?: true }
  | { readonly act: 'armDeadMan'; readonly back: Ref }
  | { readonly act: 'disarmDeadMan' }
  | { readonly act: 'activate' | 'settle'; readonly to: Ref }
  /** Waits for news of the services' health, or an order. */
  | { readonly act: 'watch' }
  /** Nothing to do until an order or an observation comes. */
  | { readonly act: 'rest' }

/** The same again once, then one older generation after the other. */
const SAME_AGAIN = 1
const IRREVERSIBLE = 'it is marked irreversible, so nothing leads back on its own'

/** What to do next. Pure; total over all journals and all that can be seen. */
export function decide(journal: Journal, seen: Seen): Act {
  const { phase, to } = journal
  if (phase === 'idle' || phase === 'held') return atRest(journal, seen)
  // That can't be folded from entries of ours.
  if (to === null) return held('the ledger does not say what the switch was to lead to', 'no way back', seen)
  switch (phase) {
    case 'observed':
      return observed(journal, seen)
    case 'armed':
      return armed(journal, to, seen)
    case 'switching':
      return switching(journal, seen, to)
    case 'probation':
      return onProbation(journal, seen, to)
    case 'committing':
      return committing(seen, to)
    case 'rollingBack':
      return rollingBack(journal, seen, to)
  }
}

const record = (step: Step): Act => ({ act: 'record', step })
const answer = (step: Step): Act => ({ act: 'record', step, answers: true })

function held(why: string, verdict: 'environment' | 'no way back', { running }: Seen): Act {
  return record({ kind: 'rollback.held', why, verdict, current: running })
}

function atRest(journal: Journal, seen: Seen): Act {
  const { order, running } = seen
  const { good } = journal
  if (seen.deadMan !== null) return { act: 'disarmDeadMan' }
  if (order === null) return unasked(journal, seen)
  if (order.verb === 'hold')
    return answer({ kind: 'rollback.held', why: order.why, verdict: 'environment', current: running })
  // What runs and is known to be good already: there is nothing to prove, and nothing else to go back to.
  const isThere = order.to.path === running?.path
  const isProven = order.verb === 'rollback' || good[0]?.path === running?.path
  if (isThere && isProven && journal.phase === 'idle') return { act: 'rest' }
  if (order.verb === 'deploy') {
    const known = good.find(each => each.path !== order.to.path)
    return answer({ kind: 'switch.armed', from: known ?? otherThan(order.to, running), to: order.to })
  }
  return answer({ kind: 'rollback.started', from: running, to: order.to, cause: order.cause, why: order.why })
}

/** Nobody gave an order: has somebody moved the pointer, or is it time to find out whether what runs is good? */
function unasked({ phase, good, at }: Journal, seen: Seen): Act {
  const { running, older } = seen
  if (running === null) {
    const [last] = good
    // Whoever takes it away again and again is not fought for ever.
    if (phase === 'held' || last === undefined || seen.refusal !== null) return { act: 'rest' }
    const why = 'its pointer leads to nothing that is whole'
    return record({ kind: 'rollback.started', from: null, to: last, cause: 'recovery', why })
  }
  if (running.path === at && !(good.length === 0 && phase === 'idle' && seen.isSoakDue)) return { act: 'rest' }
  const back = good.find(each => each.path !== running.path)
  const fallbacks = good.length === 0 ? older : []
  const unproven = good.length === 0 && at === null ? 'it is seen for the first time' : 'it is not known to be good'
  const why = running.path === at || at === null ? unproven : ''
  return record({ kind: 'switch.observed', from: back ?? fallbacks[0] ?? null, to: running, older: fallbacks, why })
}

function otherThan({ path }: Ref, ref: Ref | null): Ref | null {
  return ref?.path === path ? null : ref
}

function observed(journal: Journal, seen: Seen): Act {
  if (seen.order?.verb === 'rollback') return asked(journal, seen.order)
  const { from } = journal
  if (from !== null && !seen.isIrreversible && !isGuarded(from, seen)) return { act: 'armDeadMan', back: from }
  return record({ kind: 'switch.probation', why: '' })
}

/** A dead-man leads back to `ref` and leaves enough time, or none can be had. */
function isGuarded(ref: Ref, seen: Seen): boolean {
  return seen.isArmFailed || (seen.deadMan === ref.path && seen.isFresh)
}

function armed(journal: Journal, to: Ref, seen: Seen): Act {
  const { from } = journal
  if (seen.order?.verb === 'rollback') return asked(journal, seen.order)
  if (!seen.isOurs) {
    const isUntouched = from !== null && seen.running?.path === from.path && seen.boot === from.path
    if (!isUntouched) return back(journal, seen, 'recovery', 'heald or the machine ended during the switch')
    const why = `heald or the machine ended before ${to.generation} was activated`
    return record({ kind: 'switch.failed', why })
  }
  if (seen.isArmFailed) {
    const why = `the dead-man could not be armed: ${seen.detail}`
    return record({ kind: 'switch.failed', why })
  }
  if (from !== null && !seen.isIrreversible && !isGuarded(from, seen)) return { act: 'armDeadMan', back: from }
  return record({ kind: 'switch.activating' })
}

function switching(journal: Journal, seen: Seen, to: Ref): Act {
  if (seen.order?.verb === 'rollback') return asked(journal, seen.order)
  if (!seen.isIrreversible) {
    const { from } = journal
    // What an earlier daemon began is waited for under the dead-man of then, which no restart of heald puts off.
    const goesOn = seen.isUnderWay && (from === null || seen.deadMan === from.path)
    if (!seen.isOurs && seen.activation === null && !goesOn)
      return back(journal, seen, 'recovery', 'heald or the machine ended during the activation')
    if (seen.hasFired) return back(journal, seen, 'deadman', 'its time was up')
    // Somebody ended it: that says nothing about the candidate.
    if (from !== null && !goesOn && !isGuarded(from, seen)) return { act: 'armDeadMan', back: from }
  }
  if (seen.activation === null || seen.activation === 'retry') return { act: 'activate', to }
  if (seen.activation === 'failed') {
    const why = withDetail('its activation failed', seen)
    return seen.isIrreversible
      ? held(`${why}; ${IRREVERSIBLE}`, 'no way back', seen)
      : back(journal, seen, 'probation', why)
  }
  const isUnmoved = seen.running?.path === journal.from?.path && seen.boot === journal.from?.path
  if (seen.activation === 'reboot' && journal.from !== null && isUnmoved) {
    const why = withDetail('it needs a boot trial: it takes effect only after a reboot', seen)
    return record({ kind: 'switch.failed', why })
  }
  return record({ kind: 'switch.probation', why: seen.detail })
}

function onProbation(journal: Journal, seen: Seen, to: Ref): Act {
  const { order, running } = seen
  const { from, good, isObserved } = journal
  if (order?.verb === 'rollback') return asked(journal, order)
  // Nothing was proved yet, and nobody of ours asked for it.
  if (order?.verb === 'deploy' && isObserved) {
    const known = good.find(each => each.path !== order.to.path)
    return answer({ kind: 'switch.armed', from: known ?? otherThan(order.to, running), to: order.to })
  }
  if (seen.isRebooted && !isObserved && !seen.isIrreversible)
    return back(journal, seen, 'recovery', 'the machine was booted during probation')
  if (running?.path !== to.path) {
    const isElsewhere = running !== null && running.path !== from?.path
    if (isElsewhere) return record({ kind: 'switch.observed', from, to: running, older: journal.older, why: '' })
    return back(journal, seen, seen.hasFired ? 'deadman' : 'recovery', 'it was moved away from during probation')
  }
  if (from !== null && !seen.isIrreversible && !isGuarded(from, seen)) return { act: 'armDeadMan', back: from }
  if (seen.health === 'failed') {
    const why = withDetail('the services are not well with it', seen)
    if (isObserved && from === null) return record({ kind: 'switch.failed', why })
    if (isObserved && seen.refusal !== null) return held(`${why}; ${seen.refusal}`, 'no way back', seen)
    if (seen.isIrreversible) return held(`${why}; ${IRREVERSIBLE}`, 'no way back', seen)
    return back(journal, seen, 'probation', why)
  }
  return seen.health === 'open' ? { act: 'watch' } : record({ kind: 'switch.committing' })
}

/** Only forward: a dead-man that fired between the commit and here is undone. */
function committing(seen: Seen, to: Ref): Act {
  if (seen.deadMan !== null) return { act: 'disarmDeadMan' }
  if (seen.running?.path !== to.path || seen.isUnderWay) {
    // Whatever it was answered but "done" or "not now", once more it would be the same.
    if (seen.activation === 'failed' || seen.activation === 'reboot' || seen.activation === 'partly')
      return held(withDetail('it is committed but can not be activated', seen), 'no way back', seen)
    return { act: 'activate', to }
  }
  if (seen.settled === 'failed')
    return held(withDetail('it runs, but a reboot could not be led to it', seen), 'no way back', seen)
  if (seen.settled !== 'done' || seen.boot !== to.path) return { act: 'settle', to }
  return record({ kind: 'switch.committed' })
}

function rollingBack(journal: Journal, seen: Seen, to: Ref): Act {
  const isThere = seen.running?.path === to.path
  if (journal.isActivated) {
    if (!isThere || seen.boot !== to.path) return further(journal, to, seen, 'it was moved away from', 'not activated')
    if (seen.deadMan !== null) return { act: 'disarmDeadMan' }
    if (seen.health === 'open') return { act: 'watch' }
    if (seen.health === 'passed') return record({ kind: 'rollback.verified' })
    const why = withDetail('the services are not well with it either', seen)
    const isProven = includes(journal.good, to) && journal.cause !== 'operator'
    return isProven
      ? held(`${why}, so the cause is not the generation`, 'environment', seen)
      : further(journal, to, seen, why, 'unwell')
  }
  if (!isGuarded(to, seen)) return { act: 'armDeadMan', back: to }
  if (seen.activation === null || seen.activation === 'retry') return { act: 'activate', to }
  const why =
    seen.activation === 'failed'
      ? 'its activation failed'
      : !isThere
        ? 'something else runs after its activation'
        : seen.settled === 'failed'
          ? 'it could not be made what a reboot leads to'
          : null
  if (why !== null) return further(journal, to, seen, withDetail(why, seen), 'not activated')
  if (seen.settled === 'not yet' || seen.boot !== to.path) return { act: 'settle', to }
  return record({ kind: 'rollback.activated' })
}

/** Leads back from the candidate: to what was left, which was known to be good. */
function back(journal: Journal, seen: Seen, cause: Cause, why: string): Act {
  const { from, good, to } = journal
  const goal = from ?? good[0] ?? null
  if (goal === null) return held(`${why}; nothing is known to be good`, 'no way back', seen)
  return record({ kind: 'rollback.started', from: to, to: goal, cause, why })
}

function asked({ to }: Journal, order: Extract<Order, { verb: 'rollback' }>): Act {
  return answer({ kind: 'rollback.started', from: to, to: order.to, cause: order.cause, why: order.why })
}

/** The next rung of the ladder. */
function further(
  { rung, good, older, from }: Journal,
  to: Ref,
  seen: Seen,
  why: string,
  verdict: 'unwell' | 'not activated',
): Act {
  if (rung < SAME_AGAIN && verdict === 'not activated')
    return record({ kind: 'rollback.failed', next: to, why, verdict })
  const ladder = [...good, ...older]
  const next = ladder.slice(ladder.findIndex(each => each.path === to.path) + 1).find(each => each.path !== from?.path)
  if (next === undefined || next.path === to.path) return held(why, 'no way back', seen)
  return record({ kind: 'rollback.failed', next, why, verdict })
}

function withDetail(what: string, { detail }: Seen): string {
  return detail === '' ? what : `${what}: ${detail}`
}
