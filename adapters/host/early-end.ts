import { closeSync, constants, openSync, readSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants as os } from 'node:os'
import { parseStat } from './proc.ts'

/**
 * Tells of a child's end before Node can. Life of an early end:
 *
 * 1. The end of file on the FIFO that the child holds arrives and names it. SIGCHLD arrives as well, but on that libuv
 *    asks the kernel about each child in turn (0.6 ms for 1,000), and only then says who ended.
 * 2. What the child ended with stands in `/proc` until it is reaped.
 * 3. The replacement gets its byte. It was woken on this very processor, so the daemon sleeps before it goes on to reap.
 *
 * Only a hint: a child that closed what it inherited is alive, one whose descendants hold the FIFO gives none, and a
 * status of zero may mean that it can't be seen. In all of these cases, and whenever there is doubt, nothing is said and
 * Node's own news comes a moment later.
 */
export function watchForEarlyEnd(
  pid: number,
  fifoPath: string,
  heard: {
    /** At most once. */
    onEnd(code: number | null, signal: string | null): void
    /** What was written to the FIFO, which nobody else can read any more. */
    onText(text: string): void
  },
): () => void {
  const opened: number[] = []
  let socket: Socket | null = null
  const stop = () => {
    socket?.destroy()
    socket = null
    for (const fd of opened.splice(0)) closeSync(fd)
  }
  try {
    opened.push(openSync(`/proc/${pid}/stat`, constants.O_RDONLY))
    const fifo = openSync(fifoPath, constants.O_RDONLY | constants.O_NONBLOCK)
    opened.push(fifo)
    socket = new Socket({ fd: fifo, readable: true, writable: false })
    // From now on the socket closes it.
    opened.pop()
  } catch {
    // Gone already, or too many files are open: Node's own news is enough.
    stop()
    return stop
  }
  socket.unref()
  socket.on('error', stop)
  let textBytes = 0
  socket.on('data', (bytes: Buffer) => {
    textBytes += bytes.length
    heard.onText(bytes.toString('utf8'))
    // A launching shell says one line. Whoever writes more means us no good, and finds a full pipe from now on.
    if (textBytes > MOST_TEXT_BYTES) stop()
  })
  socket.on('end', () => {
    const status = opened[0] === undefined ? 0 : statusOfDead(opened[0])
    stop()
    if (status === 0) return
    const signal = status & 0x7f
    if (signal === 0) heard.onEnd(status >> 8, null)
    else heard.onEnd(null, nameOf(signal))
    yieldProcessor()
  })
  return stop
}

const MOST_TEXT_BYTES = 4096

/**
 * Descriptors are closed some tens of microseconds before a process counts as dead. It may need this very processor for
 * the rest, so between two looks we sleep instead of spinning: about 0.1 ms each.
 */
const LOOKS = 8
const LOOK_EVERY_MS = 0.05
const buffer = Buffer.alloc(1024)

/** The status word of wait(2) of a child that is dead and not reaped; 0 when it lives, is gone, or can't be seen. */
function statusOfDead(statFd: number): number {
  for (let n = 0; n < LOOKS; n += 1) {
    let size: number
    try {
      size = readSync(statFd, buffer, 0, buffer.length, 0)
    } catch {
      return 0
    }
    const stat = parseStat(buffer.toString('latin1', 0, size))
    // Zero: alive and well, it closed the FIFO itself. One that is on its way out has its status already.
    if (stat === null || stat.exitStatus === 0) return 0
    // The main thread alone may end; the process lives on without it.
    if (stat.state === 'Z') return stat.threads <= 1 ? stat.exitStatus : 0
    sleep(LOOK_EVERY_MS)
  }
  return 0
}

/** A replacement needs about so long to its first instruction. When many end at once, they don't wait for each other. */
const YIELD_MS = 0.5
const YIELD_AGAIN_AFTER_MS = 20
let yieldedMs = 0

function yieldProcessor(): void {
  const nowMs = performance.now()
  if (nowMs - yieldedMs < YIELD_AGAIN_AFTER_MS) return
  yieldedMs = nowMs
  sleep(YIELD_MS)
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))

function sleep(ms: number): void {
  Atomics.wait(nobodyWakes, 0, 0, ms)
}

/** As `kill -l` counts the first real-time signal, the C library having taken two for itself. */
const SIGRTMIN = 34

/** Node knows no names of real-time signals. */
function nameOf(number: number): string {
  const found = Object.entries(os.signals).find(([, value]) => value === number)
  if (found !== undefined) return found[0]
  return number >= SIGRTMIN ? `SIGRTMIN+${number - SIGRTMIN}` : `signal ${number}`
}
