import type { Clock } from '../../clock.ts'
import type { ProbeSpec, ServiceSpec } from '../../config/spec.ts'
import { type Outcome, startCheck } from './attempt.ts'
import { startStartup } from './startup.ts'
import type { Check, Verdict } from './verdict.ts'

/*
 * Life of a service's probes
 *
 * 1. Startup (`startup.ts`) asks quickly and often, until the first pass: `readyPassed`. Not within `startupMs`:
 *    `startupFailed`. Without a startup probe the readiness check serves, else the liveness check, else there is
 *    nothing to ask, and the service is ready once it has lived a little.
 * 2. Then liveness and readiness tick at a fixed rate, start to start, each with at most one check in flight.
 * 3. Liveness missing `failures` times in a row: `hung`. Readiness: `readinessFailed`, later `readinessPassed`.
 *
 * A hang is noticed at most `failures × everyMs + timeoutMs` after it began: the first check that can miss starts within
 * one interval, and each miss after it is one interval later. (Where a timeout is longer than the interval, silent checks
 * follow one another without a pause, since they never overlap: `everyMs + failures × timeoutMs`.)
 *
 * What doesn't count as a miss: an inconclusive check; one whose tick came, or whose verdict arrived, more than two
 * intervals late (this daemon was stalled or the machine suspended, so nobody looked). And one miss alone never
 * restarts anything: `failures: 1` acts as 2 for liveness.
 */

/** Without any check a service counts as ready once it has lived this long: one that can't even start never does. */
const SURVIVE_MS = 100

export type ProbeName = 'startup' | 'readiness' | 'liveness'
export type ProbeEvent = 'readyPassed' | 'startupFailed' | 'hung' | 'readinessFailed' | 'readinessPassed'

/** One verdict, and what follows from it. */
export interface Report {
  readonly probe: ProbeName
  /** Null only for a service without probes. */
  readonly verdict: Verdict | null
  /** Misses in a row so far. */
  readonly misses: number
  /** Monotonic time at which the first of these misses began; null when the last conclusive check passed. */
  readonly failingSinceMs: number | null
  /** `hung` is repeated with every further miss until `stop`, for a caller who chose to wait. */
  readonly event: ProbeEvent | null
}

export interface ProbeTools {
  readonly clock: Clock
  /** Runs one check; must settle within `timeoutMs` (probe/run.ts does). */
  readonly run: (check: Check, timeoutMs: number, signal: AbortSignal) => Promise<Verdict>
  /** Called for every verdict; during `startProbes` itself when there are no probes. Never after `stop`. */
  readonly onVerdict: (report: Report) => void
  /** In [0, 1): where in its interval this service ticks, so that 500 services don't ask in the same millisecond. */
  readonly phase?: number
}

export interface Probes {
  /** Skips the wait for the startup check: reports `readyPassed` now. For an adopted service known to be ready. */
  ready(): void
  /** Ends all checks and timers. Safe to call twice. */
  stop(): void
}

/** Starts the probes of one instance. Without probes there is no timer at all, and `readyPassed` is reported at once. */
export function startProbes(probes: ServiceSpec['probes'], tools: ProbeTools): Probes {
  const stops: (() => void)[] = []
  let waiting = true
  let stopped = false

  const nowReady = (verdict: Verdict | null): void => {
    if (!waiting || stopped) return
    waiting = false
    for (const stop of stops.splice(0)) stop()
    // The tickers start first: whoever hears of `readyPassed` may stop everything in answer.
    const { liveness, readiness } = probes
    const phase = tools.phase ?? 0
    if (liveness !== undefined) stops.push(tick(liveness, tools, phase, countLiveness(liveness, tools.onVerdict)))
    // The same check twice would say the same thing twice; what liveness says goes further.
    if (readiness !== undefined && !isSame(readiness, liveness))
      stops.push(tick(readiness, tools, (phase + 0.5) % 1, countReadiness(readiness, tools.onVerdict)))
    tools.onVerdict({ probe: 'startup', verdict, misses: 0, failingSinceMs: null, event: 'readyPassed' })
  }

  const startup = probes.startup ?? probes.readiness ?? probes.liveness
  if (startup === undefined) stops.push(tools.clock.after(SURVIVE_MS, () => nowReady(null)))
  else
    stops.push(
      startStartup(startup, tools, (verdict, misses, failingSinceMs, event) => {
        if (event === 'readyPassed') nowReady(verdict)
        else tools.onVerdict({ probe: 'startup', verdict, misses, failingSinceMs, event })
      }),
    )

  return {
    ready: () => nowReady(null),
    stop() {
      stopped = true
      for (const stop of stops.splice(0)) stop()
    },
  }
}

