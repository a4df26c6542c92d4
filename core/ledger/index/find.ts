import { setImmediate } from 'node:timers/promises'
import { countingSegments } from '../base.ts'
import { type Filter, matcher } from '../filter.ts'
import { checkLine } from '../line.ts'
import { MAX_BAD, type Page, type PageOptions, type Row } from '../list.ts'
import { type BadLine, readEntry } from '../read.ts'
import { sizeOf } from './catch-up.ts'
import { BLOCK, type Database, prepared, StaleIndex } from './database.ts'
import { lineReader, type Place } from './lines.ts'
import { questionOf } from './tokens.ts'

const LEAST_BATCH = 64
const MOST_BATCH = 4096

/** A long search lets others have their turn so often. */
const TURN_MS = 4

/**
 * Finds entries by the index, newest first, as far as it goes. It is only asked where they stand: each line is read from its
 * segment, checked against its hash, and asked the filter's questions again, so a forged index can show nothing that is not
 * so. What it hides, `verifyIndex` finds.
 */
export async function findEntries(
  db: Database,
  dir: string,
  filter: Filter,
  { limit, cursor, signal }: PageOptions,
): Promise<Page> {
  const rows: Row[] = []
  const fits = matcher(filter)
  const files = countingSegments(dir)
  const range = rangeOf(db, filter, cursor, files[0]?.first ?? 0)
  const reader = lineReader(files)
  let turnMs = performance.now()
  try {
    const bad = await badIn(db, dir, range)
    const places = placesFor(db, filter)
    let batch = Math.max(LEAST_BATCH, Math.min(limit + 1, MOST_BATCH))
    for (let last = range.last; last >= range.first; ) {
      if (performance.now() - turnMs > TURN_MS) {
        await setImmediate()
        turnMs = performance.now()
      }
      signal?.throwIfAborted()
      const found = places(range.first, last, batch)
      for (const place of found) {
        const { seq } = place
        last = seq - 1
        const line = reader.read(place)
        const checked = checkLine(line)
        if (!checked.ok) {
          const damaged = await damagedAt(dir, seq)
          if (bad.length < MAX_BAD && !bad.some(each => each.seq === seq)) bad.push(damaged)
          continue
        }
        if (checked.entry.seq !== seq) throw new StaleIndex(`entry #${checked.entry.seq} stands where #${seq} was`)
        if (!fits(checked.entry)) continue
        if (rows.length === limit) return { rows, next: String(rows.at(-1)?.entry.seq ?? 0), bad: seen(bad, rows) }
        rows.push({ line, entry: checked.entry })
      }
      if (found.length < batch) break
      // Where most of what is found does not fit, more is asked for at a time.
      batch = Math.min(batch * 2, MOST_BATCH)
    }
    return { rows, next: null, bad }
  } finally {
    reader.close()
  }
}

/** Those that a reading of the files from their end would have met on its way to the page's last row. */
function seen(bad: readonly BadLine[], rows: readonly Row[]): BadLine[] {
  const oldest = rows.at(-1)?.entry.seq ?? 0
  return bad.filter(({ seq }) => seq > oldest)
}

function rangeOf(
  db: Database,
  filter: Filter,
  cursor: string | undefined,
  firstThere: number,
): { first: number; last: number } {
  const { sinceMs, untilMs } = filter
  let first = Math.max(filter.fromSeq ?? 0, firstThere)
  let last = Math.min(filter.toSeq ?? Number.POSITIVE_INFINITY, sizeOf(db) - 1)
  if (cursor !== undefined) last = Math.min(last, Number(cursor) - 1)
  if (sinceMs !== undefined) {
    const { block } = prepared(db, 'SELECT min(block) AS block FROM blocks WHERE most_ms >= ?').get(sinceMs) ?? {}
    first = Math.max(first, typeof block === 'number' ? block * BLOCK : Number.POSITIVE_INFINITY)
  }
  if (untilMs !== undefined) {
    const { block } = prepared(db, 'SELECT max(block) AS block FROM blocks WHERE least_ms <= ?').get(untilMs) ?? {}
    last = Math.min(last, typeof block === 'number' ? (block + 1) * BLOCK - 1 : -1)
  }
  return { first, last }
}

async function badIn(db: Database, dir: string, { first, last }: { first: number; last: number }): Promise<BadLine[]> {
  if (first > last) return []
  const sql = 'SELECT seq FROM entries WHERE ms IS NULL AND seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?'
  const found = prepared(db, sql).all(first, last, MAX_BAD)
  const bad: BadLine[] = []
  for (const { seq } of found) bad.push(await damagedAt(dir, Number(seq)))
  return bad
}

/** By the files themselves: only an index that is wrong would call an entry damaged that is not. */
async function damagedAt(dir: string, seq: number): Promise<BadLine> {
  const found = await readEntry(dir, seq)
  if (found !== null && 'why' in found) return { seq, why: found.why }
  throw new StaleIndex(found === null ? `there is no entry #${seq}` : `entry #${seq} is not damaged`)
}

/** Asks for the newest places in a range of seqs. */
function placesFor(db: Database, filter: Filter): (first: number, last: number, most: number) => Place[] {
  const question = questionOf(filter)
  const { sinceMs = Number.MIN_SAFE_INTEGER, untilMs = Number.MAX_SAFE_INTEGER } = filter
  const what = 'entries.seq AS seq, offset, bytes'
  const within = 'ms BETWEEN ? AND ?'
  const statement = prepared(
    db,
    question === ''
      ? `SELECT ${what} FROM entries WHERE seq BETWEEN ? AND ? AND ${within} ORDER BY seq DESC LIMIT ?`
      : `SELECT ${what} FROM words JOIN entries ON entries.seq = words.rowid
         WHERE words MATCH ? AND words.rowid BETWEEN ? AND ? AND ${within} ORDER BY words.rowid DESC LIMIT ?`,
  )
  const asked = question === '' ? [] : [question]
  return (first, last, most) => statement.all(...asked, first, last, sinceMs, untilMs, most) as unknown as Place[]
}
