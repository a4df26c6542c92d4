import { closeSync, openSync, readSync } from 'node:fs'
import { codeOf } from '../../fault.ts'
import { segmentFiles } from '../files.ts'
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

/** Segments stay open until it is closed. */
export interface LineReader {
  /** Throws a StaleIndex where there is no such place. */
  read(place: Place): string
  close(): void
}

/** Throws `StaleIndex` when it was pruned meanwhile. */
function opened(path: string): number {
  try {
    return openSync(path, 'r')
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? new StaleIndex(`${path} is not there any more`) : error
  }
}

export function lineReader(dir: string): LineReader {
  const files = segmentFiles(dir)
  const open = new Map<string, { readonly fd: number; readonly validBytes: number }>()
  return {
    read({ seq, offset, bytes }) {
      const index = files.findLastIndex(each => each.first <= seq)
      const file = files[index]
      if (!(bytes >= 0 && bytes <= MOST_LINE_BYTES)) throw new StaleIndex(`entry #${seq} can't have ${bytes} bytes`)
      if (file === undefined) throw new StaleIndex(`there is no segment of entry #${seq}`)
      const segment = open.get(file.path) ?? {
        fd: opened(file.path),
        validBytes: validBytesBefore(files[index + 1]),
      }
      open.set(file.path, segment)
      if (offset + bytes >= segment.validBytes) throw new StaleIndex(`entry #${seq} can't stand behind what counts`)
      const buffer = Buffer.allocUnsafe(bytes)
      const read = readSync(segment.fd, buffer, 0, bytes, offset)
      if (read < bytes) throw new StaleIndex(`the segment of entry #${seq} is shorter than it was`)
      return buffer.toString('utf8')
    },
    close() {
      for (const { fd } of open.values()) closeSync(fd)
    },
  }
}
