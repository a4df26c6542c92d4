import { once } from 'node:events'
import { closeSync, openSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { round } from '../clock.ts'
import { lastWholeLine, type Share, type Task, UNFINISHED, type Walk, type Walked, walkSegment } from './chain.ts'
import { firstLine, type SegmentFile, segmentFiles } from './files.ts'
import { type Mark, readMark } from './head.ts'
import { checkLine, MAX_LINE_BYTES, ZEROS } from './line.ts'
import { hasWriter } from './lock.ts'
import { readEntry } from './read.ts'

/*
 * Life of a verification:
 *
 * 1. The first line of each segment says how much of the one before counts; bytes beyond that are void.
 * 2. Each segment is followed line by line (`chain.ts`), here or spread over workers; a worker believes the `prev` of its
 *    segment's first line.
 * 3. The pieces are joined in order: names, counts, valid sizes and the `prev` believed have to fit what came before.
 *
 * Every byte that counts is covered by a line's hash, so the segments' own SHA-256 need not be computed again.
 */

export interface Finding {
  readonly seq: number
  /** Line number in the segment's file, from 1. */
  readonly line: number
  readonly why: string
  readonly segment: string
}

/** Keys as promised to users; parts that do not exist yet are null. */
export interface Verdict {
  readonly ok: boolean
  /** Entries that were found good, from the first one on. */
  readonly size: number
  /** `h` of the last of them. */
  readonly head: string
  readonly checked: {
    readonly chain: boolean
    readonly tree: null
    readonly checkpoints: null
    readonly epochs: null
    readonly index: null
  }
  readonly firstBad: Finding | null
  /** `firstBad` is nothing but an unfinished write at the end, which the next start of heald sets aside and records. */
  readonly torn: boolean
  /** Bytes at the end of segments that don't count; the first entry of the segment after each says so. */
  readonly void: readonly { readonly segment: string; readonly bytes: number }[]
  /** Everything before this seq is proved to be one unbroken chain. */
  readonly provableUpTo: number
  readonly tookMs: number
}

export interface VerifyOptions {
  /** Threads; 1 (left out): this one only. */
  readonly workers?: number
  /** Called with the number of bytes done so far and in all. */
  readonly onProgress?: (doneBytes: number, allBytes: number) => void
  readonly signal?: AbortSignal
}

/** Two threads and more save time only where the machine has them, and none is worth starting for little. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(4, availableParallelism()))
}

/** Verifies the whole chain of a ledger folder; needs no daemon and changes nothing. */
export async function verifyLedger(
  dir: string,
  { workers = 1, onProgress, signal }: VerifyOptions = {},
): Promise<Verdict> {
  const startMs = performance.now()
  // Before the files: what it knows to be durable has to be in them.
  const { mark } = readMark(dir)
  const plan = planOf(segmentFiles(dir))
  const allBytes = plan.reduce((sum, { task }) => sum + task.validBytes, 0)
  let doneBytes = 0
  const done = (task: Task): void => {
    doneBytes += task.validBytes
    onProgress?.(doneBytes, allBytes)
  }
  const tasks = plan.map(({ task }) => task)
  const walks = await walkAll(tasks, Math.max(1, Math.min(workers, tasks.length)), done, signal)
  const isWritten = hasWriter(dir)
  if (isWritten) await finishLast(plan, walks)
  const marked = await markedHash(dir, mark)
  const joined = join(plan, walks)
  const { seq, h, firstBad } = judgeByMark(marked, mark, joined)
  const torn = !isWritten && (mark === null || mark.h === marked) && isTornEnd(plan, walks, joined)
  const ok = firstBad === null
  return {
    ok,
    size: seq,
    head: h,
    checked: { chain: ok, tree: null, checkpoints: null, epochs: null, index: null },
    firstBad,
    torn,
    void: plan.flatMap(({ file, voidBytes }) => (voidBytes > 0 ? [{ segment: file.name, bytes: voidBytes }] : [])),
    provableUpTo: seq,
    tookMs: round(performance.now() - startMs),
  }
}

/** Read from a line, so anything may stand there. */
interface Says {
  readonly name?: unknown
  readonly count?: unknown
  readonly validBytes?: unknown
}

interface Planned {
  readonly file: SegmentFile
  readonly task: Task
  /** What this segment's first entry says of the one before. */
  readonly says: Says | null
  readonly voidBytes: number
  /** The writer was done with it. */
  readonly isSealed: boolean
}

function planOf(found: readonly SegmentFile[]): Planned[] {
  // An empty one at the end was just made, or its maker died: it holds nothing that counts.
  const files = found.filter((file, index) => index < found.length - 1 || statSync(file.path).size > 0)
  const says = files.map(file => saysOfPrevious(file))
  return files.map((file, index) => {
    const valid = says[index + 1]?.validBytes
    const { size, mode } = statSync(file.path)
    // A size larger than the file, or none: the join tells.
    const validBytes = typeof valid === 'number' ? Math.min(valid, size) : size
    return {
      file,
      says: says[index] ?? null,
      voidBytes: size - Math.max(0, validBytes),
      isSealed: (mode & 0o200) === 0,
      task: { path: file.path, first: file.first, prev: file.first === 0 ? ZEROS : null, validBytes },
    }
  })
}

function saysOfPrevious(file: SegmentFile): Says | null {
  const checked = checkLine(firstLine(file.path, MAX_LINE_BYTES))
  if (!checked.ok || checked.entry.kind !== 'segment.opened') return null
  const { previous } = checked.entry.data
  return typeof previous === 'object' && previous !== null ? ({ ...previous } as Says) : null
}

/**
 * Follows all segments, here and in `threads - 1` workers: whoever is free takes the next one. After a bad one no more
 * are begun, since everything before it is under way already.
 */
async function walkAll(
  tasks: readonly Task[],
  threads: number,
  done: (task: Task) => void,
  signal?: AbortSignal,
): Promise<Walk[]> {
  const walks: Walk[] = []
  const next = new Int32Array(new SharedArrayBuffer(4))
  const finish = (index: number, walk: Walk): void => {
    walks[index] = walk
    const task = tasks[index]
    if (task !== undefined) done(task)
    if (walk.bad !== null) Atomics.store(next, 0, tasks.length)
  }
  const share: Share = { tasks, next }
  const file = new URL('./verify-worker.ts', import.meta.url)
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

/**
 * A daemon is writing: when nothing but the end of the last line is missing, it gets a moment to arrive. Whatever
 * is still unfinished then is torn.
 */
async function finishLast(plan: readonly Planned[], walks: Walk[]): Promise<void> {
  const last = plan.at(-1)
  for (let tries = 0; last !== undefined && tries < 4; tries++) {
    if (walks[plan.length - 1]?.bad?.why !== UNFINISHED) return
    await sleep(25 * 2 ** tries)
    walks[plan.length - 1] = walkSegment({ ...last.task, validBytes: Number.POSITIVE_INFINITY })
  }
}

/**
 * Whether all that is wrong are bad bytes at the end with no whole line after them: what a start sets aside. It asks
 * this only after a bad end was found, so it costs nothing otherwise. `recover.ts` judges by the same rules.
 */
function isTornEnd(plan: readonly Planned[], walks: readonly Walk[], { firstBad }: Joined): boolean {
  const last = plan.at(-1)
  const walk = walks[plan.length - 1]
  if (firstBad === null || last === undefined || !walk?.bad || firstBad.segment !== last.file.name) return false
  if (firstBad.seq !== walk.bad.seq || firstBad.line !== walk.bad.line) return false
  // What follows a sealed segment held entries once.
  if (last.isSealed || (walk.goodLines === 0 && plan.at(-2)?.isSealed)) return false
  const fd = openSync(last.file.path, 'r')
  try {
    return lastWholeLine(fd, walk.goodBytes) === null
  } finally {
    closeSync(fd)
  }
}

/** The hash that the ledger has at the mark; null when there is no such entry. */
async function markedHash(dir: string, mark: Mark | null): Promise<string | null> {
  const found = mark === null || mark.size === 0 ? null : await readEntry(dir, mark.size - 1)
  return found !== null && 'entry' in found ? found.entry.h : null
}

/** A chain can't tell that its end was cut off; the mark beside it can, as long as it was not changed too. */
function judgeByMark(h: string | null, mark: Mark | null, joined: Joined): Joined {
  if (joined.firstBad !== null || mark === null || h === mark.h) return joined
  const line = joined.seq - Number(mark.seg) + 1
  if (mark.size > joined.seq)
    return {
      ...joined,
      firstBad: { seq: joined.seq, line, why: `entries are missing: the mark knew ${mark.size}`, segment: mark.seg },
    }
  const why = 'the entry at the mark has another hash: the end of the ledger was rewritten'
  return { ...joined, firstBad: { seq: mark.size - 1, line: mark.size - Number(mark.seg), why, segment: mark.seg } }
}

interface Joined {
  readonly seq: number
  readonly h: string
  readonly firstBad: Finding | null
}

/** Puts the segments' chains together; stops at the first thing that does not fit. */
function join(plan: readonly Planned[], walks: readonly Walk[]): Joined {
  let seq = 0
  let h = ZEROS
  let before: { readonly name: string; readonly walk: Walk } | null = null
  for (const [index, { file, says }] of plan.entries()) {
    const walk = walks[index]
    const bad = (why: string, line = 1): Joined => ({
      seq,
      h,
      firstBad: { seq, line, why, segment: file.name },
    })
    if (walk === undefined) return bad('the segment was not read')
    if (file.first !== seq) return bad(`the segment begins with entry ${file.first} where entry ${seq} should be`)
    if (walk.firstPrev !== null && walk.firstPrev !== h)
      return bad('its "prev" is not the hash of the last line of the segment before')
    const misfit = walk.firstPrev === null ? null : misfitOf(says, before)
    if (misfit !== null) return bad(misfit)
    seq = walk.seq
    h = walk.h ?? h
    if (walk.bad !== null) return { seq, h, firstBad: { ...walk.bad, segment: file.name } }
    before = { name: file.name, walk }
  }
  return { seq, h, firstBad: null }
}

/** Where the first entry of a segment and the segment before disagree. */
function misfitOf(says: Planned['says'], before: { readonly name: string; readonly walk: Walk } | null): string | null {
  if (before === null) return null
  if (says === null) return 'the first entry of the segment does not tell of the segment before'
  const { name, walk } = before
  if (says.name !== name) return `the first entry tells of segment ${String(says.name)}, but ${name} stands before it`
  if (says.count !== walk.goodLines)
    return `the first entry tells of ${String(says.count)} entries before it, ${walk.goodLines} were found`
  if (says.validBytes !== walk.goodBytes)
    return `the first entry tells of ${String(says.validBytes)} bytes before it, ${walk.goodBytes} were found`
  return null
}
