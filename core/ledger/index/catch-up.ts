import { countingSegments } from '../base.ts'
import { type Cursor, openCursor } from '../cursor.ts'
import type { SegmentFile } from '../files.ts'
import { checkLine } from '../line.ts'
import { BLOCK, begin, type Database, inTransaction, prepared, StaleIndex } from './database.ts'
import { lineReader, type Place } from './lines.ts'
import { tokensOf } from './tokens.ts'

export interface CatchUpOptions {
  readonly signal?: AbortSignal
  /** Entries that are in the index now. */
  readonly onProgress?: (size: number) => void
  /** Up to this seq, exclusive; left out: all that is there. */
  readonly endSeq?: number
  /** Asked after each piece; the rest is left for another time. */
  readonly isEnough?: () => boolean
}

/** About 5,000 entries are one transaction: smaller ones make the index slow, larger ones hold it too long. */
const PIECE_BYTES = 2 * 1024 * 1024

/**
 * Brings the index up to what the files hold, piece by piece, each in a transaction of its own: killed anywhere, it goes on
 * from there. An index of another past is begun anew. It ends before the first line that is out of its place. Resolves to
 * its size.
 */
export async function catchUp(db: Database, dir: string, options: CatchUpOptions = {}): Promise<number> {
  const { signal, onProgress, isEnough, endSeq = Number.POSITIVE_INFINITY } = options
  const files = countingSegments(dir)
  const first = files[0]?.first ?? 0
  if (!isOfThis(db, files) || holdsBefore(db, first)) begin(db)
  // What was pruned is not there to be found.
  let size = Math.max(sizeOf(db), first)
  if (size >= endSeq) return size
  const cursor = openCursor(dir, size)
  try {
    for (;;) {
      const gathered = await gather(cursor, size, endSeq, signal)
      if (gathered.tokens.length === 0) return size
      size = add(db, size, gathered)
      onProgress?.(size)
      if (isEnough?.()) return size
    }
  } finally {
    await cursor.close()
  }
}

export function sizeOf(db: Database): number {
  return Number(prepared(db, 'SELECT size FROM upto').get()?.size ?? 0)
}

/** Whether it tells of entries before the ledger's `first`: they were pruned since it was made. */
export function holdsBefore(db: Database, first: number): boolean {
  const { seq } = prepared(db, 'SELECT min(seq) AS seq FROM entries').get() ?? {}
  return typeof seq === 'number' && seq < first
}

/** Whether the newest entry in it is still that of the ledger. */
function isOfThis(db: Database, files: readonly SegmentFile[]): boolean {
  const { size, h } = prepared(db, 'SELECT size, h FROM upto').get() ?? {}
  if (typeof size !== 'number' || typeof h !== 'string') return false
  if (size === 0) return true
  const place = prepared(db, 'SELECT seq, offset, bytes FROM entries WHERE seq = ?').get(size - 1)
  if (place === undefined) return false
  const reader = lineReader(files)
  try {
    const checked = checkLine(reader.read(place as unknown as Place))
    return checked.ok ? checked.entry.seq === size - 1 && checked.entry.h === h : h === ''
  } catch (error) {
    if (error instanceof StaleIndex) return false
    throw error
  } finally {
    reader.close()
  }
}

/** What the tables get of lines that follow on each other. */
interface Gathered {
  /** Seq, offset, bytes and ms of one after the other. */
  readonly places: (number | null)[]
  /** Of each; null for a line that is no entry. */
  readonly tokens: (string | null)[]
  /** `h` of the last one; '' when it is no entry. */
  h: string
}

/** A line that claims a place further on would hide what comes: it and the rest are left to those who read the files. */
async function gather(cursor: Cursor, fromSeq: number, endSeq: number, signal?: AbortSignal): Promise<Gathered> {
  const gathered: Gathered = { places: [], tokens: [], h: '' }
  const { places, tokens } = gathered
  for (let all = 0; all < PIECE_BYTES; ) {
    signal?.throwIfAborted()
    const lines = await cursor.next(endSeq)
    if (lines.length === 0) break
    // At once: what is not kept for long costs little.
    for (const { seq, text, offset, bytes } of lines) {
      if (seq !== fromSeq + tokens.length) return gathered
      const checked = checkLine(text)
      places.push(seq, offset, bytes, checked.ok ? Date.parse(checked.entry.ts) : null)
      tokens.push(checked.ok ? tokensOf(checked.entry) : null)
      gathered.h = checked.ok ? checked.entry.h : ''
      all += bytes
    }
  }
  return gathered
}

const COLUMNS = 4
/** Each statement has a price of its own. */
const ROWS = 32
const ADD_PLACE = 'INSERT INTO entries VALUES (?, ?, ?, ?)'
const ADD_PLACES = ADD_PLACE + ', (?, ?, ?, ?)'.repeat(ROWS - 1)

/** Adds what was gathered from a seq on; answers the new size. */
function add(db: Database, from: number, { places, tokens, h }: Gathered): number {
  const addWords = prepared(db, 'INSERT INTO words (rowid, tokens) VALUES (?, ?)')
  return inTransaction(db, () => {
    for (let at = 0; at < places.length; ) {
      const rows = places.length - at < ROWS * COLUMNS ? 1 : ROWS
      prepared(db, rows === 1 ? ADD_PLACE : ADD_PLACES).run(...places.slice(at, at + rows * COLUMNS))
      at += rows * COLUMNS
    }
    addTimes(db, places)
    const size = from + tokens.length
    prepared(db, 'UPDATE upto SET size = ?, h = ?').run(size, h)
    // Last: any statement but this makes the table write out what it has gathered.
    for (const [at, each] of tokens.entries()) if (each !== null) addWords.run(from + at, each)
    return size
  })
}

function addTimes(db: Database, places: Gathered['places']): void {
  const addTime = prepared(
    db,
    `INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT (block) DO UPDATE
     SET least_ms = min(least_ms, excluded.least_ms), most_ms = max(most_ms, excluded.most_ms)`,
  )
  let [block, leastMs, mostMs] = [-1, 0, 0]
  for (let at = 0; at < places.length; at += COLUMNS) {
    const ms = places[at + 3] ?? null
    if (ms === null) continue
    const its = Math.floor(Number(places[at]) / BLOCK)
    if (its !== block) {
      if (block >= 0) addTime.run(block, leastMs, mostMs)
      block = its
      leastMs = mostMs = ms
    } else if (ms < leastMs) leastMs = ms
    else if (ms > mostMs) mostMs = ms
  }
  if (block >= 0) addTime.run(block, leastMs, mostMs)
}
