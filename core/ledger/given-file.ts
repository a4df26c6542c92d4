import { closeSync, constants, createReadStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Fault, messageOf } from '../fault.ts'

/**
 * What is in a file that somebody has named, or comes out of a pipe, as a shell makes one of `<(…)`. The signal breaks it
 * off also where nothing comes. Fault: `usage.path`.
 */
export function streamOf(path: string, signal?: AbortSignal): Readable {
  const options = signal === undefined ? {} : { signal }
  const fd = opened(path)
  const stat = fstatSync(fd)
  if (stat.isFile()) return createReadStream(path, { fd, ...options })
  // A read of the file system's would keep a thread, and no process ends before its threads do.
  if (stat.isFIFO()) return new Socket({ fd, readable: true, writable: false, ...options })
  closeSync(fd)
  throw unreadable(path, 'it is neither a file nor a pipe')
}

/** To wait for a pipe's writer here would keep out every signal. */
function opened(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw unreadable(path, messageOf(error), error)
  }
}

function unreadable(path: string, why: string, cause?: unknown): Fault {
  return new Fault('usage.path', `${path} can't be read: ${why}`, { cause })
}
