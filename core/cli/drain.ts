import type { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** For the last words to a reader that may never read on. */
export const LAST_WORDS_MS = 1000

/**
 * Waits until all that was written has left, which for a pipe is when its reader makes room: what is still queued when
 * a process exits is lost without a word. Resolves to false when `signal` or `mostMs` (left out: no bound) came first.
 * A reader that is gone ends the wait too: its stream fails.
 */
export async function drained(streams: readonly Writable[], signal: AbortSignal, mostMs?: number): Promise<boolean> {
  // An error of the last write is told in the next turn: whoever listens for it has to hear it before the exit.
  const gone = Promise.all(streams.map(written)).then(() => nextTurn(true))
  let timer: NodeJS.Timeout | undefined
  const given = new Promise<boolean>(resolve => {
    const giveUp = () => resolve(false)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    if (mostMs !== undefined) timer = setTimeout(giveUp, mostMs)
  })
  try {
    return await Promise.race([gone, given])
  } finally {
    clearTimeout(timer)
  }
}

function written(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    if (!stream.writable) return resolve()
    stream.once('close', resolve)
    // Its turn comes after everything before it.
    stream.write('', () => resolve())
  })
}
