import { chmodSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { INDEX_FILE, INDEX_PARTS } from '../files.ts'

/*
 * `index.db` beside a ledger: derived, and thrown away whenever anything about it is wrong. Whoever opens it has it alone:
 * SQLite then needs no memory that is shared by a file, in which a full or broken disk would kill the process (SIGBUS).
 */
export type Database = DatabaseSync

/** Thrown when a line is not where the index says, or is another entry: the index is of another past. */
export class StaleIndex extends Error {}

const VERSION = 2
/** How long another process may have it before the files are read instead. */
const BUSY_MS = 1000
const AGAIN_MS = 10
const MOST_REMOVALS = 3

/** Entries of one row in `blocks`. */
export const BLOCK = 1024

/** By name; an index whose tables were made by other words is none of ours. */
const TABLES: Readonly<Record<string, string>> = {
  // ms: wall clock; NULL for a line that is no entry.
  entries:
    'CREATE TABLE entries (seq INTEGER PRIMARY KEY, offset INTEGER NOT NULL, bytes INTEGER NOT NULL, ms INTEGER) STRICT',
  bad: 'CREATE INDEX bad ON entries (seq) WHERE ms IS NULL',
  blocks: 'CREATE TABLE blocks (block INTEGER PRIMARY KEY, least_ms INTEGER NOT NULL, most_ms INTEGER NOT NULL) STRICT',
  words:
    "CREATE VIRTUAL TABLE words USING fts5 (tokens, content = '', detail = none, columnsize = 0, tokenize = 'ascii')",
  // h: of the entry before "size"; another one there is another ledger.
  upto: 'CREATE TABLE upto (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, h TEXT NOT NULL) STRICT',
}

/** So many pieces of words are put together at once, whoever waits: the table can't have more than 2,000. */
const MOST_PIECES = 1000

/** What FTS5 keeps the table of words in. */
const PARTS_OF_WORDS = ['words_data', 'words_idx', 'words_config']

export function indexPath(dir: string): string {
  return join(dir, INDEX_FILE)
}

/**
 * Opens it for this process alone, made anew where there is none or it is no index. Throws where it can't be written, and
 * where another process has it all the time.
 */
export async function openDatabase(path: string, { busyMs = BUSY_MS } = {}): Promise<Database> {
  const endMs = performance.now() + busyMs
  for (let removals = 0; ; ) {
    try {
      return opened(path)
    } catch (error) {
      if (isWrong(error) && removals < MOST_REMOVALS) removals += 1
      else if (isBusy(error) && performance.now() < endMs) await sleep(AGAIN_MS)
      else throw error
    }
  }
}

function opened(path: string): Database {
  const db = new DatabaseSync(path, { timeout: 0 })
  try {
    // It holds what the ledger holds, so nobody else may read it.
    chmodSync(path, 0o600)
    const { ino } = statSync(path)
    db.exec(`
      PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF
    `)
    const kind = kindOf(db)
    if (kind === 'empty') begin(db)
    if (kind === 'another') throw new StaleIndex('it is of another version')
    // Somebody may have thrown it away before it was ours alone.
    if (statSync(path).ino !== ino) throw new StaleIndex('it is another file now')
    return db
  } catch (error) {
    // Before it is let go: afterwards it may be somebody else's new one.
    if (isWrong(error)) removeIndex(path)
    db.close()
    throw error
  }
}

/** Whether it is an index of this version. Throws where it is no database. */
export function kindOf(db: Database): 'ours' | 'empty' | 'another' {
  const found = db.prepare('SELECT name, sql FROM sqlite_schema').all()
  if (found.length === 0) return 'empty'
  const isKnown = ({ name, sql }: (typeof found)[number]): boolean =>
    PARTS_OF_WORDS.includes(String(name)) || TABLES[String(name)] === sql
  const isWhole = found.length === Object.keys(TABLES).length + PARTS_OF_WORDS.length && found.every(isKnown)
  return isWhole && db.prepare('PRAGMA user_version').get()?.user_version === VERSION ? 'ours' : 'another'
}

/** Empties it. */
export function begin(db: Database): void {
  inTransaction(db, () => {
    for (const name of ['entries', 'blocks', 'words', 'upto']) db.exec(`DROP TABLE IF EXISTS ${name}`)
    for (const sql of Object.values(TABLES)) db.exec(sql)
    // Its words are put together by `mergeWords`, when nobody waits; on the way it would be done several times.
    for (const [what, most] of Object.entries({ automerge: 0, crisismerge: MOST_PIECES }))
      db.exec(`INSERT INTO words (words, rank) VALUES ('${what}', ${most})`)
    db.exec(`INSERT INTO upto VALUES (1, 0, ''); PRAGMA user_version = ${VERSION}`)
  })
}

const statements = new WeakMap<Database, Map<string, StatementSync>>()

/** The statement of a text; to read a text takes longer than most of what it asks for. */
export function prepared(db: Database, sql: string): StatementSync {
  const known = statements.get(db) ?? new Map<string, StatementSync>()
  statements.set(db, known)
  const statement = known.get(sql) ?? db.prepare(sql)
  known.set(sql, statement)
  return statement
}

/** All of it or nothing. */
export function inTransaction<T>(db: Database, work: () => T): T {
  prepared(db, 'BEGIN IMMEDIATE').run()
  try {
    const result = work()
    prepared(db, 'COMMIT').run()
    return result
  } catch (error) {
    // A full or broken disk may have ended it already.
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

export function removeIndex(path: string): void {
  for (const end of INDEX_PARTS) rmSync(path + end, { force: true })
}

const SQLITE = { error: 1, busy: 5, ioError: 10, corrupt: 11, full: 13, notADatabase: 26 }

function codeIn(error: unknown): number | null {
  const code = (error as { readonly errcode?: unknown }).errcode
  return typeof code === 'number' ? code & 0xff : null
}

/** Whether the index itself is wrong, or the disk under it: it has to be thrown away, which also makes room. */
export function isWrong(error: unknown): boolean {
  const { error: sql, ioError, corrupt, full, notADatabase } = SQLITE
  return error instanceof StaleIndex || [sql, ioError, corrupt, full, notADatabase].includes(codeIn(error) ?? -1)
}

export function isCorrupt(error: unknown): boolean {
  return [SQLITE.corrupt, SQLITE.notADatabase].includes(codeIn(error) ?? -1)
}

export function isBusy(error: unknown): boolean {
  return codeIn(error) === SQLITE.busy
}

export function isFull(error: unknown): boolean {
  return codeIn(error) === SQLITE.full
}
