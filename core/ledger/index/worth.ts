import { statfsSync, statSync } from 'node:fs'
import { isOwn } from '../../owner.ts'
import { segmentFiles } from '../files.ts'
import type { Filter } from '../filter.ts'

/** What stands at the end, or at places that are named, is found without. */
export function asksMuch({ fromSeq: _from, toSeq: _to, ...rest }: Filter): boolean {
  return Object.keys(rest).length > 0
}

/** A ledger of fewer bytes is read through at once. */
const SMALL_BYTES = 4 * 1024 * 1024

export function isLong(dir: string): boolean {
  const files = segmentFiles(dir)
  return files.length > 1 || files.some(({ path }) => statSync(path).size > SMALL_BYTES)
}

/** The last room of a disk is the ledger's own. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024

/** Whether this process may keep an index there: what another user made, heald could not write any more. */
export function mayKeep(dir: string): boolean {
  if (!isOwn(dir)) return false
  const { bavail, bsize } = statfsSync(dir)
  return bavail * bsize >= LEAST_FREE_BYTES
}
