import { closeSync, openSync, readSync } from 'node:fs'
import { codeOf } from '../../fault.ts'
import type { SegmentFile } from '../files.ts'
import { validBytesBefore } from '../opening.ts'
import { StaleIndex } from './database.ts'

/** Where a line stands, by the index. */
export interface Place {
  readonly seq: number
  readonly offset: number
  readonly bytes: number
}

/** Bad lines may be longer than entries. */
const MOST_LINE_BYTES = 1_048_576
const LF = 10
/** What stands this near before a line that was read is read with more of what is there. */
const NEAR_BYTES = 8192

/** Segments stay open until it is closed. */
export interface LineReader {
  /** Throws a StaleIndex where there is no such place. The newest first is quickest. */
  read(place: Place): string
  close(): void
}

interface Open {
  readonly fd: number
  readonly validBytes: number
  /** What was read last, and where it begins. */
  bytes: Buffer
  from: number
}

/** `files`: the segments that count. */
export function lineReader(files: readonly SegmentFile[]): LineReader {
  const open = new Map<string, Open>()
  return {
    read({ seq, offset, bytes }) {
      const index = files.findLastIndex(each => each.first <= seq)
      const file = files[index]
      if (!(bytes >= 0 && bytes <= MOST_LINE_BYTES && offset >= 0))
        throw new StaleIndex(`entry #${seq} can't have ${bytes} bytes`)
      if (file === undefined) throw new StaleIndex(`there is no segment of entry #${seq}`)
      const segment = open.get(file.path) ?? opened(file.path, files[index + 1])
      open.set(file.path, segment)
      if (offset + bytes >= segment.validBytes) throw new StaleIndex(`entry #${seq} can't stand behind what counts`)
      // With the line ends before and behind it: what stands within a line is none, whatever it looks like.
      const from = Math.max(0, offset - 1)
      const end = offset + bytes + 1
      if (from < segment.from || end > segment.from + segment.bytes.length) readPiece(segment, from, end)
      const [begin, lf] = [offset - segment.from, offset + bytes - segment.from]
      const isLine = segment.bytes[lf] === LF && (offset === 0 || segment.bytes[begin - 1] === LF)
      if (!isLine) throw new StaleIndex(`entry #${seq} is no line where it stood`)
      return segment.bytes.toString('utf8', begin, lf)
    },
    close() {
      for (const { fd } of open.values()) closeSync(fd)
    },
  }
}

/** Throws `StaleIndex` when it was pruned meanwhile. */
function opened(path: string, next: SegmentFile | undefined): Open {
  try {
    const validBytes = validBytesBefore(next)
    return { fd: openSync(path, 'r'), validBytes, bytes: Buffer.alloc(0), from: 0 }
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? new StaleIndex(`${path} is not there any more`) : error
  }
}

function readPiece(segment: Open, from: number, end: number): void {
  // Lines that follow on each other share the line end between them.
  const distance = segment.from + 1 - end
  const isNear = distance >= 0 && distance < NEAR_BYTES
  const wanted = isNear ? Math.max(0, Math.min(from, end - 2 * NEAR_BYTES)) : from
  const buffer = Buffer.allocUnsafe(end - wanted)
  segment.bytes = buffer.subarray(0, readSync(segment.fd, buffer, 0, buffer.length, wanted))
  segment.from = wanted
}
