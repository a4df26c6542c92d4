import type { Clock } from '../clock.ts'

/** The wall clock may be set, and the machine may sleep: no wait is longer, so that it is looked at again. */
const LOOK_MS = 60_000

/** One timer on the wall clock. */
export interface Alarm {
  /**
   * Rings at `wallMs`, at once when that is past, and earlier each minute: whoever is rung looks what is due, and sets it
   * again. A later call takes the place of this one. Null: never.
   */
  set(wallMs: number | null): void
}

export function alarm(clock: Clock, ring: () => void): Alarm {
  let cancel = () => {}
  return {
    set(wallMs) {
      cancel()
      if (wallMs === null) cancel = () => {}
      else cancel = clock.after(Math.max(0, Math.min(LOOK_MS, wallMs - clock.wallMs())), ring)
    },
  }
}

/** The earliest of some times; null when there is none. */
export function soonestOf(times: Iterable<number | null>): number | null {
  let soonest: number | null = null
  for (const time of times) if (time !== null && (soonest === null || time < soonest)) soonest = time
  return soonest
}
