/** When something was, by both clocks: the wall clock jumps, the monotonic one ends with the boot. */
export interface Moment {
  readonly wallMs: number
  readonly monoMs: number
  /** First 8 hex of the kernel's boot id. */
  readonly boot: string
}

/**
 * How long ago `at` was. Within one boot no change of the wall clock has a say. Of an earlier boot only the wall clock
 * knows, and one that was set back says too little: it was no later than the beginning of this boot.
 */
export function ageMs(at: Moment, now: Moment): number {
  if (at.boot === now.boot) return now.monoMs - at.monoMs
  return Math.max(now.monoMs, now.wallMs - at.wallMs)
}
