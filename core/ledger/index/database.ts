import { chmodSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../fault.ts'
import { INDEX_FILE } from '../files.ts'

/** `index.db` beside a ledger: derived, and thrown away whenever anything about it is wrong. */
export type Database = DatabaseSync

const VERSION = 1
const BUSY_MS = 5000

/** Entries of one row in `blocks`. */
export const BLOCK = 1024

export function indexPath(dir: string): string {
  return join(dir, INDEX_FILE)
}

/** Opens it, made anew where there is none or it is no index. Throws where it can't be written. */
export function openDatabase(path: string): Database {
  try {
    return opened(path)
  } catch (error) {
    if (!isDamage(error)) throw error
    removeIndex(path)
    return opened(path)
  }
}

function opened(path: string): Database {
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  try {
    // It holds what the ledger holds, so nobody else may read it.
    chmodSync(path, 0o600)
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY')
    if (versionOf(db) !== VERSION) begin(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

function versionOf(db: Database): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version)
}

/** Empties it. */
export function begin(db: Database): void {
  inTransaction(db, () =>
    db.exec(`
      DROP TABLE IF EXISTS entries; DROP TABLE IF EXISTS blocks; DROP TABLE IF EXISTS words; DROP TABLE IF EXISTS upto;
      -- ms: wall clock; NULL for a line that is no entry.
      CREATE TABLE entries (seq INTEGER PRIMARY KEY, offset INTEGER NOT NULL, bytes INTEGER NOT NULL, ms INTEGER) STRICT;
      CREATE INDEX bad ON entries (seq) WHERE ms IS NULL;
      CREATE TABLE blocks (block INTEGER PRIMARY KEY, least_ms INTEGER NOT NULL, most_ms INTEGER NOT NULL) STRICT;
      CREATE VIRTUAL TABLE words USING fts5 (tokens, content = '', detail = none, columnsize = 0, tokenize = 'ascii');
      -- h: of the entry before "size"; another one there is another ledger.
      CREATE TABLE upto (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, h TEXT NOT NULL) STRICT;
      INSERT INTO upto VALUES (1, 0, '');
      PRAGMA user_version = ${VERSION};
    `),
  )
}

/** All of it or nothing; one writer at a time. */
export function inTransaction<T>(db: Database, work: () => T): T {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}

export function removeIndex(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true })
}

/** SQLITE_CORRUPT, SQLITE_NOTADB, or tables that are not ours. */
export function isDamage(error: unknown): boolean {
  const code = (error as { readonly errcode?: unknown }).errcode
  if (typeof code !== 'number') return false
  return [11, 26].includes(code & 0xff) || /no such (table|column)|malformed/.test(messageOf(error))
}
