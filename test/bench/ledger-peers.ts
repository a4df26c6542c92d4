import { generateKeyPairSync, hash, sign, verify } from 'node:crypto'
import { closeSync, fdatasync, openSync, readFileSync, write } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { openCursor } from '../../core/ledger/cursor.ts'
import type { Filter } from '../../core/ledger/filter.ts'
import { questionOf, tokensOf } from '../../core/ledger/index/tokens.ts'
import { checkLine } from '../../core/ledger/line.ts'

/*
 * What the machine itself can, beside what the ledger does: the same bytes, hashes and rows with nothing of ours around them.
 * So a slow machine can be told from slow code.
 */

/** Bytes of an entry's line in these figures. */
export const LINE_BYTES = 385

/** One write and one fdatasync, by the thread pool as the ledger's are. */
export function bareAppend(fd: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, error => (error ? reject(error) : fdatasync(fd, failed => (failed ? reject(failed) : resolve())))),
  )
}

export interface Batches {
  /** Entries in each. */
  readonly entries: number
  /** One bulk SHA-256 of each first. */
  readonly isHashed: boolean
  readonly forMs: number
}

/** Batches of lines, each durable before the next; entries a second. */
export async function bareAppends(path: string, { entries, isHashed, forMs }: Batches): Promise<number> {
  const fd = openSync(path, 'a')
  const bytes = Buffer.alloc(entries * LINE_BYTES, 'x')
  const startMs = performance.now()
  let done = 0
  for (; performance.now() - startMs < forMs; done += entries) {
    if (isHashed) hash('sha256', bytes)
    await bareAppend(fd, bytes)
  }
  closeSync(fd)
  return (done * 1000) / (performance.now() - startMs)
}

/** The hashes and the one signature that a receipt of a ledger of `size` entries takes; milliseconds of one. */
export function bareReceipt(size: number): () => number {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const note = Buffer.alloc(150, 'x')
  const signature = sign(null, note, privateKey)
  const pair = Buffer.alloc(65, 'x')
  const hashes = Math.ceil(Math.log2(size)) + 1
  return () => {
    const startMs = performance.now()
    for (let n = 0; n < hashes; n++) hash('sha256', pair)
    if (!verify(null, note, publicKey, signature)) throw new Error('a signature that proves nothing')
    return performance.now() - startMs
  }
}

export interface BareIndex {
  /** Milliseconds in which SQLite took the words of all entries, and put them together. */
  readonly madeMs: number
  /** Milliseconds in which it finds the newest entries for a filter. */
  ask(filter: Filter, limit: number): number
  close(): void
}

/** SQLite's own FTS5 in the file `path`, of the words of the ledger in `dir`. */
export async function bareIndex(dir: string, path: string): Promise<BareIndex> {
  const db = new DatabaseSync(path)
  db.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA locking_mode = EXCLUSIVE;
    CREATE VIRTUAL TABLE words USING fts5 (tokens, content = '', detail = none, columnsize = 0, tokenize = 'ascii');
    INSERT INTO words (words, rank) VALUES ('automerge', 0), ('crisismerge', 1000)
  `)
  const insert = db.prepare('INSERT INTO words (rowid, tokens) VALUES (?, ?)')
  let madeMs = 0
  const timed = (work: () => void): void => {
    const startMs = performance.now()
    work()
    madeMs += performance.now() - startMs
  }
  for await (const rows of rowsOf(dir)) {
    timed(() => {
      db.exec('BEGIN')
      for (const { seq, tokens } of rows) insert.run(seq, tokens)
      db.exec('COMMIT')
    })
  }
  timed(() => db.exec("INSERT INTO words (words) VALUES ('optimize')"))
  const find = db.prepare('SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid DESC LIMIT ?')
  return {
    madeMs,
    ask(filter, limit) {
      const startMs = performance.now()
      find.all(questionOf(filter), limit)
      return performance.now() - startMs
    },
    close: () => db.close(),
  }
}

const PIECE = 5000

/** The words of the ledger's entries, piece by piece. */
async function* rowsOf(dir: string): AsyncGenerator<{ seq: number; tokens: string }[]> {
  const cursor = openCursor(dir, 0)
  let rows: { seq: number; tokens: string }[] = []
  for (;;) {
    const lines = await cursor.next(Number.POSITIVE_INFINITY)
    for (const { seq, text } of lines) {
      const checked = checkLine(text)
      if (!checked.ok) throw new Error(`entry #${seq} is bad`)
      rows.push({ seq, tokens: tokensOf(checked.entry) })
    }
    if (rows.length < PIECE && lines.length > 0) continue
    if (rows.length > 0) yield rows
    if (lines.length === 0) break
    rows = []
  }
  await cursor.close()
}

/** A whole segment read, and hashed in one go; milliseconds. */
export function bareScan(path: string): number {
  const startMs = performance.now()
  hash('sha256', readFileSync(path))
  return performance.now() - startMs
}
