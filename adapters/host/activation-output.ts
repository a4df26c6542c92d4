import { constants, fchownSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { Account } from './account.ts'

const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY
const TAIL_BYTES = 2048
const OUTPUT_BYTES = 1024 * 1024

/** What a run says. */
export interface Output {
  readonly fd: number
  /** The end of what was cut off. */
  earlier: string
}

/** A file without a name: a run can write to it when we are gone, and it goes with the run. Null where none can be had. */
export function openOutput(account: Account | null): Output | null {
  const { O_RDWR, O_APPEND } = constants
  let output: Output | null = null
  try {
    output = { fd: openSync(tmpdir(), O_TMPFILE | O_RDWR | O_APPEND, 0o600), earlier: '' }
    // So that the command can open /dev/stderr, which is this file, anew.
    if (account !== null) fchownSync(output.fd, account.uid, account.gid)
  } catch {
    // A full disk, or a file system that has no such files: its words are lost, not its work.
  }
  return output
}

/** A command that floods its output must not fill the disk. It appends, so that it goes on at the start; its words so far are kept. */
export function keepShort(output: Output): void {
  const { fd } = output
  const { size } = fstatSync(fd)
  if (size <= OUTPUT_BYTES) return
  // At once, so that it has hardly time to write between the two.
  output.earlier = tailOf(fd, size)
  ftruncateSync(fd, 0)
}

export function lastLine(output: Output | null): string {
  if (output === null) return ''
  const { fd, earlier } = output
  const lines = `${earlier}\n${tailOf(fd, fstatSync(fd).size)}`.split('\n')
  return lines.findLast(line => line.trim() !== '') ?? ''
}

function tailOf(fd: number, size: number): string {
  const bytes = Buffer.alloc(TAIL_BYTES)
  const read = readSync(fd, bytes, 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES))
  return bytes.toString('utf8', 0, read)
}
