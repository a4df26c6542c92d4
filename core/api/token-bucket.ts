import type { Clock } from '../clock.ts'

/**
 * Lets `perS` a second through, and `burst` at once after a rest.
 * @returns a function that takes one, and answers 0, or how many ms it would have to wait
 */
export function tokenBucket(clock: Clock, { perS, burst }: { perS: number; burst: number }): () => number {
  let tokens = burst
  let lastMs = clock.monoMs()
  return () => {
    const nowMs = clock.monoMs()
    tokens = Math.min(burst, tokens + ((nowMs - lastMs) / 1000) * perS)
    lastMs = nowMs
    if (tokens < 1) return Math.ceil(((1 - tokens) / perS) * 1000)
    tokens -= 1
    return 0
  }
}
