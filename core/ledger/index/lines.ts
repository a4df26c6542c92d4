import { closeSync, openSync, readSync } from 'node:fs'
import { codeOf } from '../../fault.ts'
import { countingSegments } from '../base.ts'
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
  const files = countingSegments(dir)
  const open = new Map<string, { readonly fd: number; readonly validBytes: number }>()
  return {
    read({ seq, offset, bytes }) {
      const index = files.findLastIndex(each => each.first <= seq)
      const file = files[index]
      if (!(bytes >= 0 && bytes <= MOST_LINE_BYTES && offset >= 0))
        throw new StaleIndex(`entry #${seq} can't have ${bytes} bytes`)
      if (file === undefined) throw new StaleIndex(`there is no segment of entry #${seq}`)
      const segment = open.get(file.path) ?? {
        fd: opened(file.path),
        validBytes: validBytesBefore(files[index + 1]),
      }
      open.set(file.path, segment)
      if (offset + bytes >= segment.validBytes) throw new StaleIndex(`entry #${seq} can't stand behind what counts`)
      // With the line ends before and behind it: what stands within a line is none, whatever it looks like.
      const before = Math.min(offset, 1)
      const buffer = Buffer.allocUnsafe(before + bytes + 1)
      const read = readSync(segment.fd, buffer, 0, buffer.length, offset - before)
      const isLine = read === buffer.length && buffer.at(-1) === LF && (before === 0 || buffer[0] === LF)
      if (!isLine) throw new StaleIndex(`entry #${seq} is no line where it stood`)
      return buffer.toString('utf8', before, before + bytes)
    },
    close() {
      for (const { fd } of open.values()) closeSync(fd)
    },
  }
}
