/*
 * Counts failures on the clock of *readiness*: it advances only while the service is ready. A service that takes 30 s to
 * start and dies 6 s after it is ready has failures 6 s apart on this clock, whatever its start and the backoff between
 * take; one that never gets ready has them all at the same instant. Wall-clock windows miss both.
 */

/** Plain data: survives JSON. Changed in place by the functions below. */
export interface Loop {
  /** Time spent ready since the last stable period, before `readySinceMs`. */
  readyMs: number
  /** Monotonic time since when it is ready; null when it isn't. */
  readySinceMs: number | null
  /** Failures still in the window, on the clock of readiness, oldest first; no more than the limit needs. */
  failuresAtMs: number[]
}

export interface LoopLimit {
  readonly failures: number
  readonly withinMs: number
}

export interface LoopVerdict extends LoopLimit {
  /** True from the failure that reaches the limit until `onStable`, as long as failures stay that close. */
  readonly looping: boolean
}

/** More are never kept, whatever the configuration says. */
const KEPT_AT_MOST = 1000

export function newLoop(): Loop {
  return { readyMs: 0, readySinceMs: null, failuresAtMs: [] }
}

/** The service is ready (again). Times are monotonic milliseconds. */
export function onReady(loop: Loop, monoMs: number): void {
  // A time before the one noted means another boot: the interrupted stretch can't be measured and counts as nothing.
  if (loop.readySinceMs === null || monoMs < loop.readySinceMs) loop.readySinceMs = monoMs
}

/** The service runs but stopped being ready: the window's clock stands still. Safe to call when it wasn't ready. */
export function onUnready(loop: Loop, monoMs: number): void {
  if (loop.readySinceMs === null) return
  loop.readyMs += Math.max(0, monoMs - loop.readySinceMs)
  loop.readySinceMs = null
}

/** The service failed: it ended unasked, hung, or never got ready. Call once for each failure. */
export function onFailure(loop: Loop, monoMs: number, limit: LoopLimit): LoopVerdict {
  onUnready(loop, monoMs)
  const needed = Math.min(KEPT_AT_MOST, Math.max(1, limit.failures))
  loop.failuresAtMs.push(loop.readyMs)
  loop.failuresAtMs = loop.failuresAtMs.filter(atMs => atMs >= loop.readyMs - limit.withinMs).slice(-needed)
  return { looping: loop.failuresAtMs.length >= needed, failures: loop.failuresAtMs.length, withinMs: limit.withinMs }
}

/** The service was ready for `resetAfterMs` without a break: what was before is forgotten. It stays ready. */
export function onStable(loop: Loop): void {
  loop.readyMs = 0
  loop.failuresAtMs = []
}
