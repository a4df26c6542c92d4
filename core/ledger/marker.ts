import type { Clock } from '../clock.ts'
import { messageOf } from '../fault.ts'
import { type Mark, writeMark } from './head.ts'

const EVERY_MS = 500
const FIRST_MS = 20

/** Keeps the mark at most a second behind, and off everybody's way: one write at a time, none when nothing happens. */
export interface Marker {
  /** Something new is durable. */
  moved(): void
  /** Writes the mark now, and no more afterwards. */
  close(): Promise<void>
}

export function marker(
  dir: string,
  clock: Clock,
  current: () => Mark | null,
  onTrouble: (what: string) => void,
): Marker {
  let cancel: (() => void) | null = null
  let lastMs = Number.NEGATIVE_INFINITY
  let writing: Promise<void> = Promise.resolve()
  let troubled = false
  let closed = false

  const write = async (): Promise<void> => {
    const mark = current()
    if (mark === null) return
    try {
      await writeMark(dir, mark)
      troubled = false
    } catch (error) {
      // An older mark is still true, so nothing is lost but sharpness; said once.
      if (!troubled) onTrouble(`the ledger's mark can't be written: ${messageOf(error)}`)
      troubled = true
    }
  }

  return {
    moved() {
      if (cancel !== null || closed) return
      cancel = clock.after(Math.max(FIRST_MS, lastMs + EVERY_MS - clock.monoMs()), () => {
        cancel = null
        lastMs = clock.monoMs()
        writing = writing.then(write)
      })
    },
    async close() {
      closed = true
      cancel?.()
      cancel = null
      writing = writing.then(write)
      await writing
    },
  }
}
