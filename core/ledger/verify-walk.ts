import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type Walk, walkChain } from './chain.ts'
import { leafHashOf } from './tree/hash.ts'
import { emptyRange, type Range, rangeBuilder } from './tree/range.ts'

export interface WalkOptions {
  /** Threads; 1 (left out): this one only. */
  readonly workers?: number
  /** Called with the number of bytes done so far and in all. */
  readonly onProgress?: (doneBytes: number, allBytes: number) => void
  readonly signal?: AbortSignal
}

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

const NOTABLE = ['genesis"', 'key.rotated"', 'ledger.pruned"']
const NOTABLE_BEGINS = NOTABLE.map(kind => kind.charCodeAt(0))
/** In every line that is an entry: where its place begins, and what stands between that, `mono` and its kind. */
const PLACE_AT = '{"v":1,"seq":'.length
const TO_MONO = ',"prev":"'.length + 64 + '","ts":"2026-01-01T00:00:00.000Z","mono":'.length
const TO_KIND = ',"boot":"00000000","kind":"'.length
const COMMA = 44

/** Whether the line at `from` is of such a kind. In what is no entry `checkLine` finds no kind, so none is missed here. */
function isNotable(text: string, from: number): boolean {
  const kindAt = commaBehind(text, commaBehind(text, from + PLACE_AT) + TO_MONO) + TO_KIND
  return NOTABLE_BEGINS.includes(text.charCodeAt(kindAt)) && NOTABLE.some(kind => text.startsWith(kind, kindAt))
}

/** Numbers are short, and the end of every good line has a comma too. */
function commaBehind(text: string, from: number): number {
  let at = from
  while (at < text.length && text.charCodeAt(at) !== COMMA) at++
  return at
}

/** Follows one segment from its file. */
export function walkSegment(task: Task): TreeWalk {
  const builder = rangeBuilder(emptyRange(task.first))
  const at: Range[] = []
  const notable: string[] = []
  const eachGood = (bytes: Buffer, text: string, ends: readonly number[]): void => {
    let from = 0
    for (const to of ends) {
      if (isNotable(text, from)) notable.push(bytes.toString('utf8', from, to))
      builder.append(leafHashOf(bytes, from, to))
      if (builder.end === task.sizes[at.length]) at.push(builder.range())
      from = to + 1
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
 * Follows all segments, here and in `workers - 1` others: whoever is free takes the next one. After a bad one no more
 * are begun, since everything before it is under way already.
 */
export async function walkAll(
  tasks: readonly Task[],
  { workers: threads = 1, onProgress, signal }: WalkOptions = {},
): Promise<TreeWalk[]> {
  const walks: TreeWalk[] = []
  const allBytes = tasks.reduce((sum, { validBytes }) => sum + validBytes, 0)
  let doneBytes = 0
  const next = new Int32Array(new SharedArrayBuffer(4))
  const whole = Promise.withResolvers<void>()
  let left = tasks.length
  const finish = (index: number, walk: TreeWalk): void => {
    walks[index] = walk
    left--
    if (left === 0) whole.resolve()
    doneBytes += tasks[index]?.validBytes ?? 0
    onProgress?.(doneBytes, allBytes)
    if (walk.bad !== null) Atomics.store(next, 0, tasks.length)
  }
  const share: Share = { tasks, next }
  const file = new URL(import.meta.url.endsWith('.ts') ? 'verify-worker.ts' : 'verify-worker.js', import.meta.url)
  const others = Math.max(1, Math.min(threads, tasks.length)) - 1
  const workers = Array.from({ length: others }, () => new Worker(file, { workerData: share }))
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
    // Behind a bad one some are never begun.
    if (workers.length > 0) await Promise.race([whole.promise, ended])
  } finally {
    // Whoever has nothing more to tell need not be waited for.
    for (const worker of workers) void worker.terminate()
  }
  return walks
}
