import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault, messageOf } from '../../fault.ts'
import { INDEX_PARTS } from '../files.ts'
import { firstSeq } from '../read.ts'
import { catchUp, holdsBefore, sizeOf } from './catch-up.ts'
import { compareIndexes, type IndexVerdict } from './compare.ts'
import { type Database, indexPath, isBusy, isCorrupt, isFull, isWrong, kindOf, openDatabase } from './database.ts'

export interface VerifyIndexOptions {
  readonly signal?: AbortSignal
  /** Entries that are derived, of all that are in the index. */
  readonly onProgress?: (done: number, all: number) => void
}

/**
 * Derives the index of a ledger anew, in a folder for temporary files, and compares all that is in both: an index that hides
 * entries from a search, or tells of others, is found. Null: there is none, or an empty file, or one that heald makes anew
 * before it asks it anything. A Fault (`index.busy`, `index.derived`) where it can't be judged.
 */
export async function verifyIndex(dir: string, options: VerifyIndexOptions = {}): Promise<IndexVerdict | null> {
  if (!existsSync(indexPath(dir))) return null
  if (!statSync(indexPath(dir)).isFile()) return { ok: false, seq: 0, why: 'it is no file' }
  const { signal } = options
  const temporary = mkdtempSync(join(tmpdir(), 'heald-index-'))
  let kept: Database | null = null
  let fresh: Database | null = null
  try {
    kept = await keptIn(indexPath(dir), temporary, signal)
    if (kindOf(kept) !== 'ours' || holdsBefore(kept, firstSeq(dir))) return null
    const size = sizeOf(kept)
    fresh = await openDatabase(join(temporary, 'fresh.db'))
    await catchUp(fresh, dir, {
      endSeq: size,
      ...(signal === undefined ? {} : { signal }),
      onProgress: done => options.onProgress?.(done, size),
    })
    return await compareIndexes(kept, fresh, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof Unreadable) return { ok: false, seq: 0, why: error.message }
    // What was derived just now is not broken.
    if (isCorrupt(error)) return { ok: false, seq: 0, why: `it can't be read: ${messageOf(error)}` }
    if (error instanceof Fault) throw error
    throw new Fault('index.derived', `the search index can't be derived anew in ${temporary}: ${messageOf(error)}`, {
      hint: 'name another folder for temporary files, with room: TMPDIR=/var/tmp heald ledger verify --index',
      cause: error,
    })
  } finally {
    kept?.close()
    fresh?.close()
    rmSync(temporary, { recursive: true, force: true })
  }
}

class Unreadable extends Error {}

const BUSY_MS = 30_000
const AGAIN_MS = 50
const ALL_PAGES = 2 ** 31 - 1

/**
 * One state of it, to be read and written as one likes, while others go on with theirs. Its pages are copied as they are,
 * since a search goes by them: made anew from its rows, as by VACUUM, it would lose ways that lead past some of them.
 */
async function keptIn(path: string, temporary: string, signal?: AbortSignal): Promise<Database> {
  const copy = join(temporary, 'kept.db')
  try {
    if (isWritable(path)) await copyAlone(path, copy, signal)
    // SQLite reads none that it can't write beside.
    else for (const end of INDEX_PARTS) if (existsSync(path + end)) copyFileSync(path + end, copy + end)
    const db = new DatabaseSync(copy)
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = OFF; PRAGMA trusted_schema = OFF')
    return db
  } catch (error) {
    if (isWrong(error) && !isFull(error)) throw new Unreadable(`it can't be read: ${messageOf(error)}`)
    throw error
  }
}

function isWritable(path: string): boolean {
  try {
    for (const each of [path, dirname(path)]) accessSync(each, constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function copyAlone(path: string, copy: string, signal?: AbortSignal): Promise<void> {
  for (const endMs = performance.now() + BUSY_MS; ; await sleep(AGAIN_MS)) {
    signal?.throwIfAborted()
    const db = new DatabaseSync(path, { timeout: 0 })
    try {
      // It is held from the first look at it on.
      db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF; SELECT count(*) FROM sqlite_schema')
      await backup(db, copy, { rate: ALL_PAGES })
      return
    } catch (error) {
      if (!isBusy(error)) throw error
      if (performance.now() > endMs)
        throw new Fault('index.busy', 'the search index is in use all the time', {
          hint: 'perhaps it is made anew just now: try again in a minute',
          retry: BUSY_MS,
          cause: error,
        })
    } finally {
      db.close()
    }
  }
}
