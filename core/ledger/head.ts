import { join } from 'node:path'
import { messageOf } from '../fault.ts'
import { disk } from './files.ts'
import { readPlain } from './plain-file.ts'

/**
 * The lagging mark: everything up to here was durable. It is never ahead of the truth, so a ledger that holds less has
 * lost something, and bytes before it can't be a torn write. Readers outside the daemon show nothing beyond it.
 */
export interface Mark {
  readonly size: number
  readonly h: string
  /** Root of the tree over them, hex; null while the tree has not caught up. */
  readonly root: string | null
  /** Name of the segment that holds the last entry, and the end of that entry in it, bytes. */
  readonly seg: string
  readonly off: number
}

const MOST_BYTES = 4096

export type MarkFound = { readonly mark: Mark | null; readonly trouble?: string }

/** Reads the mark. A missing or unreadable one is no mark: it was never synced. */
export function readMark(dir: string): MarkFound {
  let text: string
  try {
    text = readPlain(join(dir, 'head'), MOST_BYTES)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? { mark: null }
      : { mark: null, trouble: messageOf(error) }
  }
  try {
    const value: unknown = JSON.parse(text)
    if (isMark(value)) return { mark: value }
  } catch {
    // Told below: a half-written mark and a foreign one are the same to us.
  }
  return { mark: null, trouble: 'the file "head" does not hold a mark' }
}

function isMark(value: unknown): value is Mark {
  if (typeof value !== 'object' || value === null) return false
  const mark = value as Partial<Record<keyof Mark, unknown>>
  return (
    Number.isSafeInteger(mark.size) &&
    Number.isSafeInteger(mark.off) &&
    typeof mark.h === 'string' &&
    /^[0-9a-f]{64}$/.test(mark.h) &&
    typeof mark.seg === 'string' &&
    /^\d{12}$/.test(mark.seg)
  )
}

export function writeMark(dir: string, mark: Mark): Promise<void> {
  return disk.replace(join(dir, 'head'), `${JSON.stringify(mark)}\n`, { sync: false })
}
