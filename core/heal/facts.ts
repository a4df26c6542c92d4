import type { ServiceSpec } from '../config/spec.ts'
import type { Evidence } from './diagnosis.ts'
import type { Adopted, End } from './host.ts'
import { ranOf, type ServiceMemory } from './memory.ts'
import type { Report } from './probe/schedule.ts'
import type { Ran } from './ran.ts'
import type { Phase } from './state.ts'

/** Why heald itself ended an instance, as the diagnosis wants to know it. */
export type Killed = Pick<Evidence, 'killedBy' | 'hang' | 'startup' | 'stop' | 'away'>

/** What is known of one service right now: shared by the loop (`service.ts`), its acts and its records. */
export interface Facts {
  readonly name: string
  spec: ServiceSpec
  phase: Phase
  /** The phase before the event at hand. */
  from: Phase
  /** Wall clock: since when people see this state. */
  sinceMs: number
  /** Why it is held, looping or stopped, in words. */
  why: string | null
  /** Held because services it depends on are not ready. */
  waiting: boolean
  /** Their names. */
  waitsFor: readonly string[]
  /** Null while no instance runs. */
  pid: number | null
  /** The instance was started by a standby. */
  standby: boolean
  /** The instance was found running; null when it is our child. */
  adopted: Adopted | null
  /** Monotonic. */
  startedMs: number
  /** The instance has passed its startup check. */
  isUp: boolean
  /** Restarts after failures, ever. */
  restarts: number
  /** Failures since the service was last stable. */
  attempt: number
  /** Times that it fell with what it is bound to since it was last stable: they make restarts slower, and count as nothing else. */
  falls: number
  /** The end at hand was such a fall. */
  hasFallen: boolean
  /** It has failed with the generation it runs, since it was renewed. */
  hasFailed: boolean
  /** Monotonic: since when it is ready without a break; says something only while it is ready. */
  readySinceMs: number
  /** Delay of the restart that is scheduled. */
  delayMs: number
  /** That restart is the host's own doing. */
  restartsItself: boolean
  /** Its restart is one in name only: what runs goes on, and is looked at anew. */
  isKept: boolean
  /** Why the instance that ended is to be left down, in words; null: it is not. */
  leftDown: string | null
  /** Its stop is recorded already, though what is left of it is still being ended. */
  isStopTold: boolean
  /** Why the host did not carry out the stop that was asked for last, in words; null: it did, or was not asked. */
  refusal: string | null
  /** Who asked for the stop or restart under way. */
  by: string
  /** All services are being stopped: that says nothing about what is wanted of this one. */
  goingDown: boolean
  killed: Killed
  /** What went wrong last, in words. */
  lastTrouble: string
  /** Host or ledger could not say yet what became of it, and of the instance of before, if one ran; null: that is known. */
  unclear: { readonly ranBefore: number | null } | null
  /** News of an end that is not recorded yet. */
  end: End | null
  /** The last verdict of any probe of this instance. */
  report: Report | null
  /** The last verdict of its liveness probe. */
  liveness: Report | null
  /** Checks of this instance that passed in a row. */
  passes: number
  /**
   * The generation of its target that the instance was started with; null: it has none, or that can't be told. Another
   * target may name its generations alike, so it is null from a change of the target on.
   */
  ran: Ran | null
  /** Since it was renewed or stable: that it hung or did not get ready in time, in words. */
  unwell: string | null
  /** What its recovery is owed to, in words, where it was not its restart alone. */
  how: string | null
}

/** It runs and is well, by its checks. */
export function isReady({ isUp, phase }: Facts): boolean {
  return isUp && (phase === 'ready' || phase === 'loopRunning')
}

/** What a service begins with: what the ledger remembers of it. */
export function recalled(
  memory: ServiceMemory | null,
): Pick<Facts, 'phase' | 'from' | 'why' | 'waiting' | 'waitsFor' | 'restarts'> {
  const phase = memory?.stayDown === true ? 'held' : 'stopped'
  const why = memory?.wanted === false ? memory.why : null
  return { phase, from: phase, why, waiting: false, waitsFor: [], restarts: memory?.restarts ?? 0 }
}

export function newFacts(spec: ServiceSpec, memory: ServiceMemory | null, nowMs: number): Facts {
  return {
    ...recalled(memory),
    name: spec.name,
    spec,
    sinceMs: nowMs,
    pid: null,
    standby: false,
    adopted: null,
    startedMs: 0,
    isUp: false,
    attempt: 0,
    falls: 0,
    hasFallen: false,
    hasFailed: false,
    readySinceMs: 0,
    delayMs: 0,
    restartsItself: false,
    leftDown: null,
    isKept: false,
    isStopTold: false,
    refusal: null,
    by: 'heald',
    goingDown: false,
    killed: {},
    lastTrouble: '',
    unclear: null,
    end: null,
    report: null,
    liveness: null,
    passes: 0,
    ran: memory === null ? null : ranOf(memory),
    unwell: null,
    how: null,
  }
}
