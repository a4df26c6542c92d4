import { watch } from 'node:fs'
import { openCursor } from './cursor.ts'
import { readMark } from './head.ts'
import type { Ledger } from './ledger.ts'
import { hasWriter } from './lock.ts'

/** Between looks where the file system tells nothing. */
const POLL_MS = 1_000

/**
 * The ledger's lines (without LF) from `fromSeq` on: first the old ones, then each as it becomes durable, until
 * `signal` is aborted. Nothing is queued for a slow reader: lines are read from the files when they are asked for.
 *
 * In the writer's process pass `ledger`, which wakes the follower; any other process follows the mark (≤ 1 s behind) of a
 * writer that is alive, so that it never shows a line that a failing disk may still take back.
 */
export async function* followLines(
  dir: string,
  fromSeq: number,
  signal: AbortSignal,
  ledger?: Pick<Ledger, 'head' | 'onDurable'>,
): AsyncGenerator<string> {
  const news = ledger === undefined ? newsOfFolder(dir) : newsOfWriter(ledger)
  const cursor = openCursor(dir, fromSeq)
  try {
    while (!signal.aborted) {
      const seen = news.rings()
      const lines = await cursor.next(news.size())
      for (const line of lines) {
        if (signal.aborted) return
        yield line.text
      }
      if (lines.length === 0) await news.after(seen, signal)
    }
  } finally {
    news.close()
    await cursor.close()
  }
}

interface Bell {
  /** How often it rang. */
  rings(): number
  /** Resolves once it rang since `seen`, or when `signal` is aborted. */
  after(seen: number, signal: AbortSignal): Promise<void>
}

interface News extends Bell {
  /** How many entries are durable. */
  size(): number
  close(): void
}

function bell(): Bell & { ring(): void } {
  let rings = 0
  let wake = (): void => {}
  return {
    ring() {
      rings++
      wake()
    },
    rings: () => rings,
    async after(seen, signal) {
      if (rings !== seen || signal.aborted) return
      const { promise, resolve } = Promise.withResolvers<void>()
      wake = () => resolve()
      const stop = (): void => resolve()
      signal.addEventListener('abort', stop, { once: true })
      await promise
      signal.removeEventListener('abort', stop)
    },
  }
}

function newsOfWriter(ledger: Pick<Ledger, 'head' | 'onDurable'>): News {
  const { ring, rings, after } = bell()
  const close = ledger.onDurable(ring)
  return { size: () => ledger.head().size, rings, after, close }
}

function newsOfFolder(dir: string): News {
  const { ring, rings, after } = bell()
  // Watching is only the faster way to know: where it is not to be had (no folder yet, no watches left), the look every
  // second is enough.
  let unwatch = (): void => {}
  try {
    const watcher = watch(dir, { persistent: false }, ring)
    watcher.on('error', () => watcher.close())
    unwatch = () => watcher.close()
  } catch {
    unwatch = () => {}
  }
  const poll = setInterval(ring, POLL_MS)
  return {
    // A copied folder may have no mark, and what a killed writer left is behind its end: then all that is there counts.
    size: () => (hasWriter(dir) ? readMark(dir).mark?.size : undefined) ?? Number.POSITIVE_INFINITY,
    rings,
    after,
    close() {
      unwatch()
      clearInterval(poll)
    },
  }
}
