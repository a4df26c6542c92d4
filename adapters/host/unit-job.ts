import type { SystemdBus } from './systemd-bus.ts'
import type { UnitView } from './unit-view.ts'

/**
 * The job that comes to a unit while systemd ends the rest of its run. Only a stop is a wish: a start or a restart waits until
 * that is gone, and looks the same until it is asked for its type.
 */
export interface RestJob {
  /** The picture as it is to be read: a job counts once it is known to be a stop. */
  seen(view: UnitView): UnitView
}

/** `known`: a job turned out to be a stop. */
export function restJob(bus: SystemdBus, known: () => void): RestJob {
  /** The last job that was asked for; 0: none, or nobody could tell. */
  let asked = 0
  let isStop = false

  async function ask(job: number): Promise<void> {
    asked = job
    isStop = false
    const type = await bus.property(`/org/freedesktop/systemd1/job/${job}`, 'Job', 'JobType').catch(() => null)
    if (asked !== job) return
    if (type === null) asked = 0
    isStop = type === 'stop'
    if (isStop) known()
  }

  return {
    seen(view) {
      if (view.active !== 'deactivating' || view.job === 0) return view
      if (view.job !== asked) void ask(view.job)
      return isStop ? view : { ...view, job: 0 }
    },
  }
}
