import { closeSync, openSync, readSync } from 'node:fs'
import { codeOf } from '../../fault.ts'
import { segmentFiles } from '../files.ts'
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
  const open = new Map<string, number>()
  return {
    read({ seq, offset, bytes }) {
      const file = files.findLast(each => each.first <= seq)
      if (!(bytes >= 0 && bytes <= MOST_LINE_BYTES)) throw new StaleIndex(`entry #${seq} can't have ${bytes} bytes`)
      if (file === undefined) throw new StaleIndex(`there is no segment of entry #${seq}`)
      const fd = open.get(file.path) ?? opened(file.path)
      open.set(file.path, fd)
      const buffer = Buffer.allocUnsafe(bytes)
      const read = readSync(fd, buffer, 0, bytes, offset)
      if (read < bytes) throw new StaleIndex(`the segment of entry #${seq} is shorter than it was`)
      return buffer.toString('utf8')
    },
    close() {
      for (const fd of open.values()) closeSync(fd)
    },
  }
}
