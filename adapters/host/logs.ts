import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'

/**
 * Log files. A service holds its own log open (append only), so that it needs no daemon to write; rotation therefore
 * copies the end of the file aside and truncates it. Lines written between the two are lost: that is the price of not
 * standing between a service and its output.
 */
export interface LogLimits {
  readonly maxBytes: number
  readonly keep: number
}

const CHUNK_BYTES = 1024 * 1024
/** Healing waits while a log is copied, so no more than this is. */
const COPY_BYTES = 32 * 1024 * 1024

export function logSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * Rotates when the log is over its limit: `.1` is the newest copy, at most `maxBytes` long (the end counts), `keep`
 * copies stay. Answers whether it did.
 */
export function rotateLog(path: string, limits: LogLimits): boolean {
  if (logSize(path) <= limits.maxBytes) return false
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW)
  try {
    if (limits.keep > 0) {
      for (let n = limits.keep; n > 1; n -= 1) renameIfThere(`${path}.${n - 1}`, `${path}.${n}`)
      copyEnd(fd, `${path}.1`, Math.min(limits.maxBytes, COPY_BYTES))
    }
    ftruncateSync(fd, 0)
  } finally {
    closeSync(fd)
  }
  return true
}

function renameIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to)
}

function copyEnd(from: number, path: string, maxBytes: number): void {
  const size = fstatSync(from).size
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
  const to = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o640)
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES)
    let at = Math.max(0, size - maxBytes)
    while (at < size) {
      const read = readSync(from, buffer, 0, Math.min(CHUNK_BYTES, size - at), at)
      if (read === 0) break
      writeSync(to, buffer, 0, read)
      at += read
    }
  } catch (error) {
    // A full disk: no copy is better than a log that grows for ever. The caller truncates.
    rmSync(path, { force: true })
    if (!isFull(error)) throw error
  } finally {
    closeSync(to)
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}

/**
 * The end of what was written between the offsets `from` and `to`, at most `maxBytes`, cut at a line start
 * where there is one. Undecodable
 * bytes become U+FFFD; a log that can't be read gives ''.
 */
export function readTail(path: string, from: number, to: number, maxBytes: number): string {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return ''
  }
  try {
    // Rotated meanwhile (`to` is before `from`): all that is there belongs to this instance.
    const start = from <= to ? from : 0
    const at = Math.max(start, to - maxBytes)
    const buffer = Buffer.alloc(Math.max(0, to - at))
    const read = readSync(fd, buffer, 0, buffer.length, at)
    const text = buffer.toString('utf8', 0, read)
    return at === start ? text : fromLineStart(text)
  } finally {
    closeSync(fd)
  }
}

/** Of text whose beginning was cut off, what comes from the first line start on. */
export function fromLineStart(text: string): string {
  // A last line longer than all of it is better cut than left out.
  const lineStart = text.indexOf('\n') + 1
  return lineStart > 0 && lineStart < text.length ? text.slice(lineStart) : `…${text}`
}
