import type { Clock } from '../core/clock.ts'

const PATIENCE_MS = 5000

/**
 * A save that is waited for no longer than a disk that works takes. When it does not answer, notices go out all the same:
 * after a crash something may then be told twice, which is better than nothing being told. Said once, until it answers.
 */
export function patientSave(
  save: () => Promise<void>,
  { clock, warn }: { readonly clock: Clock; readonly warn: (text: string) => void },
): () => Promise<void> {
  let isHanging = false
  return () => {
    const saved = save().then(() => {
      if (isHanging) warn('the disk answers again, and the state is saved')
      isHanging = false
    })
    if (isHanging) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(PATIENCE_MS, () => {
      if (!isHanging)
        warn(
          `the disk has not answered for ${PATIENCE_MS / 1000} s, so after a crash something may be told twice; notices go on`,
        )
      isHanging = true
      resolve()
    })
    saved.then(() => {
      cancel()
      resolve()
    })
    return promise
  }
}
