import type { Clock } from '../clock.ts'

/** The wall clock may be set, and the machine may sleep: no wait is longer before it is looked at again. */
const LOOK_MS = 60_000

/** One timer on the wall clock. */
export interface Alarm {
  /** Rings once `wallMs` is reached, at once when it is past; a later call takes the place of this one. Null: never. */
  set(wallMs: number | null): void
}

export function alarm(clock: Clock, ring: () => void): Alarm {
  let cancel = () => {}
  function set(wallMs: number | null): void {
    cancel()
    cancel = () => {}
    if (wallMs === null) return
    const waitMs = Math.max(0, Math.min(LOOK_MS, wallMs - clock.wallMs()))
    cancel = clock.after(waitMs, () => {
      if (clock.wallMs() >= wallMs) ring()
      else set(wallMs)
    })
  }
  return { set }
}
