import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { isRunning } from './proc.ts'

const POLL_MS = 1000
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
  const stop = () => {
    clearInterval(timer)
    timer = undefined
    socket?.destroy()
    socket = undefined
  }
  const look = () => {
    if (timer === undefined || isRunning(pid, startTime)) return
    stop()
    onEnd()
  }
  const poll = (everyMs: number) => {
    clearInterval(timer)
    timer = setInterval(look, everyMs)
  }
  // A FIFO that nobody holds any more gives no hint: a reader that comes later is told of no end of file.
  poll(isHeld(fifoPath) ? POLL_MS : POLL_AFTER_FALSE_HINT_MS)
  try {
    socket = new Socket({
      fd: openSync(fifoPath, constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    })
    const hint = () => {
      if (timer === undefined) return
      look()
      if (timer !== undefined) poll(POLL_AFTER_FALSE_HINT_MS)
    }
    socket.on('end', hint)
    socket.on('error', hint)
    socket.resume()
  } catch {
    poll(POLL_AFTER_FALSE_HINT_MS)
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
