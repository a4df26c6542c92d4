import type { ProbeSpec } from '../../config/spec.ts'
import { messageOf } from '../../fault.ts'
import type { ProbeTools } from './schedule.ts'
import { oneLine, type Verdict } from './verdict.ts'

/** One check that ended, and when. Monotonic milliseconds. */
export interface Outcome {
  readonly verdict: Verdict
  readonly startedMs: number
  /** From its start until its verdict was heard of; longer than `tookMs` when this daemon was stalled. */
  readonly elapsedMs: number
  /** False for a failure that must not count as a miss. */
  readonly counts: boolean
}

/** A check that is still not settled this long after its deadline has broken its promise. */
const OVERDUE_MS = 250

/**
 * Starts one check and calls `onEnd` once, unless the answer, which cancels it, is called first. A check that throws or
 * never settles is inconclusive: then the check is broken, which says nothing about the service.
 */
export function startCheck(
  spec: ProbeSpec,
  { clock, run }: Pick<ProbeTools, 'clock' | 'run'>,
  onEnd: (outcome: Outcome) => void,
): () => void {
  const abort = new AbortController()
  const startedMs = clock.monoMs()
  let isOver = false

  function end(verdict: Verdict): void {
    if (isOver) return
    isOver = true
    cancelGuard()
    onEnd({ verdict, startedMs, elapsedMs: clock.monoMs() - startedMs, counts: true })
  }
  function broken(why: string): void {
    end({ verdict: 'inconclusive', error: oneLine(why), tookMs: clock.monoMs() - startedMs })
  }

  const cancelGuard = clock.after(spec.timeoutMs + OVERDUE_MS, () => {
    broken('the check did not end within its timeout')
    abort.abort()
  })
  run(spec.check, spec.timeoutMs, abort.signal).then(end, error => broken(`the check broke: ${messageOf(error)}`))

  return () => {
    if (isOver) return
    isOver = true
    cancelGuard()
    abort.abort()
  }
}
