import type { Clock } from '../clock.ts'
import { messageOf } from '../fault.ts'
import type { Signer } from './signer.ts'

/** Makes checkpoints by itself: soon after entries, and now and then when there are none, so that silence can be seen. */
export interface Checkpointer {
  /** Something new is durable. */
  moved(): void
  /** What is still unsigned is signed, unless that is impossible; none afterwards. */
  close(): Promise<void>
}

/** Without entries the newest one is written anew so often: when the file was written tells that heald lives. */
const IDLE_MS = 600_000

/** @param everyMs the least time between two */
export function checkpointer(
  signer: Pick<Signer, 'checkpoint'>,
  clock: Clock,
  everyMs: number,
  onTrouble: (what: string) => void,
): Checkpointer {
  let lastMs = Number.NEGATIVE_INFINITY
  let isDue = false
  let isTroubled = false
  let isClosed = false
  let cancel = (): void => {}
  let making: Promise<void> = Promise.resolve()

  async function make(): Promise<void> {
    try {
      await signer.checkpoint()
      isTroubled = false
    } catch (error) {
      if (!isTroubled) onTrouble(`no checkpoint can be written: ${messageOf(error)}`)
      isTroubled = true
    }
  }

  function plan(afterMs: number): void {
    cancel()
    cancel = clock.after(afterMs, () => {
      isDue = false
      lastMs = clock.monoMs()
      making = making.then(make)
      if (!isClosed) plan(IDLE_MS)
    })
  }

  plan(IDLE_MS)
  return {
    moved() {
      if (isDue || isClosed) return
      isDue = true
      plan(Math.max(0, lastMs + everyMs - clock.monoMs()))
    },
    async close() {
      isClosed = true
      cancel()
      making = making.then(make)
      await making
    },
  }
}
