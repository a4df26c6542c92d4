import { constants, fstatSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOf } from '../fault.ts'
import type { Context } from './command.ts'
import { relayTo } from './relay.ts'

/*
 * Life of a line that nobody reads (Ctrl-S, a pager, a log collector that hangs):
 *
 * 1. Node writes to terminals synchronously: one line too many and the daemon stands still, healing included. So the
 *    terminal (or pipe) is opened a second time, without blocking; whoever shares the first opening notices nothing.
 * 2. What doesn't fit waits here, and is tried again a few times a second.
 * 3. A terminal of another user (su, sudo -u) may not be opened again. There a child process writes in our place
 *    (`relay.ts`).
 * 4. When too much waits, whole lines are left out until all of it was read, and then a line says how many they were.
 */

/** Some hundred lines. */
const WAITING_BYTES = 64 * 1024
const RETRY_MS = 200
const LOOK_MS = 20

export interface Unheld {
  /** The same context with output that never waits for its reader. */
  readonly context: Context
  /** Waits for the reader after all, for the last words, but not longer than `mostMs`. */
  readonly end: (mostMs: number) => Promise<void>
}

export function unheld(context: Context): Unheld {
  const { stdout, stderr } = process
  const out = bounded(queueFor(1) ?? { take: context.out, waiting: () => stdout.writableLength })
  // One terminal, one queue: else the lines of two relays could pass each other.
  const err =
    'end' in out && isSame(1, 2)
      ? out
      : bounded(queueFor(2) ?? { take: context.err, waiting: () => stderr.writableLength })
  return {
    context: Object.create(context, { out: { value: out.take }, err: { value: err.take } }) as Context,
    async end(mostMs) {
      const untilMs = performance.now() + mostMs
      while (out.waiting() + err.waiting() > 0 && performance.now() < untilMs) await sleep(LOOK_MS)
      const restMs = Math.max(LOOK_MS, untilMs - performance.now())
      await Promise.all([...new Set([out, err])].map(each => each.end?.(restMs)))
    },
  }
}

interface Queue {
  take(text: string): void
  /** Bytes that nobody has read yet. */
  waiting(): number
  /** There when something has to be ended with the daemon. */
  end?(mostMs: number): Promise<void>
}

function bounded(queue: Queue): Queue {
  let missed = 0
  function tell(): void {
    if (queue.waiting() > 0) return void setTimeout(tell, RETRY_MS).unref()
    queue.take(`… nobody read on: ${missed} lines are left out here; "heald ledger list" has them all\n`)
    missed = 0
  }
  return {
    ...queue,
    take(text) {
      if (missed === 0 && queue.waiting() <= WAITING_BYTES) return queue.take(text)
      if (missed === 0) setTimeout(tell, RETRY_MS).unref()
      missed += text.split('\n').length - 1
    },
    waiting: () => queue.waiting() + missed,
  }
}

/**
 * Writes to a terminal or pipe at once or later, and never waits. Null for a file, which holds nobody up, and for a
 * socket or another user's pipe, which can't be opened again; there Node's own stream queues what isn't read.
 */
function queueFor(fd: number): Queue | null {
  const own = reopened(fd)
  if (own === null) return isDevice(fd) ? relayTo(fd) : null
  let waiting = Buffer.alloc(0)
  let isGone = false
  let retry: NodeJS.Timeout | undefined

  function flush(): void {
    retry = undefined
    const written = tryWrite(own ?? fd, waiting)
    isGone = written === 'gone'
    waiting = written === 'gone' ? Buffer.alloc(0) : waiting.subarray(written)
    if (waiting.length === 0) return
    retry = setTimeout(flush, RETRY_MS)
    retry.unref()
  }

  return {
    take(text) {
      if (isGone || text === '') return
      waiting = Buffer.concat([waiting, Buffer.from(text)])
      if (retry === undefined) flush()
    },
    waiting: () => waiting.length,
  }
}

/** Terminals are devices, and Node writes to each of them by waiting. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false
  }
}

function isSame(one: number, other: number): boolean {
  try {
    const [a, b] = [fstatSync(one), fstatSync(other)]
    return a.dev === b.dev && a.ino === b.ino
  } catch {
    return false
  }
}

/** A descriptor of its own for the same terminal or pipe; null where there can't be one, or need not. */
function reopened(fd: number): number | null {
  try {
    if (fstatSync(fd).isFile()) return null
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return null
  }
}

/** How many bytes went out; 0: try later. */
function tryWrite(fd: number, bytes: Buffer): number | 'gone' {
  try {
    return writeSync(fd, bytes)
  } catch (error) {
    return codeOf(error) === 'EAGAIN' ? 0 : 'gone'
  }
}
