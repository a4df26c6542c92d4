import { readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { disk } from './files.ts'
import { MAX_NOTE_BYTES } from './note.ts'
import { isMissing, NotPlain, readPlain } from './plain-file.ts'

/*
 * Checkpoints beside a ledger: `checkpoint`, the newest, and in `cp/` those that are kept: each handover of a key for
 * ever, and what was posted elsewhere.
 */

export interface KeptCheckpoint {
  /** Path within the ledger's folder. */
  readonly name: string
  readonly note: string
}

/** Name of the newest one. */
export const LATEST = 'checkpoint'

/** All that are there, whatever they hold; `checkpoint` last. */
export function keptCheckpoints(dir: string): KeptCheckpoint[] {
  return [...keptNames(dir), LATEST].flatMap(name => {
    const note = readNote(join(dir, name))
    return note === null ? [] : [{ name, note }]
  })
}

function keptNames(dir: string): string[] {
  try {
    const names = readdirSync(join(dir, 'cp')).filter(name => name.endsWith('.cp'))
    return names.sort().map(name => join('cp', name))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Sizes of those that are kept, by their names, smallest first. */
export function keptSizes(dir: string): number[] {
  return keptNames(dir)
    .map(name => Number(basename(name, '.cp')))
    .filter(size => Number.isSafeInteger(size) && size > 0)
}

/** Those of one ledger, for who hands them on. */
export function keptIn(dir: string) {
  return {
    latest: () => latestCheckpoint(dir),
    keep: (size: number, note: string) => keepCheckpoint(dir, size, note),
  }
}

/** The newest one; null: there is none. */
export function latestCheckpoint(dir: string): string | null {
  return readNote(join(dir, LATEST))
}

/** Becomes the newest one, durably. */
export function writeLatest(dir: string, note: string): Promise<void> {
  return disk.replace(join(dir, LATEST), note, { sync: true })
}

/** Is kept, durably. */
export async function keepCheckpoint(dir: string, size: number, note: string): Promise<void> {
  await mkdir(join(dir, 'cp'), { recursive: true, mode: 0o700 })
  await disk.replace(join(dir, keptName(size)), note, { sync: true })
}

/** The one of this size that is kept; null: there is none. */
export function keptNote(dir: string, size: number): string | null {
  return readNote(join(dir, keptName(size)))
}

function keptName(size: number): string {
  return join('cp', `${String(size).padStart(12, '0')}.cp`)
}

/** Null: it is not there; '' for what can't be a checkpoint. */
function readNote(path: string): string | null {
  try {
    return readPlain(path, MAX_NOTE_BYTES)
  } catch (error) {
    if (error instanceof NotPlain) return ''
    if (isMissing(error)) return null
    throw error
  }
}
