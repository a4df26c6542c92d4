import { setImmediate } from 'node:timers/promises'
import { type Database, prepared } from './database.ts'

/** As much at a time as takes about as long as a piece of entries to add. */
const STEP_PAGES = 512
/** What changes of a table of words at least when there was something to do, by FTS5's own documentation. */
const LEAST_CHANGES = 2

export interface MergeOptions {
  readonly signal?: AbortSignal
  /** Asked after each step; the rest is left for another time. */
  readonly isEnough?: () => boolean
}

/**
 * Puts the pieces together in which the words were added: a question has to look into each of them. Killed anywhere, it goes
 * on from there.
 */
export async function mergeWords(db: Database, { signal, isEnough }: MergeOptions = {}): Promise<void> {
  const merge = prepared(db, `INSERT INTO words (words, rank) VALUES ('merge', ${STEP_PAGES})`)
  const changes = prepared(db, 'SELECT total_changes() AS count')
  for (let before = Number(changes.get()?.count); ; ) {
    signal?.throwIfAborted()
    merge.run()
    const after = Number(changes.get()?.count)
    if (after - before < LEAST_CHANGES) return
    before = after
    await setImmediate()
    if (isEnough?.()) return
  }
}
