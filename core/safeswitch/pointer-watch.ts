import { type FSWatcher, type Stats, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Clock } from '../clock.ts'

/**
 * Hears that something in one of the folders may have changed. The kernel says so at once. Where it does not (a file
 * system of another machine, no more watches), a change of the folder itself is looked for every so often, which costs
 * next to nothing; and now and then all is looked at anyway.
 */
export interface PointerWatch {
  stop(): void
}

export interface WatchOptions {
  readonly folders: readonly string[]
  readonly clock: Clock
  readonly onNews: () => void
  /** What was seen last was trouble: each time all is looked at. */
  readonly isTrouble: () => boolean
}

const EVERY_MS = 5000
/** Every so many times. */
const WHOLE_EVERY = 12
/** A switch by hand is several changes: the last of them counts. */
const QUIET_MS = 100

export function watchPointers({ folders, clock, onNews, isTrouble }: WatchOptions): PointerWatch {
  const all = [...new Set(folders)]
  const open = new Map<string, FSWatcher>()
  let cancelNews = () => {}
  let cancelPoll = () => {}
  let isStopped = false
  let turn = 0
  let known: string | null = null

  function soon(): void {
    cancelNews()
    if (!isStopped) cancelNews = clock.after(QUIET_MS, onNews)
  }

  /** A folder that is not there yet is tried again with each poll. */
  function listen(folder: string): void {
    if (open.has(folder)) return
    try {
      const watcher = watch(folder, { persistent: false }, soon)
      open.set(folder, watcher)
      watcher.on('error', () => {
        watcher.close()
        open.delete(folder)
      })
    } catch {
      // No such folder, or no more watches to be had: the poll is left.
    }
  }

  /** What is put into a folder, taken out of it or renamed in it changes its times; another folder in its place, the rest. */
  async function marks(): Promise<string> {
    const found = await Promise.all(all.map(folder => stat(folder).catch(() => null)))
    return found.map(stats => (stats === null ? '-' : markOf(stats))).join(' ')
  }

  async function poll(): Promise<void> {
    for (const folder of all) listen(folder)
    turn += 1
    const isWhole = turn % WHOLE_EVERY === 0 || isTrouble()
    if (isWhole) onNews()
    const now = await marks()
    if (isStopped) return
    if (!isWhole && now !== known) onNews()
    known = now
    cancelPoll = clock.after(EVERY_MS, () => void poll())
  }
  for (const folder of all) listen(folder)
  cancelPoll = clock.after(EVERY_MS, () => void poll())

  return {
    stop() {
      isStopped = true
      cancelNews()
      cancelPoll()
      for (const watcher of open.values()) watcher.close()
      open.clear()
    },
  }
}

function markOf({ dev, ino, mtimeMs, ctimeMs }: Stats): string {
  return `${dev}:${ino}:${mtimeMs}:${ctimeMs}`
}
