import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'

/** Time that stands still until a test moves it. */
export interface FakeClock extends Clock {
  /** Moves time on, calling each timer at its due time and letting promises settle after each. */
  advance(ms: number): Promise<void>
  /** Moves time on with nobody looking, as when the process is stalled; what became due is called late, at the end. */
  stall(ms: number): Promise<void>
  /** Resolves after `ms` of this clock. */
  sleep(ms: number): Promise<void>
  /** Sets the wall clock on, or back, as an administrator would. No time passes. */
  setWall(byMs: number): void
  /** Timers that are set. */
  pending(): number
}

export function fakeClock(startMs = 1_000_000): FakeClock {
  let nowMs = startMs
  let count = 0
  let wallMs = 1_700_000_000_000
  const timers = new Map<number, { dueMs: number; run: () => void }>()

  function after(delayMs: number, run: () => void): () => void {
    count += 1
    const id = count
    timers.set(id, { dueMs: nowMs + Math.max(0, delayMs), run })
    return () => void timers.delete(id)
  }

  async function runDue(untilMs: number, isLate: boolean): Promise<void> {
    await nextTurn()
    for (;;) {
      // The earliest; of two that are due together, the one set first.
      let next: [number, { dueMs: number; run: () => void }] | undefined
      for (const timer of timers) if (next === undefined || timer[1].dueMs < next[1].dueMs) next = timer
      if (next === undefined || next[1].dueMs > untilMs) return
      timers.delete(next[0])
      if (!isLate) nowMs = Math.max(nowMs, next[1].dueMs)
      next[1].run()
      await nextTurn()
    }
  }

  return {
    wallMs: () => nowMs + wallMs,
    monoMs: () => nowMs,
    after,
    async advance(ms) {
      const untilMs = nowMs + ms
      await runDue(untilMs, false)
      nowMs = untilMs
    },
    async stall(ms) {
      nowMs += ms
      await runDue(nowMs, true)
    },
    sleep: ms => new Promise(resolve => void after(ms, resolve)),
    setWall(byMs) {
      wallMs += byMs
    },
    pending: () => timers.size,
  }
}
