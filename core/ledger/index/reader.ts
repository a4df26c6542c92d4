import { Worker } from 'node:worker_threads'
import type { Clock } from '../../clock.ts'
import type { Entry } from '../../entry.ts'
import { Fault, messageOf } from '../../fault.ts'
import type { Filter } from '../filter.ts'
import type { Page } from '../list.ts'
import type { Asked, Told } from './reader-worker.ts'

/*
 * Life of a question to a daemon's ledger:
 *
 * 1. It goes to a thread of its own (`reader-worker.ts`), which is started when there is something to do. Not more than 16
 *    wait; each has a deadline.
 * 2. The thread brings the index up to date and answers with lines, each checked against its hash; where no index can be
 *    kept, by reading the files.
 * 3. The thread ends, and gives its memory back, when it had nothing to do for a minute.
 */

export interface IndexReader {
  /**
   * Entries, newest first, as `queryLedger` finds them. Faults: `search.busy` (too many wait; try again), `search.slow` (its
   * time is up), `search.failed`, `search.closed`.
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

const LIMITS: Limits = { waiting: 16, questionMs: 20_000, catchUpMs: 3_600_000, idleMs: 60_000 }
/** Most rows of a page. */
export const MOST_ROWS = 1000
const TERMINATE_MS = 1000
/** The thread's own memory, MB: a runaway must not take the daemon with it. */
const MEMORY = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 }

interface Waiting {
  readonly settle: (told: Told | Fault) => void
}

export function indexReader({ dir, clock, size, limits }: ReaderOptions): IndexReader {
  const { waiting: most, questionMs, catchUpMs, idleMs } = { ...LIMITS, ...limits }
  const waiting = new Map<number, Waiting>()
  let worker: Worker | null = null
  let nextId = 1
  let isClosed = false
  let cancelIdle = (): void => {}

  function started(): Worker {
    const thread = new Worker(new URL('./reader-worker.ts', import.meta.url), {
      workerData: { dir },
      resourceLimits: MEMORY,
    })
    // It alone keeps no process alive; each question's deadline does.
    thread.unref()
    thread.on('message', (told: Told) => waiting.get(told.id)?.settle(told))
    thread.on('error', error => lost(thread, messageOf(error)))
    thread.on('exit', () => lost(thread, 'its thread ended'))
    return thread
  }

  function lost(thread: Worker, why: string): void {
    if (worker !== thread) return
    worker = null
    cancelIdle()
    for (const { settle } of [...waiting.values()]) settle(failed(why))
  }

  function ask(asked: (id: number) => Asked, timeoutMs: number): Promise<Told> {
    if (isClosed) return Promise.reject(new Fault('search.closed', 'the ledger is being closed', { retry: 5000 }))
    if (waiting.size >= most) return Promise.reject(busy(most))
    const id = nextId++
    return new Promise((resolve, reject) => {
      const cancelDeadline = clock.after(timeoutMs, () => {
        worker?.postMessage({ id, what: 'cancel' } satisfies Asked)
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
        worker.postMessage(asked(id))
      } catch (error) {
        settle(failed(messageOf(error)))
      }
    })
  }

  function idle(): void {
    cancelIdle()
    if (!isClosed) cancelIdle = clock.after(idleMs, () => void end())
  }

  async function end(): Promise<void> {
    const thread = worker
    worker = null
    await thread?.terminate()
  }

  return {
    async find(filter, { limit, cursor }) {
      const told = await ask(
        id => ({ id, what: 'find', size: size(), filter, limit: Math.min(limit, MOST_ROWS), cursor }),
        questionMs,
      )
      if (!('lines' in told)) throw failed('why' in told ? told.why : 'the answer is none')
      // The thread has checked them.
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
      const { promise, resolve } = Promise.withResolvers<void>()
      // A thread that waits for a broken disk can't be ended.
      const cancel = clock.after(TERMINATE_MS, resolve)
      void end().then(resolve, resolve)
      await promise
      cancel()
    },
  }
}

function failed(why: string): Fault {
  return new Fault('search.failed', `the search failed: ${why}`, { retry: 1000 })
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
