import { awaitsRestart, ELSEWHERE, isDown, isUp, type UnitView } from './unit-view.ts'

/*
 * What happened to a unit, told from two pictures of it. Pure. systemd may show several changes as one, so that an end can
 * lie between two pictures that both show it running: then the name of the run differs, and systemd's count of its own
 * restarts says how many ends there were.
 *
 * A unit's life as systemd shows it (252):
 *   killed         failed → activating (auto-restart) → [inactive with a process] → active
 *   stopped        job, deactivating → inactive
 *   hit its limit  failed with result start-limit-hit
 *   leaves a rest  deactivating (a result, or no main process, and no job) → failed → …
 */

/** What has been told of a unit so far. */
export interface Told {
  /** The run that is known to be running; null: none is. */
  readonly run: string | null
  /** The run that was told last, whether it still runs or not. */
  readonly lastRun: string
  /** systemd's count at the time of that run; null: it is not to be trusted until the next one. */
  readonly restarts: number | null
  /** A stop that was asked for is under way. */
  readonly stops: boolean
}

export type News =
  | { readonly kind: 'runs' }
  /** Somebody asked systemd to stop it. */
  | { readonly kind: 'stops' }
  /** `view`: how it ended; null: that was overwritten by a later run. */
  | { readonly kind: 'ended'; readonly view: UnitView | null }

/** Of waitid(2), as systemd passes it on. */
const EXITED = 1
/** With it any service asks to be left down. */
const STAY_DOWN = 125
/** Runs that came and went between two pictures; more than this are no longer told one by one. */
const MOST_MISSED = 100

/** What is new in `view`, in order, and what has been told once it is passed on. */
export function newsOf(told: Told, view: UnitView): { readonly news: readonly News[]; readonly told: Told } {
  const news: News[] = []
  const restarts = restartsAt(view)
  const isSame = view.run === told.lastRun
  const isNew = !isSame && view.run !== ''
  if (told.run !== null && isNew) news.push({ kind: 'ended', view: null })
  // In the middle of a start systemd calls it inactive for an instant, with its new run and a job.
  const isBegun = isNew && view.active === 'inactive' && view.job !== 0
  if (isNew && !isBegun && (isUp(view) || isDown(view))) {
    const missed = Math.min(MOST_MISSED, Math.max(0, restarts - (told.restarts ?? restarts) - 1))
    for (let n = 0; n < missed; n += 1) news.push({ kind: 'runs' }, { kind: 'ended', view: null })
  }
  const ran = told.run !== null && isSame
  const seen = { lastRun: view.run, restarts }
  if (isUp(view)) {
    if (!ran) news.push({ kind: 'runs' })
    return { news, told: { ...seen, run: view.run, stops: false } }
  }
  if (isDown(view) && !isBegun) {
    if (isNew) news.push({ kind: 'runs' })
    if (told.run !== null && view.run === '') {
      // systemd forgets a unit that is at rest: it was stopped, or ended as well as if it had been.
      if (!told.stops && view.active === 'inactive') news.push({ kind: 'stops' })
      return { news: [...news, { kind: 'ended', view: null }], told: { ...told, run: null, stops: false } }
    }
    if (!isNew && !ran) return { news, told: { ...told, run: null, stops: false } }
    if (!told.stops && wasAsked(view)) news.push({ kind: 'stops' })
    news.push({ kind: 'ended', view })
    // The count of a run that was told stays as it was when it ran.
    const counted = isNew ? seen : { lastRun: view.run, restarts: told.restarts }
    return { news, told: { ...counted, run: null, stops: false } }
  }
  // Between two states: in a start, or in an end.
  if (isNew) return { news, told: { ...told, run: null, stops: false } }
  if (ran && !told.stops && isAsked(view)) {
    news.push({ kind: 'stops' })
    return { news, told: { ...told, stops: true } }
  }
  // Its end was told: what is left of it is being ended, and now somebody has asked for that.
  if (told.run === null && isSame && !told.stops && view.active === 'deactivating' && view.job !== 0) {
    news.push({ kind: 'stops' })
    return { news, told: { ...told, stops: true } }
  }
  if (ran && !told.stops && isFalling(view)) {
    news.push({ kind: 'ended', view })
    return { news, told: { ...told, run: null } }
  }
  return { news, told }
}

/** A stop that was asked for comes with a job, and begins while nothing of the unit has failed. */
export function isAsked({ active, result, job }: UnitView): boolean {
  return active === 'deactivating' && result === 'success' && job !== 0
}

/** It has failed or its main process has ended, unasked, and systemd ends the rest: that may take as long as a stop may. */
function isFalling({ active, result, job, mainPid, exitKind }: UnitView): boolean {
  return active === 'deactivating' && job === 0 && (result !== 'success' || (mainPid === 0 && exitKind !== 0))
}

