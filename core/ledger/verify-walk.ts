import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type Walk, walkChain } from './chain.ts'
import { leafHashOf } from './tree/hash.ts'
import { emptyRange, type Range, rangeBuilder } from './tree/range.ts'

/** A segment to follow: what one thread of a verification is asked to do. */
export interface Task {
  readonly path: string
  readonly first: number
  /** Null: believe the first line. */
  readonly prev: string | null
  readonly validBytes: number
  /** Sizes of the tree, in order, at which its state is wanted; more than `first`. */
  readonly sizes: readonly number[]
  /** The tree is not wanted. */
  readonly isOnlyChain: boolean
}

/** What the threads of a verification share: the segments, and the index of the next one to be taken. */
export interface Share {
  readonly tasks: readonly Task[]
  readonly next: Int32Array
}

export interface Walked {
  readonly index: number
  readonly walk: TreeWalk
}

/** The chain of a segment, and the tree over its good lines. */
export interface TreeWalk extends Walk {
  readonly range: Range
  /** The same up to each of the sizes asked for. */
  readonly at: readonly Range[]
  /** Lines that tell of keys, and of what was pruned, without LF. */
  readonly notable: readonly string[]
}

const NOTABLE = /"kind":"(?:genesis|key\.rotated|ledger\.pruned)"/

/** Follows one segment from its file. */
export function walkSegment(task: Task): TreeWalk {
  const builder = rangeBuilder(emptyRange(task.first))
  const at: Range[] = []
  const notable: string[] = []
  const eachGood = (bytes: Buffer, text: string): void => {
    const isNotable = NOTABLE.test(text)
    for (let from = 0, to = 0; from < bytes.length; from = to + 1) {
      to = text.indexOf('\n', from)
      builder.append(leafHashOf(bytes, from, to))
      if (builder.end === task.sizes[at.length]) at.push(builder.range())
      if (!isNotable) continue
      const line = bytes.toString('utf8', from, to)
      if (NOTABLE.test(line)) notable.push(line)
    }
  }
  const fd = openSync(task.path, 'r')
  try {
    const link = { seq: task.first, prev: task.prev }
    const walk = walkChain(fd, link, task.validBytes, task.isOnlyChain ? undefined : eachGood)
    return { ...walk, range: builder.range(), at, notable }
  } finally {
    closeSync(fd)
  }
}

/**
 * Follows all segments, here and in `threads - 1` workers: whoever is free takes the next one. After a bad one no more
 * are begun, since everything before it is under way already.
 */
export async function walkAll(
  tasks: readonly Task[],
  threads: number,
  done: (task: Task) => void,
  signal?: AbortSignal,
): Promise<TreeWalk[]> {
  const walks: TreeWalk[] = []
  const next = new Int32Array(new SharedArrayBuffer(4))
  const finish = (index: number, walk: TreeWalk): void => {
    walks[index] = walk
    const task = tasks[index]
    if (task !== undefined) done(task)
    if (walk.bad !== null) Atomics.store(next, 0, tasks.length)
  }
  const share: Share = { tasks, next }
  const file = new URL(import.meta.url.endsWith('.ts') ? 'verify-worker.ts' : 'verify-worker.js', import.meta.url)
  const workers = Array.from({ length: threads - 1 }, () => new Worker(file, { workerData: share }))
  const ended = Promise.all(
    workers.map(async worker => {
      worker.on('message', ({ index, walk }: Walked) => finish(index, walk))
      // Rejects with the worker's own error.
      await once(worker, 'exit')
    }),
  )
  // It is awaited below, after this thread's own share; until then a failure must not count as nobody's.
  ended.catch(() => {})
  try {
    for (let index = Atomics.add(next, 0, 1); index < tasks.length; index = Atomics.add(next, 0, 1)) {
      const task = tasks[index]
      if (task !== undefined) finish(index, walkSegment(task))
      // Lets an interrupt in, and the progress out.
      await new Promise(resolve => setImmediate(resolve))
      signal?.throwIfAborted()
    }
    await ended
  } finally {
    await Promise.allSettled(workers.map(worker => worker.terminate()))
  }
  return walks
}
