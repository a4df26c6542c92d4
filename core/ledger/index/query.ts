import { statSync } from 'node:fs'
import { segmentFiles } from '../files.ts'
import type { Filter } from '../filter.ts'
import { listEntries, type Page, type PageOptions } from '../list.ts'
import { catchUp } from './catch-up.ts'
import { type Database, indexPath, isDamage, openDatabase, removeIndex } from './database.ts'
import { findEntries, StaleIndex } from './find.ts'

export interface QueryOptions extends PageOptions {
  /** Entries that are in the index, of `all` (about). */
  readonly onProgress?: (done: number, all: number) => void
}

/** A ledger of fewer bytes is read through at once. */
const SMALL_BYTES = 4 * 1024 * 1024

/**
 * Finds entries, newest first, by the index where that is quicker: it is made, and brought up to date, on the way. Where it
 * can't be kept (another user's ledger, a copy that can't be written) the files are read from their end. Both ways find the
 * same.
 */
export async function queryLedger(dir: string, filter: Filter, options: QueryOptions): Promise<Page> {
  if (!asksMuch(filter) || !isWorthIt(dir)) return listEntries(dir, filter, options)
  for (const isLast of [false, true]) {
    try {
      return await byIndex(dir, filter, options)
    } catch (error) {
      // What is wrong with it is gone with it; once.
      if (!(error instanceof StaleIndex || isDamage(error)) || isLast) break
      removeIndex(indexPath(dir))
    }
  }
  options.signal?.throwIfAborted()
  return listEntries(dir, filter, options)
}

async function byIndex(dir: string, filter: Filter, options: QueryOptions): Promise<Page> {
  const db = openDatabase(indexPath(dir))
  try {
    await upToDate(db, dir, options)
    return findEntries(db, dir, filter, options)
  } finally {
    db.close()
  }
}

async function upToDate(db: Database, dir: string, { signal, onProgress }: QueryOptions): Promise<void> {
  const sealed = segmentFiles(dir).at(-1)?.first ?? 0
  await catchUp(db, dir, {
    ...(signal === undefined ? {} : { signal }),
    onProgress: size => onProgress?.(size, Math.max(sealed, size)),
  })
}

/** What stands at the end, or at places that are named, is found without. */
function asksMuch({ fromSeq: _from, toSeq: _to, ...rest }: Filter): boolean {
  return Object.keys(rest).length > 0
}

function isWorthIt(dir: string): boolean {
  // What another user made here could not be written by heald any more.
  if (process.geteuid?.() !== statSync(dir).uid) return false
  const files = segmentFiles(dir)
  return files.length > 1 || files.some(({ path }) => statSync(path).size > SMALL_BYTES)
}
