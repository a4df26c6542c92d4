import type { ServiceSpec } from '../config/spec.ts'
import type { Facts } from './facts.ts'
import type { Outage } from './outage.ts'
import type { Ran } from './ran.ts'
import type { Event } from './state.ts'

/** A service as the switch of its target sees it: put on another generation, and watched. */
export interface Patient {
  readonly name: string
  spec(): ServiceSpec
  health(): Health
  /** The generation that it was started with; null: that can't be told. */
  ran(): Ran | null
  /** The pointer of its target was put anew after `sinceMs` (monotonic): what it read, if it was not ready before, can't be told. */
  doubt(sinceMs: number): void
  /**
   * Starts it anew with the generation that its target points at now, unless it is stopped. `how`: what its recovery is owed
   * to. `isActivated`: the activation has restarted what it has to of units; one that runs is only looked at anew.
   */
  renew(how: string | null, isActivated?: boolean): void
  /** The same, also when it asked to be left down: that was another generation's wish. */
  revive(how: string, isActivated?: boolean): void
  /** Calls `look` after each of its events; the answer ends that. */
  heed(look: () => void): () => void
  /** What entries of its trouble carry as `inc`. */
  inc(): ReturnType<Outage['inc']>
  /** Its incident got worse: people have to look. */
  escalate(cause: string, step: string): void
}

interface PatientTools {
  readonly feed: (event: Event) => void
  readonly outage: Outage
  readonly later: (write: () => void) => void
  readonly waiters: Set<() => void>
}

export function patientOf(facts: Facts, { feed, outage, later, waiters }: PatientTools): Patient {
  function begin(how: string | null, event: Event, isActivated: boolean): void {
    const isKept = isActivated && facts.spec.unit !== undefined
    Object.assign(facts, {
      how,
      unwell: null,
      hasFailed: false,
      refusal: null,
      by: 'heald',
      isKept,
    } satisfies Partial<Facts>)
    feed(event)
    facts.isKept = false
  }
  return {
    name: facts.name,
    spec: () => facts.spec,
    health: () => healthOf(facts),
    ran: () => facts.ran,
    doubt(sinceMs) {
      const { pid, isUp, readySinceMs } = facts
      if (pid !== null && (!isUp || readySinceMs >= sinceMs)) facts.ran = null
    },
    renew: (how, isActivated = false) => begin(how, 'renewed', isActivated),
    revive: (how, isActivated = false) => begin(how, isLeftDown(facts) ? 'wanted' : 'renewed', isActivated),
    heed(look) {
      waiters.add(look)
      return () => void waiters.delete(look)
    },
    inc: outage.inc,
    escalate: (cause, step) => later(() => outage.escalate(cause, step)),
  }
}

/** How a service does with the generation it was renewed with. */
export interface Health {
  /** `open`: it may still get ready; `stopped`: an operator wanted that, so it says nothing; `down`: it asked for that itself. */
  readonly state: 'ready' | 'failed' | 'open' | 'stopped' | 'down'
  /** It has failed since it was last stable, or fails its readiness check. */
  readonly isTroubled: boolean
  /** What it failed of last with the generation it runs, since it was renewed, in words; null: it has not. */
  readonly failed: string | null
  /** Why the host did not start it anew, so that what ran before goes on, in words; null: it did, or was not asked to. */
  readonly refusal: string | null
  /** Monotonic: since when it is ready without a break; says something only while it is ready. */
  readonly readySinceMs: number
  /** Checks that passed in a row since its start. */
  readonly passes: number
  /** The last check broke itself, which says nothing about the service. */
  readonly isInconclusive: boolean
  /** In words; '' when there is nothing to say. */
  readonly why: string
}

function healthOf(facts: Facts): Health {
  const { phase, passes, report, why, lastTrouble, attempt, hasFailed, refusal, readySinceMs } = facts
  const of = (state: Health['state'], words: string): Health => ({
    ...{ state, passes, why: words, readySinceMs, refusal },
    failed: hasFailed ? lastTrouble : null,
    isTroubled: attempt > 0 || phase === 'unhealthy',
    isInconclusive: report?.verdict?.verdict === 'inconclusive',
  })
  switch (phase) {
    case 'stopped':
    case 'stopping':
      return of('stopped', why ?? '')
    case 'loopRunning':
    case 'loopClearing':
    case 'loopBackoff':
      return of('failed', `crash loop: ${lastTrouble}`)
    case 'holding':
    case 'held':
      return of(isLeftDown(facts) ? 'down' : 'open', why ?? lastTrouble)
    default:
      if (facts.unwell !== null) return of('failed', facts.unwell)
      return phase === 'ready' && facts.isUp ? of('ready', '') : of('open', lastTrouble || 'it is not ready yet')
  }
}

function isLeftDown({ phase, waiting }: Facts): boolean {
  return (phase === 'held' || phase === 'holding') && !waiting
}
