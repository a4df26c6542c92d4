import { type Cursor, openCursor, type RawLine } from '../cursor.ts'
import { checkLine } from '../line.ts'
import { firstSeq } from '../read.ts'
import { BLOCK, begin, type Database, inTransaction, StaleIndex } from './database.ts'
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
  if (!isOfThis(db, dir) || holdsPruned(db, dir)) begin(db)
  // What was pruned is not there to be found.
  let size = Math.max(sizeOf(db), firstSeq(dir))
  if (size >= endSeq) return size
  const add = adder(db)
  const cursor = openCursor(dir, size)
  try {
    for (;;) {
      const lines = await nextLines(cursor, size, endSeq, signal)
      if (lines.length === 0) return size
      size = add(size, lines)
      onProgress?.(size)
      if (isEnough?.()) return size
    }
  } finally {
    await cursor.close()
  }
}

export function sizeOf(db: Database): number {
  return Number(db.prepare('SELECT size FROM upto').get()?.size ?? 0)
}

/** Whether it tells of entries that were pruned since it was made. */
export function holdsPruned(db: Database, dir: string): boolean {
  const { seq } = db.prepare('SELECT min(seq) AS seq FROM entries').get() ?? {}
  return typeof seq === 'number' && seq < firstSeq(dir)
}

/** Whether the newest entry in it is still that of the ledger. */
function isOfThis(db: Database, dir: string): boolean {
  const { size, h } = db.prepare('SELECT size, h FROM upto').get() ?? {}
  if (typeof size !== 'number' || typeof h !== 'string') return false
  if (size === 0) return true
  const place = db.prepare('SELECT seq, offset, bytes FROM entries WHERE seq = ?').get(size - 1)
  if (place === undefined) return false
  const reader = lineReader(dir)
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

/** A line that claims a place further on would hide what comes: it and the rest are left to those who read the files. */
async function nextLines(cursor: Cursor, fromSeq: number, endSeq: number, signal?: AbortSignal): Promise<RawLine[]> {
  const all: RawLine[] = []
  for (let bytes = 0; bytes < PIECE_BYTES; ) {
    signal?.throwIfAborted()
    const lines = await cursor.next(endSeq)
    if (lines.length === 0) break
    for (const line of lines) {
      if (line.seq !== fromSeq + all.length) return all
      all.push(line)
      bytes += line.bytes
    }
  }
  return all
}

/** Adds the lines that stand from a seq on; answers the new size. */
type Add = (from: number, lines: readonly RawLine[]) => number

function adder(db: Database): Add {
  const addEntry = db.prepare('INSERT INTO entries VALUES (?, ?, ?, ?)')
  const addWords = db.prepare('INSERT INTO words (rowid, tokens) VALUES (?, ?)')
  const addTime = db.prepare(
    `INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT (block) DO UPDATE
     SET least_ms = min(least_ms, excluded.least_ms), most_ms = max(most_ms, excluded.most_ms)`,
  )
  const move = db.prepare('UPDATE upto SET size = ?, h = ?')
  return (from, lines) =>
    inTransaction(db, () => {
      const last = from + lines.length - 1
      const allTokens: (string | null)[] = []
      let [block, leastMs, mostMs, h] = [-1, 0, 0, '']
      for (const { seq, text, offset, bytes } of lines) {
        const checked = checkLine(text)
        const ms = checked.ok ? Date.parse(checked.entry.ts) : null
        addEntry.run(seq, offset, bytes, ms)
        allTokens.push(checked.ok ? tokensOf(checked.entry) : null)
        if (seq === last && checked.ok) h = checked.entry.h
        if (ms === null) continue
        const its = Math.floor(seq / BLOCK)
        if (its !== block) {
          if (block >= 0) addTime.run(block, leastMs, mostMs)
          block = its
          leastMs = mostMs = ms
        } else if (ms < leastMs) leastMs = ms
        else if (ms > mostMs) mostMs = ms
      }
      if (block >= 0) addTime.run(block, leastMs, mostMs)
      move.run(last + 1, h)
      // Last: any statement but this makes the table write out what it has gathered.
      for (const [at, tokens] of allTokens.entries()) if (tokens !== null) addWords.run(from + at, tokens)
      return last + 1
    })
}
