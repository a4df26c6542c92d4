import type { SentReport } from '../core/api/bot-report.ts'
import type { Clock } from '../core/clock.ts'
import { messageOf, retryOf } from '../core/fault.ts'
import type { CoreLink } from './core-link.ts'

/** Hands reports to core, one after the other, and again when it can't be reached. Bounded: the oldest go first. */
export interface Reporter {
  report(report: SentReport): void
  /** Resolves when all is handed over, or after `withinMs`. */
  close(withinMs: number): Promise<void>
}

const MOST = 1000
const AGAIN_MS = 500
const AGAIN_CAP_MS = 10_000

export function createReporter(link: Pick<CoreLink, 'report'>, clock: Clock, warn: (text: string) => void): Reporter {
  const queue: SentReport[] = []
  let running: Promise<void> | null = null
  let isClosed = false
  let cut = () => {}

  async function run(): Promise<void> {
    let againMs = AGAIN_MS
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      try {
        await link.report(next)
        queue.shift()
        againMs = AGAIN_MS
      } catch (error) {
        if (retryOf(error) === 'no' && !isUnreachable(error)) {
          warn(`a report was not taken: ${messageOf(error)}`)
          queue.shift()
          continue
        }
        if (isClosed) return
        await new Promise<void>(resolve => {
          const cancel = clock.after(againMs, resolve)
          cut = () => {
            cancel()
            resolve()
          }
        })
        againMs = Math.min(againMs * 2, AGAIN_CAP_MS)
      }
    }
  }

  return {
    report(report) {
      if (queue.length >= MOST) queue.shift()
      queue.push(report)
      running ??= run().finally(() => {
        running = null
      })
    },
    async close(withinMs) {
      isClosed = true
      cut()
      let cancel = () => {}
      const late = new Promise<void>(resolve => {
        cancel = clock.after(withinMs, resolve)
      })
      await Promise.race([running, late])
      cancel()
    },
  }
}

function isUnreachable(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('daemon.')
}
