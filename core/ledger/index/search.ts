import type { Filter } from '../filter.ts'
import { listEntries, type Page, type PageOptions } from '../list.ts'
import { sizeOf } from './catch-up.ts'
import type { Database } from './database.ts'
import { findEntries } from './find.ts'

/** Finds entries, newest first: those that are not in the index yet by the files, all others by the index. */
export async function searchLedger(db: Database, dir: string, filter: Filter, options: PageOptions): Promise<Page> {
  const { limit, cursor } = options
  const size = sizeOf(db)
  const last = Math.min(
    filter.toSeq ?? Number.POSITIVE_INFINITY,
    cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor) - 1,
  )
  if (last < size) return findEntries(db, dir, filter, options)
  const newer = await listEntries(dir, { ...filter, fromSeq: Math.max(size, filter.fromSeq ?? 0) }, options)
  if (newer.next !== null) return newer
  const left = limit - newer.rows.length
  const older = await findEntries(db, dir, filter, { ...options, limit: left, cursor: String(size) })
  const rows = [...newer.rows, ...older.rows]
  return {
    rows,
    next: older.next === null ? null : String(rows.at(-1)?.entry.seq ?? 0),
    // Those beyond the page are the next one's.
    bad: left === 0 && older.next !== null ? newer.bad : [...newer.bad, ...older.bad],
  }
}
