import { createHash, type Hash } from 'node:crypto'
import { join } from 'node:path'
import type { Data } from '../entry.ts'
import { disk, segmentPath } from './files.ts'

/** Most entries of a segment (256²) and of a batch, and the most that the writer itself may add to a batch. */
export const SEGMENT_ENTRIES = 65_536
export const BATCH_ENTRIES = 1_024
const BATCH_EXTRAS = 4

/** A segment is also full at this size, so that the scan at the next start stays short. */
const SEGMENT_BYTES = 64 * 1024 * 1024

/** None that heald wrote is larger: almost full, one more batch of characters of three bytes each, and what the writer adds. */
export const MAX_SEGMENT_BYTES = SEGMENT_BYTES + 3 * 1024 * 1024

/** What the first entry of a segment says of the one before. Bytes beyond `validBytes` are void for every reader. */
export interface Previous {
  readonly name: string
  readonly sha256: string
  readonly validBytes: number
  readonly count: number
}

/** What is known to be durable in a segment that is to be written on. */
export interface Tail {
  readonly name: string
  readonly count: number
  readonly bytes: number
  /** Running SHA-256 of exactly those bytes. */
  readonly hash: Hash
  /** The segment before; null for the first one and for one that was found at the start. */
  readonly previous: Previous | null
}

export interface Segment {
  readonly name: string
  readonly count: number
  readonly bytes: number
  /** No room for another full batch. */
  readonly full: boolean
  /**
   * One write, one fdatasync. When it rejects, the descriptor is dead: it must be abandoned, not tried again, since the
   * kernel may have dropped the data and would report success the next time.
   */
  store(lines: Buffer, count: number): Promise<void>
  /** What the next segment's first entry says of this one: only what was stored for certain. */
  summary(): Previous | null
  close(): Promise<void>
}

/** Creates a segment. Its name becomes durable with its first batch. */
export async function createSegment(
  dir: string,
  name: string,
  previous: Previous | null,
  fsync: boolean,
): Promise<Segment> {
  const fd = await disk.open(segmentPath(dir, name), 'ax', 0o600)
  return segment(dir, fd, { name, count: 0, bytes: 0, hash: createHash('sha256'), previous }, fsync, true)
}

/** Goes on with the segment found at the start. */
export async function reopenSegment(dir: string, tail: Tail, fsync: boolean): Promise<Segment> {
  const path = segmentPath(dir, tail.name)
  const fd = await disk.open(path, 'a', 0o600)
  return segment(dir, fd, tail, fsync, false)
}

function segment(dir: string, fd: number, tail: Tail, fsync: boolean, isNew: boolean): Segment {
  const { name, previous } = tail
  let { count, bytes, hash } = tail
  let nameIsDurable = !isNew
  return {
    name,
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
    get full() {
      return count > SEGMENT_ENTRIES - BATCH_ENTRIES - BATCH_EXTRAS || bytes >= SEGMENT_BYTES
    },
    async store(lines, added) {
      const written = disk.write(fd, lines)
      // While the disk works; of what it does not take, nothing is kept.
      const longer = hash.copy().update(lines)
      await written
      if (fsync) {
        await disk.fdatasync(fd)
        if (!nameIsDurable) await disk.syncFolder(join(dir, 'seg'))
      }
      nameIsDurable = true
      hash = longer
      bytes += lines.length
      count += added
    },
    summary: () => (count === 0 ? previous : { name, sha256: hash.copy().digest('hex'), validBytes: bytes, count }),
    close: () => disk.close(fd),
  }
}

/** `data` of the entry that opens a segment. */
export function openedData(
  previous: Previous | null,
  tree: { readonly size: number; readonly root: string } | null,
  stateSha256: string | null,
): Data {
  return { previous: previous === null ? null : { ...previous }, tree, stateSha256 }
}
