import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { codeOf } from '../fault.ts'

/** Something else stands where a file should be, or it is larger than such a file ever is. */
export class NotPlain extends Error {}

/** Opens a file for reading. A pipe would keep the reader for ever: what is no file is a `NotPlain`. Throws the system's errors. */
export function openPlain(path: string): number {
  return opened(path).fd
}

/** Whether there is no such file or folder; also where a file stands in the place of the folder that it would be in. */
export function isMissing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(codeOf(error))
}

/** The text of a file of at most `mostBytes`. */
export function readPlain(path: string, mostBytes: number): string {
  const { fd, bytes } = opened(path)
  try {
    if (bytes > mostBytes) throw new NotPlain(`${path} has ${bytes} bytes, and such a file has ${mostBytes} at most`)
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** How the system says so before it is open: a link to itself, a socket, a device that is not there. */
const NO_FILE: readonly string[] = ['ELOOP', 'ENXIO', 'ENODEV']

function opened(path: string): { readonly fd: number; readonly bytes: number } {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (NO_FILE.includes(codeOf(error))) throw new NotPlain(`${path} is no file`, { cause: error })
    throw error
  }
  const stat = fstatSync(fd)
  if (stat.isFile()) return { fd, bytes: stat.size }
  closeSync(fd)
  throw new NotPlain(`${path} is no file`)
}
