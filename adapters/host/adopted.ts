import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { exists, isRunning } from './proc.ts'

/**
 * Polling is spread so that all of it together costs about 1 ms of processor a second, however many are watched; one
 * look in ten also tells zombies and a pid that was given to somebody else.
 */
const POLL_MS_EACH = 2.5
const POLL_MIN_MS = 100
const POLL_MAX_MS = 2000
const THOROUGH_EVERY = 10
let watched = 0

/** When the FIFO said "gone" too early (the service closed what it inherited), polling is all there is. */
const POLL_AFTER_FALSE_HINT_MS = 100

/**
 * Watches a process that is not our child. The end of file on the FIFO that it holds is a fast hint (0.25 ms), never
 * the truth: a grandchild delays it, a service that closes inherited descriptors fires it falsely. The truth is
 * `/proc`; polling is the safety net. Calls `onEnd` once; the answer stops watching.
 */
export function watchAdopted(pid: number, startTime: number, fifoPath: string, onEnd: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  let socket: Socket | undefined
  let looks = 0
  watched += 1
  const stop = () => {
    if (timer !== undefined) watched -= 1
    clearTimeout(timer)
    timer = undefined
    socket?.destroy()
    socket = undefined
  }
  const look = () => {
    if (timer === undefined || isRunning(pid, startTime)) return
    stop()
    onEnd()
  }
  const glance = () => {
    looks += 1
    if (looks % THOROUGH_EVERY === 0 || !exists(pid)) look()
    if (timer !== undefined) poll()
  }
  // A FIFO that nobody holds any more gives no hint: a reader that comes later is told of no end of file.
  let isHinted = isHeld(fifoPath)
  const poll = () => {
    clearTimeout(timer)
    const spreadMs = Math.min(POLL_MAX_MS, Math.max(POLL_MIN_MS, watched * POLL_MS_EACH))
    timer = setTimeout(glance, isHinted ? spreadMs : POLL_AFTER_FALSE_HINT_MS)
  }
  poll()
  try {
    socket = new Socket({
      fd: openSync(fifoPath, constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    })
    const hint = () => {
      if (timer === undefined) return
      look()
      isHinted = false
      if (timer !== undefined) poll()
    }
    socket.on('end', hint)
    socket.on('error', hint)
    socket.resume()
  } catch {
    isHinted = false
    poll()
  }
  return stop
}

/** Whether any process holds the FIFO: a service, or a shell about to become one. False when it can't be opened. */
export function isHeld(fifoPath: string): boolean {
  let fd: number
  try {
    fd = openSync(fifoPath, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return false
  }
  try {
    const buffer = Buffer.alloc(4096)
    for (let n = 0; n < 64; n += 1) if (readSync(fd, buffer) === 0) return false
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
  } finally {
    closeSync(fd)
  }
}
