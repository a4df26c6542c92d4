import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { exists, isRunning } from './proc.ts'

/**
 * Watches a process that is not our child. The end of file on the FIFO that it holds is a fast hint (0.25 ms), never
 * the truth: a grandchild delays it, a service that closes inherited descriptors fires it falsely. The truth is
 * `/proc`; polling is the safety net. Calls `onEnd` once; the answer stops watching.
 */
export function watchAdopted(pid: number, startTime: number, fifoPath: string, onEnd: () => void): () => void {
  let socket: Socket | undefined
  const watch: Watch = {
    pid,
    // A FIFO that nobody holds any more gives no hint: a reader that comes later is told of no end of file.
    isHinted: isHeld(fifoPath),
    look() {
      if (!watches.has(watch) || isRunning(pid, startTime)) return
      stop()
      onEnd()
    },
  }
  const stop = () => {
    watches.delete(watch)
    socket?.destroy()
    socket = undefined
  }
  watches.add(watch)
  try {
    const fd = openSync(fifoPath, constants.O_RDONLY | constants.O_NONBLOCK)
    socket = new Socket({ fd, readable: true, writable: false })
    const hint = () => {
      watch.isHinted = false
      watch.look()
      if (watches.has(watch)) sweepSoon()
    }
    socket.on('end', hint)
    socket.on('error', hint)
    let textBytes = 0
    socket.on('data', (bytes: Buffer) => {
      textBytes += bytes.length
      if (textBytes <= MOST_TEXT_BYTES) return
      // Nobody has anything to say there; reading on would keep us busy.
      socket?.destroy()
      hint()
    })
  } catch {
    watch.isHinted = false
  }
  sweepSoon()
  return stop
}

interface Watch {
  readonly pid: number
  /** The FIFO still tells; otherwise polling is all there is. */
  isHinted: boolean
  /** Asks `/proc` whether it is still this very process, and not a zombie. */
  look(): void
}

const MOST_TEXT_BYTES = 4096

/** All of them are polled in one go, so that hundreds cost 2 ms of processor a second and not ten. */
const watches = new Set<Watch>()
const SWEEP_MS_EACH = 2
const SWEEP_MIN_MS = 100
const SWEEP_MAX_MS = 1000
/** A signal that isn't sent tells in a microsecond whether a pid exists; one look in ten tells the rest as well. */
const THOROUGH_EVERY = 10
let sweeps = 0
let sweptMs = 0
let timer: NodeJS.Timeout | undefined

function sweepSoon(): void {
  const areHinted = [...watches].every(watch => watch.isHinted)
  clearTimeout(timer)
  timer = setTimeout(sweep, areHinted ? sweepEveryMs() : SWEEP_MIN_MS)
}

function sweepEveryMs(): number {
  return Math.min(SWEEP_MAX_MS, Math.max(SWEEP_MIN_MS, watches.size * SWEEP_MS_EACH))
}

/** Those without a hint are looked at each time, the others when their turn has come. */
function sweep(): void {
  const nowMs = performance.now()
  const isTurn = nowMs - sweptMs >= sweepEveryMs() - 1
  if (isTurn) sweptMs = nowMs
  sweeps += 1
  let n = 0
  for (const watch of watches) {
    if (!isTurn && watch.isHinted) continue
    n += 1
    if ((n + sweeps) % THOROUGH_EVERY === 0 || !exists(watch.pid)) watch.look()
  }
  if (watches.size > 0) sweepSoon()
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
