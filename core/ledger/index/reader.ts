import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../../clock.ts'
import type { Entry } from '../../entry.ts'
import { codeOf, Fault, messageOf } from '../../fault.ts'
import type { Filter } from '../filter.ts'
import type { Page } from '../list.ts'
import type { Asked, Told } from './reader-worker.ts'

/*
 * Life of a question to a daemon's ledger:
 *
 * 1. It goes to a process of its own (`reader-worker.ts`), which is started when there is something to do. Not more than 16
 *    wait; each has a deadline.
 * 2. That process brings the index up to date and answers with lines, each checked against its hash; where no index can be
 *    kept, by reading the files.
 * 3. It ends when it had nothing to do for a minute.
 *
 * A thread would do as well, but for three things: the daemon would stay 30 MB larger, which slows every restart of a
 * service; a broken disk or a lack of memory that kills the reader would kill the daemon; and it could not be put behind
 * what heals.
 */

export interface IndexReader {
  /**
   * Entries, newest first, as `queryLedger` finds them. Faults: `search.busy` (too many wait; try again), `search.slow` (its
   * time is up), `search.failed`, `search.lost` (its process ended; try again), `search.closed`.
   */
  find(filter: Filter, page: FindOptions): Promise<Page>
  /** Brings the index up to `size` entries; resolves to how far it goes. Rejects when it can't be kept. */
  catchUp(size: number): Promise<number>
  close(): Promise<void>
}

export interface FindOptions {
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string
}

export interface ReaderOptions {
  readonly dir: string
  readonly clock: Clock
  /** Entries that are durable. */
  readonly size: () => number
  /** For tests; the defaults are meant for use. */
  readonly limits?: Partial<Limits>
}

interface Limits {
  readonly waiting: number
  readonly questionMs: number
  readonly catchUpMs: number
  readonly idleMs: number
}

const LIMITS: Limits = { waiting: 16, questionMs: 10_000, catchUpMs: 3_600_000, idleMs: 60_000 }
const PROGRAM = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? 'reader-worker.ts' : 'reader-worker.js', import.meta.url),
)
/** Most rows of a page. */
export const MOST_ROWS = 1000
const LOST = 'search.lost'
/** How long it may take to end by itself. */
const END_MS = 1000
/** MB: a runaway is ended before the host is short of memory. */
const OPTIONS = ['--max-old-space-size=192', '--max-semi-space-size=8']

interface Waiting {
  readonly settle: (told: Told | Fault) => void
}

export function indexReader({ dir, clock, size, limits }: ReaderOptions): IndexReader {
  const { waiting: most, questionMs, catchUpMs, idleMs } = { ...LIMITS, ...limits }
  const waiting = new Map<number, Waiting>()
  let worker: ChildProcess | null = null
  let toldMs = 0
  let nextId = 1
  let isClosed = false
  let cancelIdle = (): void => {}

  function started(): ChildProcess {
    const { NODE_COMPILE_CACHE } = process.env
    const child = fork(PROGRAM, [dir], {
      execArgv: OPTIONS,
      // Nothing of the daemon's own, in which there may be secrets.
      env: { MALLOC_ARENA_MAX: '1', ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    // It alone keeps no process alive; each question's deadline does.
    child.unref()
    child.channel?.unref()
    child.on('message', (told: Told) => {
      toldMs = clock.monoMs()
      waiting.get(told.id)?.settle(told)
    })
    child.on('error', error => lost(child, messageOf(error)))
    child.on('exit', (code, signal) => lost(child, `its process ended (${signal ?? `exit code ${code}`})`))
    return child
  }

  function lost(child: ChildProcess, why: string): void {
    if (worker !== child) return
    worker = null
    cancelIdle()
    for (const { settle } of [...waiting.values()]) settle(failed(why, LOST))
  }

  function tell(asked: Asked): void {
    // What can't be told is told by its exit.
    worker?.send(asked, () => {})
  }

  /** It says so when it has given up, unless it hangs on a broken disk. */
  function giveUp(id: number): void {
    const child = worker
    const fromMs = clock.monoMs()
    tell({ id, what: 'cancel' })
    clock.after(END_MS, () => {
      if (child === null || worker !== child || toldMs > fromMs) return
      lost(child, 'it does not answer')
      child.kill('SIGKILL')
    })
  }

  function ask(asked: (id: number) => Asked, timeoutMs: number): Promise<Told> {
    if (isClosed) return Promise.reject(new Fault('search.closed', 'the ledger is being closed', { retry: 5000 }))
    if (waiting.size >= most) return Promise.reject(busy(most))
    const id = nextId++
    return new Promise((resolve, reject) => {
      const cancelDeadline = clock.after(timeoutMs, () => {
        giveUp(id)
        settle(slow(timeoutMs))
      })
      function settle(told: Told | Fault): void {
        if (!waiting.delete(id)) return
        cancelDeadline()
        if (waiting.size === 0) idle()
        if (told instanceof Fault) reject(told)
        else resolve(told)
      }
      cancelIdle()
      waiting.set(id, { settle })
      try {
        worker ??= started()
        tell(asked(id))
      } catch (error) {
        settle(failed(messageOf(error)))
      }
    })
  }

  function idle(): void {
    cancelIdle()
    if (!isClosed) cancelIdle = clock.after(idleMs, () => void end())
  }

  /** It ends by itself when it is let go; what hangs on a broken disk is killed. */
  async function end(): Promise<void> {
    const child = worker
    worker = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const { promise, resolve } = Promise.withResolvers<void>()
    child.once('exit', () => resolve())
    const cancel = clock.after(END_MS, () => {
      child.kill('SIGKILL')
      resolve()
    })
    if (child.connected) child.disconnect()
    await promise
    cancel()
  }

  return {
    async find(filter, { limit, cursor }) {
      const asking = () =>
        ask(id => ({ id, what: 'find', size: size(), filter, limit: Math.min(limit, MOST_ROWS), cursor }), questionMs)
      // It costs nothing to ask once more where the process was killed, or ended in this very moment.
      const told = await asking().catch(error =>
        codeOf(error) === LOST && !isClosed ? asking() : Promise.reject(error),
      )
      if (!('lines' in told)) throw failed('why' in told ? told.why : 'the answer is none')
      // They have been checked.
      const rows = told.lines.map(line => ({ line, entry: JSON.parse(line) as Entry }))
      return { rows, next: told.next, bad: told.bad }
    },
    async catchUp(upTo) {
      const told = await ask(id => ({ id, what: 'catch up', size: upTo }), catchUpMs)
      if (!('size' in told)) throw failed('why' in told ? told.why : 'the answer is none')
      return told.size
    },
    async close() {
      isClosed = true
      cancelIdle()
      for (const { settle } of [...waiting.values()]) settle(failed('the ledger is being closed'))
      await end()
    },
  }
}

function failed(why: string, code = 'search.failed'): Fault {
  return new Fault(code, `the search failed: ${why}`, { retry: 1000 })
}

function busy(most: number): Fault {
  return new Fault('search.busy', `${most} searches are waiting already`, {
    hint: 'try again in a moment',
    retry: 1000,
  })
}

function slow(timeoutMs: number): Fault {
  return new Fault('search.slow', `the search was given up after ${timeoutMs / 1000} s`, {
    hint: 'narrow it, by a service (svc:api) or a time (since:2h)',
  })
}
