import type { Journal, Ref, Step } from './journal.ts'
import type { Activation } from './target.ts'

/**
 * Life of a switch
 *
 * 1. `decide` is asked again and again what to do next, with what the ledger says (`journal.ts`) and what is seen of the
 *    world. Each answer is one entry to be made durable, or one act that may be repeated. There is no other state, so going
 *    on after a kill, a power cut or a dead-man's rollback is this same function with fresh eyes.
 * 2. `switch.armed` is durable and the dead-man is armed before anything moves. The candidate is activated and put on
 *    probation. Until the commit, every doubt leads back.
 * 3. `switch.committing` is the commit: from then on it only goes forward.
 * 4. A rollback goes down a ladder: the same again, then the next older known-good one, then hold and call people.
 */
export interface Seen {
  /** Path of what runs; null: nothing whole does. */
  readonly running: string | null
  /** Path of what a reboot leads to. */
  readonly boot: string | null
  readonly deadMan: 'none' | 'armed'
  /** The step the journal stands at was taken by this very daemon; false after its restart. */
  readonly isOurs: boolean
  /** The machine has been booted since the journal's step. */
  readonly isRebooted: boolean
  /** How the activation of `journal.to` ended that this daemon asked for; null: it has asked for none yet. */
  readonly activation: Activation['verdict'] | null
  /** Whether this daemon made `journal.to` what a reboot leads to; `failed`: and tried often enough. */
  readonly settled: 'not yet' | 'done' | 'failed'
  /** Whether the services are well with `journal.to`, as far as this daemon has watched. */
  readonly health: 'open' | 'passed' | 'failed'
  readonly order: Order | null
}

export type Order = { readonly verb: 'deploy' | 'rollback'; readonly to: Ref }

export type Act =
  | { readonly act: 'record'; readonly step: Step }
  | { readonly act: 'armDeadMan'; readonly back: Ref | null }
  | { readonly act: 'disarmDeadMan' }
  | { readonly act: 'activate' | 'settle'; readonly to: Ref }
  /** Waits for news of the services' health, or an order. */
  | { readonly act: 'watch' }
  /** Nothing to do until an order or an observation comes. */
  | { readonly act: 'rest' }

/** The same again once, then one older generation after the other. */
const SAME_AGAIN = 1

/** What to do next. Pure; total over all journals and all that can be seen. */
export function decide(journal: Journal, seen: Seen): Act {
  const { to } = journal
  switch (journal.phase) {
    case 'idle':
    case 'held':
      return atRest(journal, seen)
    case 'armed':
      return to === null ? lost() : armed(journal, to, seen)
    case 'switching':
      return to === null ? lost() : switching(journal, seen, to)
    case 'probation':
      return to === null ? lost() : onProbation(journal, seen, to)
    case 'committing':
      return to === null ? lost() : committing(seen, to)
    case 'rollingBack':
      return to === null ? lost() : rollingBack(journal, seen, to)
  }
}

const record = (step: Step): Act => ({ act: 'record', step })

/** A switch without a candidate can't be folded from entries of ours. */
function lost(): Act {
  return record({ kind: 'rollback.held', why: 'the ledger does not say what the switch was to lead to' })
}

function atRest({ good }: Journal, { order, deadMan, running }: Seen): Act {
  if (deadMan === 'armed') return { act: 'disarmDeadMan' }
  if (order === null) return { act: 'rest' }
  // What runs and is known to be good already: there is nothing to prove, and nothing else to go back to.
  if (order.to.path === running && (order.verb === 'rollback' || good[0]?.path === running)) return { act: 'rest' }
  if (order.verb === 'deploy') {
    const from = good.find(each => each.path !== order.to.path) ?? null
    return record({ kind: 'switch.armed', from, to: order.to })
  }
  return record({ kind: 'rollback.started', to: order.to, cause: 'operator', why: 'asked for' })
}

