import { readFileSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/* What somebody does who may write the search index and knows how SQLite keeps a table: he changes its pages. */

const INTERIOR = 5

/** The bytes of a database, and where the pages stand of which its tables' ways are made (interior pages of b-trees). */
export interface Pages {
  readonly bytes: Buffer
  /** Where the separators of each interior page stand: cells of a child's number (4 bytes) and a key (a varint). */
  readonly separators: readonly { readonly at: number; readonly key: number }[]
}

/** The pages of one of its tables, which has to be kept by number and to be more than one page long. */
export function pagesOf(path: string, table: string): Pages {
  const { root, size } = rootOf(path, table)
  const bytes = readFileSync(path)
  const page = (root - 1) * size
  if (bytes[page] !== INTERIOR) return { bytes, separators: [] }
  const cells = bytes.readUInt16BE(page + 3)
  const separators = Array.from({ length: cells }, (_, cell) => {
    const at = page + bytes.readUInt16BE(page + 12 + 2 * cell) + 4
    return { at, key: varintAt(bytes, at) }
  })
  return { bytes, separators }
}

function rootOf(path: string, table: string): { readonly root: number; readonly size: number } {
  const db = new DatabaseSync(path)
  try {
    db.exec('PRAGMA wal_checkpoint (TRUNCATE)')
    const root = Number(db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(table)?.rootpage)
    return { root, size: Number(db.prepare('PRAGMA page_size').get()?.page_size) }
  } finally {
    db.close()
  }
}

/** Sends who looks for the keys between `key` and the separator at `at` to the wrong page. The key has to be as long. */
export function moveSeparator(path: string, { bytes }: Pages, at: number, key: number): void {
  writeVarint(bytes, at, key)
  writeFileSync(path, bytes)
}

function varintAt(bytes: Buffer, from: number): number {
  let value = 0
  for (let at = from; ; at++) {
    const byte = bytes[at] ?? 0
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return value
  }
}

function writeVarint(bytes: Buffer, from: number, value: number): void {
  let to = from
  while ((bytes[to] ?? 0) >= 0x80) to++
  let left = value
  for (let at = to; at >= from; at--) {
    bytes[at] = (left % 128) | (at < to ? 0x80 : 0)
    left = Math.floor(left / 128)
  }
}
