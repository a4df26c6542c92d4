import { pathOf, type SystemdBus } from './systemd-bus.ts'
import { awaitsRestart, isUp, NO_UNIT, type UnitView, viewWith } from './unit-view.ts'

/*
 * Where a unit falls that others are bound to (`BindsTo=`), systemd stops those with a job, as if somebody had asked for it.
 * What tells them apart is how the other unit does at that moment.
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
  /** Nothing that it fell with is missing. */
  isFree(): Promise<boolean>
  /** It runs. */
  runs(): void
}

/**
 * `isFallen`: a unit that is looked after here has ended unasked, and does not run again; perhaps its start is under way.
 * `known` is called once it is known why.
 */
export function boundUnit(bus: SystemdBus, isFallen: (unit: string) => boolean, known: () => void): Bound {
  let asked: { readonly run: string; isAsking: boolean; fellWith: string | null } | null = null
  let boundTo: readonly string[] = []

  async function viewOf(unit: string): Promise<UnitView> {
    let view = NO_UNIT
    await bus.properties(pathOf(unit), properties => {
      view = viewWith(view, properties)
    })
    return view
  }

  async function ask(of: { isAsking: boolean; fellWith: string | null }): Promise<void> {
    // By the time of the answer it may run again.
    of.fellWith = boundTo.find(isFallen) ?? null
    try {
      const views = await Promise.all(boundTo.map(viewOf))
      of.fellWith ??= boundTo.find((unit, at) => isFallen(unit) || hasFallen(views[at] ?? NO_UNIT)) ?? null
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
      asked = { run: view.run, isAsking: true, fellWith: null }
      void ask(asked)
      return true
    },
    isAsking: () => asked?.isAsking === true,
    seen: view =>
      asked !== null && asked.fellWith !== null && asked.run === view.run
        ? { ...view, result: 'dependency', job: 0 }
        : view,
    fellWith: () => asked?.fellWith ?? null,
    async isFree() {
      if (asked === null || asked.fellWith === null) return true
      try {
        return (await Promise.all(boundTo.map(viewOf))).every(isUp)
      } catch {
        return false
      }
    },
    runs() {
      asked = null
    },
  }
}

/** It has ended by itself; one that was stopped has a job, or nothing against it. */
function hasFallen(view: UnitView): boolean {
  if (awaitsRestart(view)) return true
  return view.job === 0 && (view.active === 'failed' || view.active === 'deactivating')
}