function isSame(one: ProbeSpec, other: ProbeSpec | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/** Checks at a fixed rate until stopped. A tick that finds a check in flight is made up for when that one ends. */
function tick(spec: ProbeSpec, tools: ProbeTools, phase: number, count: (outcome: Outcome) => void): () => void {
  const { clock } = tools
  const everyMs = Math.max(1, spec.everyMs)
  const lateMs = 2 * everyMs
  let dueMs = clock.monoMs() + everyMs * (1 - phase)
  let isOwed = false
  let isOver = false
  let cancelCheck: (() => void) | null = null
  let cancelTick = clock.after(dueMs - clock.monoMs(), onTick)

  function onTick(): void {
    const nowMs = clock.monoMs()
    const isLate = nowMs - dueMs > lateMs
    // Ticks that were missed altogether are left out, the rhythm is kept.
    dueMs += everyMs * Math.max(1, Math.ceil((nowMs - dueMs) / everyMs))
    cancelTick = clock.after(Math.max(0, dueMs - nowMs), onTick)
    if (cancelCheck === null) ask(isLate)
    else isOwed = true
  }

  function ask(isLate: boolean): void {
    cancelCheck = startCheck(spec, tools, outcome => {
      cancelCheck = null
      const isStalled = isLate || outcome.elapsedMs > spec.timeoutMs + lateMs
      count(isStalled && outcome.verdict.verdict === 'fail' ? { ...outcome, counts: false } : outcome)
      if (isOwed && !isOver) ask(false)
    })
    isOwed = false
  }

  return () => {
    isOver = true
    cancelTick()
    cancelCheck?.()
  }
}

function countLiveness(spec: ProbeSpec, report: (full: Report) => void): (outcome: Outcome) => void {
  const needed = Math.max(2, spec.failures)
  let misses = 0
  let failingSinceMs: number | null = null
  return ({ verdict, startedMs, counts }) => {
    if (verdict.verdict === 'pass') {
      misses = 0
      failingSinceMs = null
    }
    const isMiss = verdict.verdict === 'fail' && counts
    if (isMiss) {
      misses += 1
      failingSinceMs ??= startedMs
    }
    report({
      probe: 'liveness',
      verdict,
      misses,
      failingSinceMs,
      event: isMiss && misses >= needed ? 'hung' : null,
    })
  }
}

function countReadiness(spec: ProbeSpec, report: (full: Report) => void): (outcome: Outcome) => void {
  let isReady = true
  let misses = 0
  let passes = 0
  let failingSinceMs: number | null = null
  return ({ verdict, startedMs, counts }) => {
    let event: ProbeEvent | null = null
    if (verdict.verdict === 'pass') {
      misses = 0
      failingSinceMs = null
      passes += 1
      if (!isReady && passes >= spec.successes) {
        isReady = true
        event = 'readinessPassed'
      }
    } else if (verdict.verdict === 'fail' && counts) {
      passes = 0
      misses += 1
      failingSinceMs ??= startedMs
      if (isReady && misses >= spec.failures) {
        isReady = false
        event = 'readinessFailed'
      }
    }
    report({ probe: 'readiness', verdict, misses, failingSinceMs, event })
  }
}
