import type { Clock } from '../clock.ts'

/**
 * What is written about a restart waits until the replacement has got going: taking evidence and building entries right
 * after the standby's byte would compete with it for the processor (0.4 ms of 2). Order is kept over all services.
 */
export interface Afterwards {
  later(write: () => void): void
  /** Writes what waits now. */
  flush(): void
}

const WRITE_AFTER_MS = 2

export function newAfterwards(clock: Clock, warn: (error: unknown) => void): Afterwards {
  let waiting: (() => void)[] = []
  let cancel: (() => void) | null = null

  function flush(): void {
    cancel?.()
    cancel = null
    // A write may lead to another one: that one waits its turn.
    const writes = waiting
    waiting = []
    for (const write of writes) {
      try {
        write()
      } catch (error) {
        warn(error)
      }
    }
  }
  return {
    later(write) {
      waiting.push(write)
      cancel ??= clock.after(WRITE_AFTER_MS, flush)
    },
    flush,
  }
}
