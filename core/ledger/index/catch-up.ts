import { openCursor, type RawLine } from '../cursor.ts'
import { checkLine } from '../line.ts'
import { readEntry } from '../read.ts'
import { BLOCK, begin, type Database, inTransaction } from './database.ts'
import { tokensOf } from './tokens.ts'

export interface CatchUpOptions {
  readonly signal?: AbortSignal
  /** Entries that are in the index now. */
  readonly onProgress?: (size: number) => void
  /** Up to this seq, exclusive; left out: all that is there. */
  readonly endSeq?: number
}

/**
 * Brings the index up to what the files hold, piece by piece, each in a transaction of its own: killed anywhere, it goes on
 * from there, and two at once share the work. An index of another past is begun anew. Resolves to its size.
 */
export async function catchUp(db: Database, dir: string, options: CatchUpOptions = {}): Promise<number> {
  if (!(await isOfThis(db, dir))) begin(db)
  let size = sizeOf(db)
  const add = adder(db)
  let cursor = openCursor(dir, size)
  try {
    for (;;) {
      options.signal?.throwIfAborted()
      const lines = await cursor.next(options.endSeq ?? Number.POSITIVE_INFINITY)
      if (lines.length === 0) return size
      const now = add(size, lines)
      if (now !== size + lines.length) {
        await cursor.close()
        cursor = openCursor(dir, now)
      }
      size = now
      options.onProgress?.(size)
    }
  } finally {
    await cursor.close()
  }
}

export function sizeOf(db: Database): number {
  return Number(db.prepare('SELECT size FROM upto').get()?.size ?? 0)
}

/** Whether the newest entry in it is still that of the ledger. */
async function isOfThis(db: Database, dir: string): Promise<boolean> {
  const { size, h } = db.prepare('SELECT size, h FROM upto').get() ?? {}
  if (typeof size !== 'number' || typeof h !== 'string') return false
  if (size === 0) return true
  const found = await readEntry(dir, size - 1)
  return found !== null && h === ('entry' in found ? found.entry.h : '')
}

/** Adds the lines that stand at `from`; answers the new size, which is another one's where that was quicker. */
type Add = (from: number, lines: readonly RawLine[]) => number

function adder(db: Database): Add {
  const addEntry = db.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)')
  const addWords = db.prepare('INSERT INTO words (rowid, tokens) VALUES (?, ?)')
  const addTime = db.prepare(
    `INSERT INTO blocks VALUES (?, ?, ?) ON CONFLICT (block) DO UPDATE
     SET least_ms = min(least_ms, excluded.least_ms), most_ms = max(most_ms, excluded.most_ms)`,
  )
  const move = db.prepare('UPDATE upto SET size = ?, h = ?')
  return (from, lines) =>
    inTransaction(db, () => {
      const size = sizeOf(db)
      if (size !== from) return size
      let next = from
      let h = ''
      for (const { seq, text, offset, bytes } of lines) {
        const checked = checkLine(text)
        const ms = checked.ok ? Date.parse(checked.entry.ts) : null
        addEntry.run(seq, offset, bytes, ms)
        h = checked.ok ? checked.entry.h : ''
        next = seq + 1
        if (!checked.ok || ms === null) continue
        addWords.run(seq, tokensOf(checked.entry))
        addTime.run(Math.floor(seq / BLOCK), ms, ms)
      }
      move.run(next, h)
      return next
    })
}
