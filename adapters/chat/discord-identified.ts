import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * When the bot last began a session, by this process or an earlier one. Discord takes one IDENTIFY in 5 s and 1000 a day;
 * who uses them up loses the token, so a bot that is started again and again has to know.
 */
export interface Identified {
  /** Like `performance.now()`; minus infinity: never, or nobody knows. Never rejects. */
  lastMs(): Promise<number>
  /** It is about to. Never rejects. */
  note(): Promise<void>
}

/** Kept in a file in `folder`, by the wall clock: one that was set back makes it wait for once. */
export function identifiedIn(folder: string, warn: (text: string) => void): Identified {
  const file = join(folder, 'identified')
  let isWarned = false
  return {
    async lastMs() {
      const atMs = Number(await readFile(file, 'utf8').catch(() => ''))
      if (!(atMs > 0)) return Number.NEGATIVE_INFINITY
      return performance.now() - Math.max(0, Date.now() - atMs)
    },
    async note() {
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await writeFile(file, String(Date.now()), { mode: 0o600 })
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'
        if (!isWarned) warn(`Discord: when a session was begun can’t be kept (${code})`)
        isWarned = true
      }
    },
  }
}
