import type { Outside } from '../../core/heal/host.ts'
import { whyNotStarted } from './unit-evidence.ts'
import { isDown, isReloading, type UnitView } from './unit-view.ts'

/** What came of a start that systemd or somebody else asked for: its job says so, or a condition of the unit. */
export interface RefusedStart {
  /** A job of the unit is over that is none of ours. */
  jobRemoved(result: string): void
  /** With each picture: why nothing came of the start that was asked for last, in words; null: nobody asked, or it is open. */
  take(view: UnitView): string | null
  /** Afterwards, also of a picture that nothing was taken from. */
  seen(view: UnitView): void
}

/** Results of jobs that are never those of a stop. */
const REFUSED = ['dependency', 'assert', 'unsupported']

export function refusedStart(): RefusedStart {
  /** Of the job that was over last: told before the picture that shows none. */
  let last: { readonly result: string; readonly isReload: boolean } | null = null
  /** The last one before there was a job. */
  let runBefore: string | null = null
  /** The job under way is none of a start: it fails too where the program ends meanwhile. */
  let isReload = false
  return {
    jobRemoved(result) {
      last = { result, isReload }
    },
    take(view) {
      if (view.job !== 0 || last === null) return null
      const { result, isReload: wasReload } = last
      last = null
      if (!isDown(view)) return null
      if (REFUSED.includes(result)) return whyNotStarted(result)
      // Where a program fails at its stop, the unit keeps that result; but a start that is begun is another run.
      const isAsBefore = view.active === 'failed' && view.run === runBefore && !wasReload
      const isLimited = view.result === 'start-limit-hit' || isAsBefore
      return result === 'failed' && isLimited ? 'it was started too often (StartLimitBurst)' : null
    },
    seen(view) {
      if (view.job === 0) runBefore = view.run
      isReload = view.job !== 0 && (isReload || isReloading(view))
    },
  }
}

/** Tells it. `gaveUp`: systemd was to restart the unit, and has not. */
export function tellRefused(outside: Outside, gaveUp: boolean, view: UnitView, refused: string | null): void {
  const why = gaveUp ? whyNoRestart(view, refused) : null
  if (why !== null) outside.givesUp(why)
  else if (gaveUp) outside.stops()
  else if (refused !== null) outside.refused()
}

/** Why systemd has not started it again as it was to, in words; null: somebody had it stopped meanwhile. */
function whyNoRestart(view: UnitView, refused: string | null): string | null {
  // The unit keeps the result of its last run, also where a limit for starts was hit.
  if (view.active !== 'inactive') return `systemd has given up restarting it (${view.result}; see StartLimitBurst)`
  if (refused !== null) return refused
  const isForbidden = !view.isConditionMet && view.conditionMonoMs > view.activeExitMonoMs
  return isForbidden ? whyNotStarted('done') : null
}
