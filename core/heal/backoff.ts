export interface Backoff {
  /** Delay before the first restart after a stable period; 0 restarts at once. */
  readonly firstMs: number
  /** Delay before the second; doubled for each further one. */
  readonly baseMs: number
  readonly capMs: number
}

/** Delays spread ±20 %, so that services that died together don't return together. */
const JITTER = 0.2

/**
 * The delay before restart number `attempt` (0 = the first since the service was stable), in whole milliseconds.
 * `random` is in [0, 1). Never above `capMs`, except a larger `firstMs`, which is what the operator asked for.
 * Near the cap the spread becomes one-sided instead of piling up at the cap. The caller counts attempts and forgets
 * them after `resetAfterMs` of being ready.
 */
export function delayMs(attempt: number, backoff: Backoff, random: number): number {
  if (attempt <= 0) return Math.max(0, Math.round(backoff.firstMs))
  // Beyond 2^52 the doubling would leave the exact integers and, times a base of 0, end in NaN.
  const nominalMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt - 1, 52))
  const lowMs = nominalMs * (1 - JITTER)
  const highMs = Math.min(backoff.capMs, nominalMs * (1 + JITTER))
  return Math.max(0, Math.round(lowMs + (highMs - lowMs) * random))
}
