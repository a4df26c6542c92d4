import { pathOf, type SystemdBus } from './systemd-bus.ts'
import { awaitsRestart, isUp, NO_UNIT, type UnitView, viewWith } from './unit-view.ts'

/*
 * Where a unit falls that others are bound to (`BindsTo=`), systemd stops those with a job, as if somebody had asked for it.
 * What tells them apart is how the other unit does at that moment, or, where it runs again by then, when it fell: systemd lets
 * no unit outlive what it is bound to, so a fall in the time of a run is what has ended that.
 */

/** Why a unit that is bound to others is being stopped, and whether those are back. */
export interface Bound {
  /**
   * A stop of the run in `view` is to be told. True: why is being asked, and until `known` is called it is not to be told, nor
   * anything after it.
   */
  asks(view: UnitView): boolean
  isAsking(): boolean
  /** The picture as it is to be read: a run that was stopped because another unit fell has fallen too. */
  seen(view: UnitView): UnitView
  /** The unit that it fell with; null: it did not. */
  fellWith(): string | null
  /** Nothing that it fell with is still to come back by itself, or was stopped. */
  isFree(): Promise<boolean>
  /** The run in `view` fell, as the daemon before this one has recorded. */
  recall(view: UnitView): void
  /** It runs, or is to be started whatever the other unit does. */
  forget(): void
}

/**
 * How a unit that is looked after here does. `fallen`: it has ended unasked, is not left down, and does not run again; perhaps
 * its start is under way.
 */
export type SeatState = 'up' | 'fallen' | 'down'

export interface BoundTools {
  readonly bus: SystemdBus
  /** Null for a unit that is not looked after here; of others only that is asked. */
  readonly stateOf: (unit: string) => SeatState | null
  /** When it fell, monotonic: it may have fallen again before the stop of what is bound to it is told. */
  readonly fallsMonoMs: (unit: string) => readonly number[]
}

interface Asked {
  readonly run: string
  /** Whether such a moment, monotonic, lies in that run. */
  readonly isIn: (monoMs: number) => boolean
  isAsking: boolean
  fellWith: string | null
}

/** `known`: it is known now why. */
export function boundUnit({ bus, stateOf, fallsMonoMs }: BoundTools, known: () => void): Bound {
  let asked: Asked | null = null
  let boundTo: readonly string[] = []

  function fallen({ isIn }: Asked): string | null {
    const hasFallen = (unit: string) => stateOf(unit) === 'fallen' || fallsMonoMs(unit).some(isIn)
    return boundTo.find(hasFallen) ?? null
  }
  const notSeated = () => boundTo.filter(unit => stateOf(unit) === null)

  async function viewOf(unit: string): Promise<UnitView> {
    let view = NO_UNIT
    await bus.properties(pathOf(unit), properties => {
      view = viewWith(view, properties)
    })
    return view
  }

  async function ask(of: Asked): Promise<void> {
    // By the time of the answer it may have been stopped.
    of.fellWith = fallen(of)
    const others = notSeated()
    try {
      const views = await Promise.all(others.map(viewOf))
      of.fellWith ??= fallen(of) ?? others.find((_, at) => hasFallen(views[at] ?? NO_UNIT, of)) ?? null
    } catch {
      // Nobody can tell, so it is what systemd calls it.
    }
    of.isAsking = false
    known()
  }

  return {
    asks(view) {
      if (view.boundTo.length === 0 || asked?.run === view.run) return false
      boundTo = view.boundTo
      const { run, activeMonoMs, activeExitMonoMs } = view
      const isIn = (monoMs: number) => monoMs > activeMonoMs && monoMs <= activeExitMonoMs
      asked = { run, isIn, isAsking: true, fellWith: null }
      void ask(asked)
      return true
    },
    isAsking: () => asked?.isAsking === true,
    seen: view =>
      asked !== null && asked.fellWith !== null && asked.run === view.run
        ? { ...view, result: 'dependency', job: 0 }
        : view,
    fellWith: () => asked?.fellWith ?? null,
    recall({ run, boundTo: units }) {
      boundTo = units
      const fellWith = units.find(unit => stateOf(unit) !== 'up') ?? units[0] ?? null
      asked = { run, isIn: () => false, isAsking: false, fellWith }
    },
    async isFree() {
      if (asked === null || asked.fellWith === null) return true
      if (boundTo.some(unit => ['fallen', 'down'].includes(stateOf(unit) ?? ''))) return false
      try {
        return !(await Promise.all(notSeated().map(viewOf))).some(isMissed)
      } catch {
        return false
      }
    },
    forget() {
      if (asked?.isAsking !== true) asked = null
    },
  }
}

/** systemd is to start it again, or somebody who has stopped it: a start of what is bound to it would do so before. */
function isMissed(view: UnitView): boolean {
  return awaitsRestart(view) || (view.load === 'loaded' && view.active === 'inactive' && view.job === 0)
}

/** It has ended by itself; one that was stopped has a job, or nothing against it. */
function hasFallen(view: UnitView, { isIn }: Asked): boolean {
  if (awaitsRestart(view)) return true
  // systemd counts restarts of its own from 0 on wherever somebody else starts it.
  if (isUp(view)) return view.restarts > 0 && isIn(view.activeExitMonoMs)
  return view.job === 0 && (view.active === 'failed' || view.active === 'deactivating')
}
