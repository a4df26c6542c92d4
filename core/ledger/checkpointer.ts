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
  /** Something is unsigned since the last one was begun. */
  let isDue = false
  let isMaking = false
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

  /** The next one after this is planned when it is made: while the disk stands still, none pile up. */
  async function begin(): Promise<void> {
    isDue = false
    isMaking = true
    lastMs = clock.monoMs()
    await make()
    isMaking = false
    plan()
  }

  function plan(): void {
    cancel()
    if (isClosed || isMaking) return
    const afterMs = isDue ? Math.max(0, lastMs + everyMs - clock.monoMs()) : IDLE_MS
    cancel = clock.after(afterMs, () => {
      making = begin()
    })
  }

  plan()
  return {
    moved() {
      if (isDue || isClosed) return
      isDue = true
      plan()
    },
    async close() {
      isClosed = true
      cancel()
      making = making.then(make)
      await making
    },
  }
}
