import { cantLoad, isAsked, restsBecause, type Told } from './unit-news.ts'
import { isBetween, isDown, isUp, type UnitView } from './unit-view.ts'

/** How a unit is found when heald comes for it: what its first pictures say, until one is no middle of a start or stop. */
export interface UnitFound {
  /** Resolves with the first picture. */
  readonly pictured: Promise<void>
  /** The end of the run with this main process is recorded: a fall with what it is bound to, or another one. */
  recorded(pid: number | null, fell: boolean): void
  /** What `view` shows the rest of fell so. */
  fell(view: UnitView): boolean
  /** From now on whatever comes is news. */
  late(): void
  isLate(): boolean
  /** What counts as told once the unit is seen so; null: only the next picture says what becomes of it. */
  take(view: UnitView): Told | null
  /** Why it is left as it is, in words; null: it runs, or has failed. */
  why(view: UnitView): string | null
  /** As `Seat.rests`, by `view`. `isTaken`: `take` has answered. */
  rests(view: UnitView, isTaken: boolean): { why: string; isKnown: boolean; isIdle: boolean } | null
  /** It runs, whatever was before. */
  runs(): void
}

export function unitFound(unit: string): UnitFound {
  const { promise: pictured, resolve: tellPictured } = Promise.withResolvers<void>()
  let isLate = false
  let recordedPid: number | null = null
  let isFall = false
  /** It was being stopped when it was seated. */
  let wasStopping = false

  const self: UnitFound = {
    pictured,
    recorded(pid, fell) {
      recordedPid = pid
      isFall = fell
    },
    // systemd may have forgotten the run.
    fell: view => isFall && !isUp(view) && (view.lastPid === recordedPid || view.lastPid === 0),
    late() {
      isLate = true
    },
    isLate: () => isLate,
    take(view) {
      tellPictured()
      const isOver = view.active === 'deactivating' || (isDown(view) && view.job === 0)
      const isRecorded = isOver && view.lastPid > 0 && view.lastPid === recordedPid
      // Whether somebody stopped it or it fails again and again, the next picture says.
      if (isBetween(view) && !isRecorded) {
        isLate = true
        wasStopping ||= isAsked(view)
        return null
      }
      const isNews = isLate && !isRecorded && (isUp(view) || self.why(view) === null)
      const lastRun = isNews || isUp(view) ? '' : view.run
      return { run: null, lastRun, restarts: view.restarts, stops: false }
    },
    why: view => restsBecause(view, unit) ?? (wasStopping ? 'it was being stopped when heald came' : null),
    rests(view, isTaken) {
      if (!isTaken) {
        const is = isBetween(view) ? 'is in the middle of a start or stop of it' : 'does not answer yet'
        return { why: `systemd ${is}`, isKnown: false, isIdle: false }
      }
      const why = self.why(view)
      return why === null ? null : { why, isKnown: true, isIdle: !wasStopping && cantLoad(view, unit) === null }
    },
    runs() {
      wasStopping = false
      isFall = false
    },
  }
  return self
}
