import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Data } from '../entry.ts'
import { messageOf } from '../fault.ts'
import { disk, firstLine, segmentFiles } from './files.ts'
import { checkLine, MAX_LINE_BYTES, safeJson } from './line.ts'

/** The folded state as it was after entry `seq`, whose hash is `h`. */
export interface Snapshot {
  readonly seq: number
  readonly h: string
  readonly state: Data
}

/** Replaces `state.json`; resolves to its SHA-256, which the next segment's first entry vouches for. */
export async function writeSnapshot(dir: string, snapshot: Snapshot, fsync: boolean): Promise<string> {
  const text = `${safeJson(snapshot)}\n`
  await disk.replace(join(dir, 'state.json'), text, { sync: fsync })
  return hash('sha256', text, 'hex')
}

/**
 * The snapshot that the last segment's first entry vouches for; start-up then folds from `snapshot.seq + 1`.
 * Otherwise `why` says what does not fit, and everything has to be folded.
 */
export function readSnapshot(dir: string): { readonly snapshot: Snapshot } | { readonly why: string } {
  try {
    const last = segmentFiles(dir).at(-1)
    if (last === undefined) return { why: 'the ledger is empty' }
    if (last.first === 0) return { why: 'there is only one segment yet' }
    const checked = checkLine(firstLine(last.path, MAX_LINE_BYTES))
    if (!checked.ok) return { why: `the first entry of segment ${last.name} can't be used: ${checked.why}` }
    const { entry } = checked
    const text = readFileSync(join(dir, 'state.json'), 'utf8')
    if (entry.data.stateSha256 !== hash('sha256', text, 'hex'))
      return { why: `state.json is not the one that segment ${last.name} vouches for` }
    const snapshot = JSON.parse(text) as Snapshot
    if (snapshot.seq + 1 !== entry.seq || snapshot.h !== entry.prev) return { why: 'state.json is of another position' }
    return { snapshot }
  } catch (error) {
    return { why: messageOf(error) }
  }
}
