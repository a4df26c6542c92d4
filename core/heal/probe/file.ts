import { stat } from 'node:fs'
import { systemClock } from '../../clock.ts'
import { codeOf } from '../../fault.ts'
import { settle } from './settle.ts'
import type { Check, Verdict } from './verdict.ts'

/** Clocks and file systems round differently: a modification time this far ahead is "now". */
const AHEAD_MS = 1000

/** Paths on a disk or network mount that hangs: each look that never came back holds one of Node's few threads. */
const hanging = new Set<string>()

/**
 * Passes when the file was written within `maxAgeMs`, by the wall clock: a heartbeat. A missing file fails; one that can't
 * be looked at, or is dated in the future, is inconclusive.
 */
export function checkFile(
  check: Extract<Check, { kind: 'file' }>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Verdict> {
  const { path, maxAgeMs } = check
  return settle(
    timeoutMs,
    signal,
    () => {
      hanging.add(path)
      return { verdict: 'inconclusive', error: `${path} could not be looked at within ${timeoutMs} ms` }
    },
    done => {
      if (hanging.has(path)) {
        done('inconclusive', `an earlier look at ${path} has not come back`)
        return () => {}
      }
      stat(path, (error, stats) => {
        hanging.delete(path)
        if (error !== null) {
          const code = codeOf(error)
          if (code === 'ENOENT' || code === 'ENOTDIR') done('fail', `${path} does not exist`)
          else done('inconclusive', `${path} could not be looked at (${code})`)
          return
        }
        const ageMs = systemClock.wallMs() - stats.mtimeMs
        if (ageMs < -AHEAD_MS) done('inconclusive', `${path} is dated ${Math.round(-ageMs)} ms in the future`)
        else if (ageMs <= maxAgeMs) done('pass')
        else done('fail', `${path} was last written ${Math.round(ageMs)} ms ago, more than ${maxAgeMs} ms`)
      })
      return () => {}
    },
  )
}
