import type { PeopleSpec } from '../config/people-spec.ts'
import type { Looked } from './look.ts'
import { type Command, ENDED, missingOf } from './memory.ts'
import type { Projection } from './port.ts'
import { changesBetween } from './projection.ts'
import { counting, mayStill } from './standing.ts'
import { wordSpec } from './words.ts'

/**
 * Life of a command
 *
 * 1. `requested` is durable: who asked, for what, against which state, until when it may start.
 * 2. `nextOf` is asked again and again what to do next, by what the ledger says and the time. There is no other state, so
 *    going on after a crash is this same function.
 * 3. Before anything waits or starts, the facts are looked at once more: of a destructive command they have to be those that
 *    were shown. What has changed is told, and nothing is run.
 * 4. `started` is durable, and only then it is run, once, by the daemon that has written that entry. One that an earlier
 *    daemon had started is never run again: what it led to is looked up and stated.
 */
export type Next =
  /** `wait`: for people. `run`: `started` is durable. */
  'over' | 'expire' | 'wait' | 'look' | 'run'

/** What to do next about a command. Pure. */
export function nextOf(command: Command, nowMs: number): Next {
  if (ENDED.has(command.state)) return 'over'
  if (command.state === 'started') return 'run'
  if (nowMs >= command.expiresMs) return 'expire'
  return command.state === 'awaiting' ? 'wait' : 'look'
}

export type Verdict =
  | { readonly verdict: 'start' }
  | { readonly verdict: 'await' }
  | { readonly verdict: 'fail'; readonly code: string; readonly why: string; readonly changedTo: Projection | null }

/** What follows from a look at the facts, and at who may by now. Pure. */
export function verdictOf(command: Command, looked: Looked, people: PeopleSpec): Verdict {
  if (!mayStill(command.operator, command.verb, people)) {
    const why = `${command.operator}, who asked for it, may not any more`
    return { verdict: 'fail', code: 'command.denied', why, changedTo: null }
  }
  if ('refused' in looked) {
    const { code, message } = looked.refused
    return { verdict: 'fail', code, why: message, changedTo: null }
  }
  const { seen, verb } = command
  const { now } = looked
  if (seen === null && wordSpec(verb)?.destructive === true) {
    const why = 'how things stood could not be seen when it was asked for'
    return { verdict: 'fail', code: 'command.unseen', why, changedTo: now }
  }
  if (seen !== null && now !== null && now.hash !== seen.hash) {
    const what = changesBetween(seen, now).join('; ')
    const why = `not done, since the state has changed: ${what === '' ? 'it is another one' : what}`
    return { verdict: 'fail', code: 'command.changed', why, changedTo: now }
  }
  const { approvals, code } = missingOf(counting(command, people))
  return { verdict: approvals > 0 || code ? 'await' : 'start' }
}