function wasAsked(view: UnitView): boolean {
  return view.result === 'success' && view.job !== 0 && !awaitsRestart(view)
}

/** systemd counts a restart when it queues it; here it belongs to the run that it makes. */
function restartsAt(view: UnitView): number {
  const isQueued = awaitsRestart(view) && (view.job !== 0 || view.sub === 'auto-restart-queued')
  return view.restarts - (isQueued ? 1 : 0)
}

/** Nobody knows yet whether systemd restarts it: `failed` is a passing state for a unit that it restarts. */
export function mayRestart(view: UnitView): boolean {
  return (
    (view.policy !== 'no' || isForced(view)) &&
    !awaitsRestart(view) &&
    view.result !== 'start-limit-hit' &&
    view.job === 0
  )
}

/** Why a unit that has ended by itself is to be left down, in words; null: it is to be restarted. */
export function leftDown(view: UnitView): { readonly why: string; readonly isTrouble: boolean } | null {
  if (view.load === 'masked') return { why: 'its unit is masked, so it can’t be started', isTrouble: true }
  if (awaitsRestart(view)) return null
  const { exitKind, exitStatus } = view
  const isExit = exitKind === EXITED
  const end = isExit ? `it exited with code ${exitStatus}` : `signal ${exitStatus} ended it`
  if (isPrevented(view))
    return { why: `${end}, and RestartPreventExitStatus= leaves it down then`, isTrouble: view.result !== 'success' }
  if (!isDown(view) && willRestart(view)) return null
  if (isExit && exitStatus === STAY_DOWN) return { why: `${end}, which asks to be left down`, isTrouble: false }
  if (view.result !== 'success' || !isExit) return null
  if (view.type === 'oneshot') return { why: `${end}: it is done (Type=oneshot)`, isTrouble: false }
  const [trigger] = view.triggeredBy
  if (trigger !== undefined)
    return {
      why: `${end}: it is done until it is started again, as ${trigger} does while that is active`,
      isTrouble: false,
    }
  return view.policy.startsWith('on-')
    ? { why: `${end}, and Restart=${view.policy} leaves it down then`, isTrouble: false }
    : null
}

/** Whether `Restart=` speaks of such an end; what systemd does then shows only once nothing of the unit is left. */
function willRestart(view: UnitView): boolean {
  const { policy, result } = view
  if (isForced(view)) return true
  if (policy === 'on-success') return result === 'success'
  if (policy === 'on-failure') return result !== 'success'
  if (policy === 'on-abnormal') return result !== 'success' && result !== 'exit-code'
  if (policy === 'on-abort') return result === 'signal' || result === 'core-dump'
  return policy === 'always' || (policy === 'on-watchdog' && result === 'watchdog')
}

function isPrevented(view: UnitView): boolean {
  return endedWith(view, view.preventedCodes, view.preventedSignals)
}

function isForced(view: UnitView): boolean {
  return endedWith(view, view.forcedCodes, view.forcedSignals)
}

function endedWith({ exitKind, exitStatus }: UnitView, codes: readonly number[], signals: readonly number[]): boolean {
  return exitKind !== 0 && (exitKind === EXITED ? codes : signals).includes(exitStatus)
}

/** Why systemd would not start or restart it, in words; null: nothing is known against that. */
export function cantLoad({ load }: UnitView, unit: string): string | null {
  if (load === 'loaded') return null
  if (load === ELSEWHERE.LoadState) return `another service has the unit ${unit} by another name`
  if (load === 'not-found') return `systemd has no unit ${unit}`
  return load === 'masked' ? `the unit ${unit} is masked` : `systemd can’t load the unit ${unit} (${load})`
}

/** Why systemd would not restart it, in words; null: nothing is known against that. */
export function refusesRestart(view: UnitView, unit: string): string | null {
  const why = cantLoad(view, unit)
  // Of one that it can't load, systemd says that as well.
  if (why === null && !view.canStart) return `${unit} has RefuseManualStart=`
  return why ?? refusesStop(view, unit)
}

/** Why systemd would not stop it, in words; null: nothing is known against that, or it is down. */
export function refusesStop(view: UnitView, unit: string): string | null {
  return view.canStop || (isDown(view) && !awaitsRestart(view)) ? null : `${unit} has RefuseManualStop=`
}

/** Why a unit that does not run is not to be started by heald's own coming, in words; null: it has failed. */
export function restsBecause(view: UnitView, unit: string): string | null {
  // Also where its last run has failed: it was stopped before systemd had started it again.
  const isStopped = view.active === 'inactive'
  return cantLoad(view, unit) ?? (isStopped ? 'not started, as systemd says: its unit is inactive' : null)
}
