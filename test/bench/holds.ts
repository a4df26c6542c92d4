import { readFileSync } from 'node:fs'

export interface Hold {
  readonly ms: number
  readonly processorMs: number
}

/** Looks how long this process's event loop is held at most. */
export interface Holds {
  /** Since the last look: the longest hold, and the most processor time between two looks at the clock, ms. */
  longest(): Hold
  end(): void
}

const EVERY_MS = 1

/**
 * Looks every millisecond. Time in which the kernel let others run on this processor although we were ready is taken off: it
 * says something of what else the machine does, and nothing of us. Waiting for a disk or a lock stays in.
 * @param excusedMs what else is taken off: its sum so far
 */
export function holds(excusedMs: () => number = () => 0): Holds {
  let found: Hold = { ms: 0, processorMs: 0 }
  let last = { ms: ranMs() - excusedMs(), workedMs: workedMs() }
  const timer = setInterval(() => {
    const now = { ms: ranMs() - excusedMs(), workedMs: workedMs() }
    found = {
      ms: Math.max(found.ms, now.ms - last.ms),
      processorMs: Math.max(found.processorMs, now.workedMs - last.workedMs),
    }
    last = now
  }, EVERY_MS)
  return {
    longest() {
      const hold = found
      found = { ms: 0, processorMs: 0 }
      return hold
    },
    end: () => clearInterval(timer),
  }
}

/** Time so far, ms, without that in which the main thread was ready to run and did not. */
export function ranMs(): number {
  return performance.now() - waitedMs()
}

/** Processor time of the main thread so far; NaN where this Node does not say. */
function workedMs(): number {
  const used = process.threadCpuUsage?.()
  return used === undefined ? Number.NaN : (used.user + used.system) / 1000
}

/** How long the main thread was ready to run and did not, since it began; 0 where the kernel does not say. */
function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}