function armed(journal: Journal, to: Ref, seen: Seen): Act {
  const { from } = journal
  if (seen.order?.verb === 'rollback') return back(journal, 'operator', 'asked for')
  if (!seen.isOurs) {
    const isUntouched = from !== null && seen.running === from.path && seen.boot === from.path
    if (!isUntouched) return back(journal, 'recovery', 'heald or the machine ended during the switch')
    return record({ kind: 'switch.failed', why: `heald or the machine ended before ${to.generation} was activated` })
  }
  if (seen.deadMan === 'none') return { act: 'armDeadMan', back: from }
  return record({ kind: 'switch.activating' })
}

function switching(journal: Journal, seen: Seen, to: Ref): Act {
  if (seen.order?.verb === 'rollback') return back(journal, 'operator', 'asked for')
  if (!seen.isOurs) return back(journal, 'recovery', 'heald or the machine ended during the activation')
  if (seen.deadMan === 'none' && journal.from !== null) return back(journal, 'deadman', 'its time was up')
  if (seen.activation === null || seen.activation === 'retry') return { act: 'activate', to }
  if (seen.activation === 'failed') return back(journal, 'probation', 'its activation failed')
  return record({ kind: 'switch.probation' })
}

function onProbation(journal: Journal, seen: Seen, to: Ref): Act {
  if (seen.order?.verb === 'rollback') return back(journal, 'operator', 'asked for')
  if (seen.isRebooted) return back(journal, 'recovery', 'the machine was booted during probation')
  if (seen.running !== to.path) return back(journal, 'deadman', 'it was moved away from during probation')
  if (seen.health === 'failed') return back(journal, 'probation', 'the services are not well with it')
  return seen.health === 'open' ? { act: 'watch' } : record({ kind: 'switch.committing' })
}

/** Only forward: a dead-man that fired between the commit and here is undone. */
function committing(seen: Seen, to: Ref): Act {
  if (seen.deadMan === 'armed') return { act: 'disarmDeadMan' }
  if (seen.running !== to.path) return { act: 'activate', to }
  if (seen.settled === 'failed')
    return record({ kind: 'rollback.held', why: 'it runs, but a reboot could not be led to it' })
  if (seen.settled !== 'done' || seen.boot !== to.path) return { act: 'settle', to }
  return record({ kind: 'switch.committed' })
}

function rollingBack(journal: Journal, seen: Seen, to: Ref): Act {
  if (seen.activation === null || seen.activation === 'retry') return { act: 'activate', to }
  const why =
    seen.activation === 'failed'
      ? 'its activation failed'
      : seen.running !== to.path
        ? 'something else runs after its activation'
        : seen.settled === 'failed'
          ? 'it could not be made what a reboot leads to'
          : seen.health === 'failed'
            ? 'the services are not well with it either'
            : null
  if (why !== null) return further(journal, to, why)
  if (seen.settled === 'not yet' || seen.boot !== to.path) return { act: 'settle', to }
  if (seen.deadMan === 'armed') return { act: 'disarmDeadMan' }
  return seen.health === 'open' ? { act: 'watch' } : record({ kind: 'rollback.verified' })
}

/** Leads back from the candidate: to what was left, which was known to be good. */
function back({ from, good }: Journal, cause: Parameters<typeof started>[1], why: string): Act {
  const goal = from ?? good[0] ?? null
  return goal === null
    ? record({ kind: 'rollback.held', why: `${why}; nothing is known to be good` })
    : started(goal, cause, why)
}

function started(to: Ref, cause: Extract<Step, { kind: 'rollback.started' }>['cause'], why: string): Act {
  return record({ kind: 'rollback.started', to, cause, why })
}

/** The next rung of the ladder. */
function further({ rung, good }: Journal, to: Ref, why: string): Act {
  if (rung < SAME_AGAIN) return record({ kind: 'rollback.failed', next: to, why })
  const next = good[good.findIndex(each => each.path === to.path) + 1]
  if (next === undefined || next.path === to.path) return record({ kind: 'rollback.held', why })
  return record({ kind: 'rollback.failed', next, why })
}
