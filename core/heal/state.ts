import type { ServiceState } from '../api/control.ts'
import { TRANSITIONS } from './transitions.ts'

/*
 * Life of a service, as decisions only (the supervisor performs them):
 *
 * 1. `wanted` starts it; `launched` says a process runs; `readyPassed` says it answers.
 * 2. Trouble is an end (`ended`), a hang (`hung`), or a start that never got ready (`startupFailed`). Each leads to
 *    `clearing`: the old tree must be gone before anything new starts.
 * 3. `treeEmpty` schedules the restart, `backoffOver` starts it. With no delay all of this happens in one turn.
 * 4. Too many failures (`loopDetected`): the same round under the `loop…` phases, slower, until `stable`.
 * 5. `stopAsked` ends in `stopped`, `endedStayDown` and `held` in `held`. Nothing else ends without something pending.
 *
 * Rules for whoever feeds events in:
 * - one at a time, from a queue: performing an action may queue further events but never steps re-entrantly;
 * - events of an instance that is not the current one (an old pid, an old probe, an old timer) are not fed in;
 * - `record…` actions may be put off to the end of the turn, in order, so that a replacement starts before evidence is read;
 * - `treeEmpty` comes after the instance's own end was reported, once nothing is left of its tree.
 */

/** Where a service is. Finer than what is shown to people: a restart may only start once the old tree is gone. */
export type Phase =
  | 'stopped'
  | 'starting'
  | 'ready'
  /** Runs, but fails its readiness check: not restarted. */
  | 'unhealthy'
  /** The instance ended or is being killed; a restart follows once its tree is empty. */
  | 'clearing'
  /** The tree is empty; the delay before the restart runs. */
  | 'backoff'
  /** In a crash loop, and an instance runs that is not yet stable. */
  | 'loopRunning'
  | 'loopClearing'
  | 'loopBackoff'
  /** Being stopped for good. */
  | 'stopping'
  /** Being stopped, to be started again at once. */
  | 'restarting'
  /** Being stopped, then left down until somebody asks. */
  | 'holding'
  | 'held'

export type Event =
  /** Somebody, or the configuration, wants it to run. After `stopAsked`: a restart. */
  | 'wanted'
  /** An instance runs: ours, or one found running from before (adopted). */
  | 'launched'
  /** The startup check passed for the first time, or there is none. */
  | 'readyPassed'
  | 'readinessFailed'
  | 'readinessPassed'
  /** The liveness check failed often enough, and the check itself is not suspected. */
  | 'hung'
  /** Not ready within its startup time. */
  | 'startupFailed'
  /** The main process ended, for whatever reason. */
  | 'ended'
  /** It ended with exit code 125: "leave me down". */
  | 'endedStayDown'
  /** The delay before the restart is over. */
  | 'backoffOver'
  | 'stopAsked'
  /** What it runs was replaced by another generation: whatever was counted is forgotten, and a new instance started. */
  | 'renewed'
  /** Its end was reported and nothing is left of its tree. */
  | 'treeEmpty'
  | 'loopDetected'
  /** Ready without a break for `restart.resetAfterMs`. */
  | 'stable'
  /** It is to be left down until `released` or `wanted`. */
  | 'held'
  | 'released'
  /** The host does not carry out the stop under way: the instance goes on. */
  | 'goesOn'

export type Action =
  /** Start an instance; then feed `launched`. */
  | 'start'
  /** The stop signal, the grace period, then kill the tree; then feed `treeEmpty`. */
  | 'stopTree'
  /** Tell a host that restarts it by itself not to; the tree is being seen to already. */
  | 'forbidRestart'
  /** Nothing comes of the stop: no grace period ends, and what it killed for is forgotten. */
  | 'callOff'
  /** Kill the whole tree (nothing to do when it is empty), trying again until it is gone; then feed `treeEmpty`. */
  | 'killTree'
  /** Start the timer of the next attempt, replacing one that runs; then feed `backoffOver`. */
  | 'scheduleRestart'
  | 'cancelRestart'
  /** Start the instance's probes. */
  | 'watch'
  /** Stop the instance's probes and its stability timer. */
  | 'unwatch'
  /** Start the timer that feeds `stable`. */
  | 'awaitStable'
  | 'cancelStable'
  /** Count one failure (crashloop.ts), unless it was another unit's; feed `loopDetected` if it is one too many. */
  | 'countFailure'
  /** Forget attempts and failures. */
  | 'resetCounts'
  /** `service.started`, or `service.adopted` for an instance found running. */
  | 'recordStarted'
  /** `service.ready`, and `service.recovered` when it had been down. */
  | 'recordReady'
  | 'recordUnhealthy'
  /** The readiness check passes again. */
  | 'recordHealthy'
  | 'recordHung'
  | 'recordStartupFailed'
  | 'recordExit'
  | 'recordRestarting'
  | 'recordStopped'
  | 'recordHeld'
  | 'recordLoop'

export interface Step {
  readonly to: Phase
  /** In this order. */
  readonly actions: readonly Action[]
}

/** Answers one event: the next phase and what to do. An event that means nothing there changes nothing. */
export function step(phase: Phase, event: Event): Step {
  const found = TRANSITIONS[phase][event]
  return found === 'ignored' ? { to: phase, actions: [] } : found
}

/** What people and scripts see of a phase (`state` in the status). */
export const SHOWN = {
  stopped: 'stopped',
  starting: 'starting',
  ready: 'ready',
  unhealthy: 'unhealthy',
  clearing: 'backoff',
  backoff: 'backoff',
  loopRunning: 'looping',
  loopClearing: 'looping',
  loopBackoff: 'looping',
  stopping: 'stopping',
  restarting: 'stopping',
  holding: 'held',
  held: 'held',
} as const satisfies Record<Phase, ServiceState>
