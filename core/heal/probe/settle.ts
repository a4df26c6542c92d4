import { round, systemClock } from '../../clock.ts'
import { codeOf } from '../../fault.ts'
import { oneLine, type Verdict } from './verdict.ts'

/** Hands the verdict over; the first call wins, later ones do nothing. */
export type Settle = (verdict: Verdict['verdict'], error?: string) => void

/**
 * The frame around every check: one deadline over all of it, one end, and `stop` called at that end to let go of what
 * `begin` took (its answer).
 *
 * The deadline gives what has arrived already one turn to be read: after a stall of this daemon timers run before
 * sockets, and a service that answered in time would otherwise be taken for hung.
 */
export function settle(
  timeoutMs: number,
  signal: AbortSignal,
  late: () => { verdict: 'fail' | 'inconclusive'; error: string },
  begin: (settle: Settle) => () => void,
): Promise<Verdict> {
  return new Promise(resolve => {
    const startedMs = systemClock.monoMs()
    let isOver = false
    let stop = () => {}
    const done: Settle = (verdict, error) => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      stop()
      const tookMs = round(systemClock.monoMs() - startedMs)
      resolve({ verdict, error: error === undefined ? null : oneLine(error), tookMs })
    }
    const onAbort = (): void => done('inconclusive', 'the check was called off')
    const timer = setTimeout(() => {
      setImmediate(() => {
        if (isOver) return
        const { verdict, error } = late()
        done(verdict, error)
      })
    }, timeoutMs)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      stop = begin(done)
    } catch (error) {
      // An address, path or program that Node refuses outright.
      done('inconclusive', `the check could not be made (${codeOf(error)})`)
    }
    // `begin` may have settled before it could say how to stop.
    if (isOver) stop()
  })
}
