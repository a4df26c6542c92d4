import { segmentFiles } from '../files.ts'
import type { Filter } from '../filter.ts'
import { readMark } from '../head.ts'
import { listEntries, type Page, type PageOptions } from '../list.ts'
import { hasWriter } from '../lock.ts'
import { catchUp } from './catch-up.ts'
import { isWrong } from './database.ts'
import { heldIndex } from './held.ts'
import { mergeWords } from './merge.ts'
import { searchLedger } from './search.ts'
import { asksMuch, isLong, mayKeep } from './worth.ts'

export interface QueryOptions extends PageOptions {
  /** Entries that are in the index, of `all` (about). */
  readonly onProgress?: (done: number, all: number) => void
  /** Asks the process that has the index, where this one can't; null when that can't be asked either. */
  readonly elsewhere?: () => Promise<Page | null>
}

const TRIES = 2

/**
 * Finds entries, newest first, by the index where that is quicker: it is made, and brought up to date, on the way. Where it
 * can't be kept (another user's ledger, a copy that can't be written, a full disk) the files are read from their end. All
 * ways find the same.
 */
export async function queryLedger(dir: string, filter: Filter, options: QueryOptions): Promise<Page> {
  if (!asksMuch(filter) || !isLong(dir)) return listEntries(dir, filter, options)
  const byIndex = mayKeep(dir) ? await ownIndex(dir, filter, options) : null
  return byIndex ?? (await options.elsewhere?.()) ?? listEntries(dir, filter, options)
}

/** Null: it can't be kept now. */
async function ownIndex(dir: string, filter: Filter, options: QueryOptions): Promise<Page | null> {
  const index = heldIndex(dir)
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      try {
        return await index.use(async db => {
          await catchUp(db, dir, upTo(dir, options))
          await mergeWords(db, options)
          return searchLedger(db, dir, filter, options)
        })
      } catch (error) {
        options.signal?.throwIfAborted()
        // What was wrong with it is gone with it; once.
        if (!isWrong(error)) return null
      }
    }
    return null
  } finally {
    index.close()
  }
}

/** What is not durable yet, a failing disk may still take back. */
function upTo(dir: string, { signal, onProgress }: QueryOptions) {
  const durable = hasWriter(dir) ? readMark(dir).mark?.size : undefined
  const all = durable ?? segmentFiles(dir).at(-1)?.first ?? 0
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(durable === undefined ? {} : { endSeq: durable }),
    onProgress: (size: number) => onProgress?.(size, Math.max(all, size)),
  }
}
