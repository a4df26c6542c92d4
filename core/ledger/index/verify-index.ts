import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../fault.ts'
import { catchUp } from './catch-up.ts'
import { type Database, indexPath, openDatabase } from './database.ts'

/** Whether the index says what the entries say; `why`: the first thing that is otherwise, and `seq` where, if known. */
export type IndexVerdict = { readonly ok: true } | { readonly ok: false; readonly seq: number; readonly why: string }

/**
 * Derives the index of a ledger anew, in a folder for temporary files, and compares all that is in both: an index that hides
 * entries from a search, or tells of others, is found. Null: there is none.
 */
export async function verifyIndex(
  dir: string,
  {
    signal,
    onProgress,
  }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, all: number) => void } = {},
): Promise<IndexVerdict | null> {
  if (!existsSync(indexPath(dir))) return null
  const temporary = mkdtempSync(join(tmpdir(), 'heald-index-'))
  let kept: Database | null = null
  let fresh: Database | null = null
  try {
    kept = new DatabaseSync(indexPath(dir), { readOnly: true })
    // One state of it, whoever goes on writing.
    kept.exec('BEGIN')
    const { size } = kept.prepare('SELECT size FROM upto').get() ?? {}
    if (typeof size !== 'number') return { ok: false, seq: 0, why: 'it does not say how far it goes' }
    fresh = openDatabase(join(temporary, 'index.db'))
    await catchUp(fresh, dir, {
      endSeq: size,
      ...(signal === undefined ? {} : { signal }),
      onProgress: done => onProgress?.(done, size),
    })
    return compared(kept, fresh, signal)
  } catch (error) {
    signal?.throwIfAborted()
    return { ok: false, seq: 0, why: `it can't be read: ${messageOf(error)}` }
  } finally {
    kept?.close()
    fresh?.close()
    rmSync(temporary, { recursive: true, force: true })
  }
}

const COMPARED = [
  ['how far it goes', 'SELECT size AS seq, h FROM upto'],
  ['where an entry stands', 'SELECT seq, offset, bytes, ms FROM entries ORDER BY seq'],
  ['when entries were made', 'SELECT block * 1024 AS seq, least_ms, most_ms FROM blocks ORDER BY block'],
  ['by which word an entry is found', 'SELECT doc AS seq, term FROM temp.instances'],
] as const

const LOOK_EVERY = 10_000

function compared(kept: Database, fresh: Database, signal?: AbortSignal): IndexVerdict {
  for (const db of [kept, fresh])
    db.exec(`CREATE VIRTUAL TABLE temp.instances USING fts5vocab ('main', 'words', 'instance')`)
  for (const [what, sql] of COMPARED) {
    const [ours, theirs] = [kept.prepare(sql).iterate(), fresh.prepare(sql).iterate()]
    for (let row = 1; ; row += 1) {
      if (row % LOOK_EVERY === 0) signal?.throwIfAborted()
      const [one, other] = [ours.next(), theirs.next()]
      if (one.done && other.done) break
      if (!one.done && !other.done && isSame(one.value, other.value)) continue
      const seqs = [one, other].flatMap(({ value }) => Number((value as { seq?: unknown } | undefined)?.seq ?? []))
      return { ok: false, seq: Math.min(...seqs), why: `it is wrong about ${what}` }
    }
  }
  return { ok: true }
}

function isSame(one: object, other: object): boolean {
  const values = Object.values(other)
  return Object.values(one).every((value, at) => value === values[at])
}
