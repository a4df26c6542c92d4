import { readFileSync } from 'node:fs'

/** Looks how long this process's event loop is held at most. */
export interface Holds {
  /** The longest since the last look, ms. */
  longestMs(): number
  end(): void
}

const EVERY_MS = 1

/**
 * Looks every millisecond. Time in which the kernel let others run on this processor although we were ready is taken off: it
 * says something of what else the machine does, and nothing of us. Waiting for a disk or a lock stays in.
 */
export function holds(): Holds {
  let longest = 0
  let lastMs = performance.now()
  let lastWaitMs = waitedMs()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const waitMs = waitedMs()
    longest = Math.max(longest, nowMs - lastMs - (waitMs - lastWaitMs))
    lastMs = nowMs
    lastWaitMs = waitMs
  }, EVERY_MS)
  return {
    longestMs() {
      const found = longest
      longest = 0
      return found
    },
    end: () => clearInterval(timer),
  }
}

/** How long the main thread was ready to run and did not, since it began; 0 where the kernel does not say. */
function waitedMs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'latin1').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}
