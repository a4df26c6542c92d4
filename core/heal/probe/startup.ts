import type { ProbeSpec } from '../../config/spec.ts'
import { startCheck } from './attempt.ts'
import type { ProbeTools } from './schedule.ts'
import type { Verdict } from './verdict.ts'

type OnStartup = (
  verdict: Verdict,
  misses: number,
  failingSinceMs: number | null,
  event: 'readyPassed' | 'startupFailed' | null,
) => void

/** A start is noticed at most this late while it is younger than 5 s, then at most 1 % of its age; in a crowd, later. */
const PAUSE_CAP_MS = 50
/** Hundreds of services that start together are asked about once a millisecond in all: they need the processor themselves. */
const CROWD_PAUSE_MS = 1
/** Services that are starting right now, in this process. */
let starting = 0

/** A program costs some milliseconds to run; the other checks a fraction of one. */
const FIRST_PAUSE_MS = { http: 1, tcp: 1, file: 1, exec: 20 } as const

/**
 * The pause before the next question to a service that is starting, one of `many`. It grows with the service's age: one
 * that is ready after 30 ms is seen within 7 ms, after 200 ms within 17 ms, and one that takes 30 s is asked some hundred
 * times, not 30,000.
 */
export function startupPauseMs(spec: ProbeSpec, ageMs: number, many = starting): number {
  const growing = Math.max(
    Math.min(ageMs / 4, 1.2 * Math.sqrt(ageMs), PAUSE_CAP_MS),
    ageMs / 100,
    (many - 1) * CROWD_PAUSE_MS,
  )
  return Math.min(Math.max(growing, FIRST_PAUSE_MS[spec.check.kind]), Math.max(1, spec.everyMs))
}

/**
 * Asks until the first pass (`readyPassed`) or until `startupMs` are over (`startupFailed`), whichever is first, and then
 * ends by itself. While the check is inconclusive, a start is not failed for being late: only a real failure after
 * the deadline ends it. The answer stops it.
 */
export function startStartup(spec: ProbeSpec, tools: ProbeTools, onVerdict: OnStartup): () => void {
  const { clock } = tools
  const beganMs = clock.monoMs()
  let misses = 0
  let failingSinceMs: number | null = null
  let last: Verdict | null = null
  let isOverdue = false
  let isOver = false
  let cancelCheck = () => {}
  starting += 1
  let cancelPause = clock.after(startupPauseMs(spec, 0), ask)
  const cancelDeadline = clock.after(spec.startupMs, () => {
    isOverdue = true
    // A timer that comes much too late means that nobody looked in the meantime: one more check decides.
    const isStalled = clock.monoMs() - beganMs > spec.startupMs + 2 * spec.everyMs
    if (last?.verdict === 'inconclusive' || isStalled) return
    fail(last ?? { verdict: 'fail', error: 'no answer since its start', tookMs: spec.startupMs })
  })

  function ask(): void {
    cancelCheck = startCheck(spec, tools, ({ verdict, startedMs }) => {
      last = verdict
      if (verdict.verdict === 'pass') {
        stop()
        onVerdict(verdict, 0, null, 'readyPassed')
        return
      }
      if (verdict.verdict === 'fail') {
        misses += 1
        failingSinceMs ??= startedMs
        if (isOverdue) return fail(verdict)
      }
      cancelPause = clock.after(startupPauseMs(spec, clock.monoMs() - beganMs), ask)
      onVerdict(verdict, misses, failingSinceMs, null)
    })
  }
  function fail(verdict: Verdict): void {
    if (isOver) return
    stop()
    onVerdict(verdict, misses, failingSinceMs, 'startupFailed')
  }
  function stop(): void {
    if (!isOver) starting -= 1
    isOver = true
    cancelPause()
    cancelDeadline()
    cancelCheck()
  }
  return stop
}
