import { isUtf8 } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readBounded } from '../bounded-file.ts'
import { codeOf, Fault, messageOf } from '../fault.ts'
import { formatSize } from './size.ts'

/** Files beyond this are a mistake (a log, an image), and would only make the check slow. */
export const MAX_FILE_BYTES = 1024 * 1024

export interface SourceFile {
  readonly text: string
  /** SHA-256 of the file's bytes, hex. */
  readonly sha256: string
}

/** Why a file's bytes can't be read as text; positions count from 1. */
export interface Unreadable {
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint: string
}

/**
 * Reads a configuration file whole. Rejects with a Fault (`config.missing`, `config.unreadable`) when there is nothing
 * to read; resolves to `Unreadable` when there is, but not text.
 */
export async function readSource(path: string): Promise<SourceFile | Unreadable> {
  const bytes = await readBytes(path)
  if (bytes.length > MAX_FILE_BYTES) {
    const message = `is larger than ${formatSize(MAX_FILE_BYTES)}, the most a configuration may have`
    return { line: 1, column: 1, message, hint: 'check that this is the file you mean' }
  }
  if (!isUtf8(bytes)) return { ...firstBadByte(bytes), message: 'is not UTF-8 text', hint: 'save the file as UTF-8' }
  const text = new TextDecoder().decode(bytes)
  return { text, sha256: createHash('sha256').update(bytes).digest('hex') }
}

async function readBytes(path: string): Promise<Buffer> {
  let bytes: Buffer | null
  try {
    bytes = await readBounded(path, MAX_FILE_BYTES)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      const hint = 'run: heald init  (writes a first heald.yaml), or give --config FILE'
      throw new Fault('config.missing', `there is no configuration at ${path}`, { hint, cause: error })
    }
    throw new Fault('config.unreadable', `${path} can't be read: ${messageOf(error)}`, {
      hint: 'check the file’s owner and mode',
      cause: error,
    })
  }
  if (bytes !== null) return bytes
  throw new Fault('config.unreadable', `${path} is not a file`, { hint: 'give the path of a heald.yaml' })
}

function firstBadByte(bytes: Buffer): { line: number; column: number } {
  let line = 1
  let start = 0
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start)
    const end = newline < 0 ? bytes.length : newline
    const part = bytes.subarray(start, end)
    if (!isUtf8(part)) return { line, column: part.toString('utf8').indexOf('\uFFFD') + 1 }
    line += 1
    start = end + 1
  }
  return { line, column: 1 }
}
