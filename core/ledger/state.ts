import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Data } from '../entry.ts'
import { messageOf } from '../fault.ts'
import { disk, firstLine, type SegmentFile, segmentFiles } from './files.ts'
import { checkLine, MAX_LINE_BYTES, safeJson } from './line.ts'
import { readPlain } from './plain-file.ts'

/** The folded state as it was after entry `seq`, whose hash is `h`. */
export interface Snapshot {
  readonly seq: number
  readonly h: string
  readonly state: Data
}

/** Replaces `state.json`; resolves to its SHA-256, which the next segment's first entry vouches for. */
export async function writeSnapshot(dir: string, snapshot: Snapshot, fsync: boolean): Promise<string> {
  const text = `${safeJson(snapshot)}\n`
  await disk.replace(join(dir, STATE_FILE), text, { sync: fsync })
  return hash('sha256', text, 'hex')
}

/** The same as it was when the ledger was pruned last: what came before can't be folded again. */
export const BASE_STATE_FILE = 'base-state.json'
export const STATE_FILE = 'state.json'
export const MOST_STATE_BYTES = 256 * 1024 * 1024

export type SnapshotFound = { readonly snapshot: Snapshot } | { readonly why: string }

/**
 * The snapshot that the last segment's first entry vouches for, else the one of the last prune; start-up then folds from
 * `snapshot.seq + 1`. Otherwise `why` says what does not fit, and everything has to be folded.
 */
export function readSnapshot(dir: string): SnapshotFound {
  const newest = newestSnapshot(dir)
  if ('snapshot' in newest || !existsSync(join(dir, BASE_STATE_FILE))) return newest
  const older = snapshotIn(dir, BASE_STATE_FILE, seq => segmentFiles(dir).find(({ first }) => first === seq + 1))
  return 'snapshot' in older ? older : newest
}

/** Only the one of the last rotation. */
export function newestSnapshot(dir: string): SnapshotFound {
  const last = segmentFiles(dir).at(-1)
  if (last === undefined) return { why: 'the ledger is empty' }
  if (last.first === 0) return { why: 'there is only one segment yet' }
  return snapshotIn(dir, STATE_FILE, () => last)
}

/** @param vouching the segment whose first entry has to vouch for a snapshot of entry `seq` */
function snapshotIn(dir: string, name: string, vouching: (seq: number) => SegmentFile | undefined): SnapshotFound {
  try {
    const text = readPlain(join(dir, name), MOST_STATE_BYTES)
    const snapshot = JSON.parse(text) as Snapshot
    const segment = vouching(snapshot.seq)
    if (segment === undefined) return { why: `no segment begins where ${name} ends` }
    const checked = checkLine(firstLine(segment.path, MAX_LINE_BYTES))
    if (!checked.ok) return { why: `the first entry of segment ${segment.name} can't be used: ${checked.why}` }
    const { entry } = checked
    if (entry.data.stateSha256 !== hash('sha256', text, 'hex'))
      return { why: `${name} is not the one that segment ${segment.name} vouches for` }
    if (snapshot.seq + 1 !== entry.seq || snapshot.h !== entry.prev) return { why: `${name} is of another position` }
    return { snapshot }
  } catch (error) {
    return { why: messageOf(error) }
  }
}
