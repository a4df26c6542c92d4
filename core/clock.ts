import { readFileSync } from 'node:fs'

/** Time as a parameter, so that decisions can be tested without waiting. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  wallMs(): number
  /** Monotonic clock, milliseconds with a fraction. Never goes back; stands still while the machine is suspended. */
  monoMs(): number
  /** Calls `run` once after `delayMs`; the answer cancels it. */
  after(delayMs: number, run: () => void): () => void
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monoMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

/** Milliseconds to the microsecond: more digits say nothing. */
export function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

/** The kernel's id of this boot, or a constant where there is none: monotonic times compare only within one boot. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return '00000000-0000-0000-0000-000000000000'
  }
}
