import type { LogLimits } from './logs.ts'
import { logSize, rotateLog } from './logs.ts'

export interface RotatedLog {
  readonly logPath: string
  logLimits(): LogLimits
}

const EVERY_MS = 10_000
const FLOODED_EVERY_MS = 250

/**
 * Looks at every log now and then (a `stat` each), and at those that grow fast (a quarter of their limit between two
 * looks) four times a second, so that a flood is held to about its limit.
 */
export function startRotation(logs: () => Iterable<RotatedLog>, warn: (text: string) => void): void {
  const sizes = new Map<string, number>()
  let flooded = new Set<RotatedLog>()
  const look = (log: RotatedLog): boolean => {
    const { maxBytes } = log.logLimits()
    try {
      const size = logSize(log.logPath)
      const grew = size - (sizes.get(log.logPath) ?? size)
      const rotated = rotateLog(log.logPath, log.logLimits())
      sizes.set(log.logPath, rotated ? 0 : size)
      return rotated || grew > maxBytes / 4
    } catch (error) {
      warn(`the log ${log.logPath} could not be rotated: ${error instanceof Error ? error.message : error}`)
      return false
    }
  }
  setInterval(() => {
    const seen = new Set<string>()
    for (const log of logs()) {
      seen.add(log.logPath)
      if (!flooded.has(log) && look(log)) flooded.add(log)
    }
    for (const path of sizes.keys()) if (!seen.has(path)) sizes.delete(path)
    watchFlooded()
  }, EVERY_MS).unref()

  let fast: NodeJS.Timeout | undefined
  function watchFlooded() {
    if (flooded.size === 0 || fast !== undefined) return
    fast = setInterval(() => {
      flooded = new Set([...flooded].filter(look))
      if (flooded.size > 0) return
      clearInterval(fast)
      fast = undefined
    }, FLOODED_EVERY_MS)
    fast.unref()
  }
}
