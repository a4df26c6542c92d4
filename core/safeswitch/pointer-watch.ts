import { type FSWatcher, watch } from 'node:fs'
import type { Clock } from '../clock.ts'

/** Hears that something in one of the folders may have changed: at once by the kernel's word, and every so often anyway. */
export interface PointerWatch {
  stop(): void
}

const EVERY_MS = 5000
/** A switch by hand is several changes: the last of them counts. */
const QUIET_MS = 100

export function watchPointers(folders: readonly string[], clock: Clock, onNews: () => void): PointerWatch {
  const open = new Map<string, FSWatcher>()
  let cancelNews = () => {}
  let cancelPoll = () => {}
  let isStopped = false

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

  function poll(): void {
    for (const folder of new Set(folders)) listen(folder)
    onNews()
    cancelPoll = clock.after(EVERY_MS, poll)
  }
  for (const folder of new Set(folders)) listen(folder)
  cancelPoll = clock.after(EVERY_MS, poll)

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
