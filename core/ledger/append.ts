import type { Clock } from '../clock.ts'
import { type Data, type Draft, KINDS, type Kind } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import type { Batch, Item } from './batch.ts'
import { createFollowers } from './followers.ts'
import type { Head, Ledger, Recorded } from './ledger.ts'
import { ZEROS } from './line.ts'
import { noteDropped, noteLost, noteRefused, type Trouble, troubleOf } from './losses.ts'
import { marker } from './marker.ts'
import { type Prepared, prepare } from './prepare.ts'
import { createQueue } from './queue.ts'
import type { Recovered } from './recover.ts'
import { scrubber } from './redact.ts'
import { busyFault, closedFault, degradedFault, stalledFault } from './refusals.ts'
import { createStorage } from './storage.ts'
import type { TreeKeeper } from './tree/keeper.ts'

/*
 * Life of a batch:
 *
 * 1. `append` copies, checks and redacts the draft and queues it. The first one of a turn wakes the writer.
 * 2. The writer takes what waits (≤ 1,024 entries, ≤ 1 MiB), gives each its place, builds the lines, hashes them.
 * 3. One write, one fdatasync. While it is under way, the next batch gathers.
 * 4. Durable: the callers are answered, then the followers, then (later, lazily) the mark.
 *
 * And of a failure: the descriptor is dead. The batch goes back to the queue and is built again for a new segment, behind
 * a `ledger.gap` that says what happened. If that fails too the ledger is degraded: orders are refused, health entries
 * wait in a bounded ring, and the writer tries again with growing pauses.
 */

export interface WriterOptions {
  readonly dir: string
  readonly genesis: () => Promise<Data>
  readonly clock: Clock
  /** 8 hex. */
  readonly boot: string
  readonly redact: readonly string[]
  readonly fsync: boolean
  readonly snapshot: () => Data | undefined
  /** Told in words about trouble that no entry can tell of (yet). */
  readonly onTrouble: (what: string) => void
  readonly tree: TreeKeeper
  /** Takes the lock and puts the end of the ledger in order; called until it succeeded once. */
  readonly start: () => Promise<Recovered>
  /** Gives the lock back. */
  readonly stop: () => void
}

export interface Writer extends Pick<Ledger, 'append' | 'head' | 'tree' | 'onDurable' | 'close'> {
  /** Like `append`, for what has to be done exactly if it is recorded: it settles when that is known, never by `ledger.stalled`. */
  appendForCertain(draft: Draft): Promise<Recorded | null>
  /** Told each time that the disk has not answered for too long. The answer unsubscribes. */
  onStall(listener: (fault: Fault) => void): () => void
  /** Told of the kinds of what became durable. */
  onDurableKinds(listener: (kinds: readonly Kind[]) => void): void
  /** Tries at once what would be tried later; resolves to whether the ledger records now. */
  retry(): Promise<boolean>
  /** Where the ledger ends is known: the disk could be read since. */
  isStarted(): boolean
  /** Starts; resolves when the ledger is ready or degraded, rejects when another process is writing it. */
  begin(): Promise<void>
}

const STALLED_AFTER_MS = 10_000
const STALLED = `the disk has not answered for ${STALLED_AFTER_MS / 1000} s`
/** What is tried first on a disk that took nothing: a little may fit where a full batch does not. */
const PROBE_ENTRIES = 32
const RETRY_FIRST_MS = 250
const RETRY_CAP_MS = 30_000

export function createWriter(options: WriterOptions): Writer {
  const { dir, clock, onTrouble } = options
  const scrub = scrubber(options.redact)
  const storage = createStorage({ ...options, scrub })
  const followers = createFollowers(onTrouble)
  const queue = createQueue()
  const stallListeners = new Set<(fault: Fault) => void>()
  let inFlight: readonly Item[] = []
  let degraded: Trouble | null = null
  let stalled = false
  let failures = 0
  let running: Promise<void> | null = null
  let woken = false
  let closing: Promise<void> | null = null
  let cancelRetry = (): void => {}

  const mark = marker(dir, clock, storage.mark, onTrouble)
  const monoUs = (): number => Math.round(clock.monoMs() * 1000)

  function append(draft: Draft, isPatient = false): Promise<Recorded | null> {
    const tsMs = clock.wallMs()
    let prepared: Prepared
    try {
      prepared = prepare(draft, scrub)
    } catch (error) {
      if (KINDS[draft.kind] !== 'soft') return Promise.reject(error)
      noteDropped(storage.losses(), messageOf(error), tsMs)
      onTrouble(messageOf(error))
      return Promise.resolve(null)
    }
    const refused = refusalOf(prepared)
    if (refused !== null) {
      if (!prepared.must) noteLost(storage.losses(), prepared, tsMs)
      else noteRefused(storage.losses(), tsMs)
      return prepared.must ? Promise.reject(refused) : Promise.resolve(null)
    }
    return new Promise((resolve, reject) => {
      queue.push({ prepared, tsMs, monoUs: monoUs(), isPatient, resolve, reject })
      if (degraded === null) wake()
      else trimRing()
    })
  }

  function refusalOf(item: Prepared): Fault | null {
    if (closing !== null) return closedFault()
    if (item.must && (degraded !== null || stalled)) return refusal()
    return degraded === null && queue.full ? busyFault(queue.length) : null
  }

  function whyDegraded(): string | undefined {
    return degraded?.why ?? (stalled ? STALLED : undefined)
  }

  function refusal(): Fault {
    return degradedFault(dir, whyDegraded() ?? 'it is being closed')
  }

  /** While degraded, the oldest entries make room for the newest. */
  function trimRing(): void {
    for (const item of queue.trim()) {
      noteLost(storage.losses(), item.prepared, item.tsMs)
      item.resolve(null)
    }
  }

  /** Same-turn appends gather: the writer starts in a microtask, behind those that are already due. */
  function wake(): void {
    if (woken || running !== null) return
    woken = true
    queueMicrotask(() => {
      woken = false
      void run()
    })
  }

  /** Never rejects: what goes wrong ends up in `degraded`. */
  function run(): Promise<void> {
    running ??= drain().finally(() => {
      running = null
      if (degraded === null && queue.length > 0) wake()
    })
    return running
  }

  async function drain(): Promise<void> {
    do {
      inFlight = queue.take(degraded === null ? undefined : PROBE_ENTRIES)
      const cancelStall = clock.after(STALLED_AFTER_MS, stall)
      try {
        if (storage.position() === null) await storage.start()
        settle(await storage.store(inFlight))
      } catch (error) {
        await failed(troubleOf(error))
        if (degraded !== null) return
      } finally {
        cancelStall()
        stalled = false
        inFlight = []
      }
    } while (queue.length > 0 || failures > 0 || storage.hasNotices())
  }

  /** Durable: answers the callers, then tells the followers. */
  function settle(batch: Batch): void {
    if (degraded !== null) onTrouble('the ledger records again')
    degraded = null
    failures = 0
    storage.noticesAreTold()
    if (batch.lines.length === 0) return
    const ownLines = batch.lines.length - inFlight.length
    inFlight.forEach((item, index) => {
      const line = batch.lines[ownLines + index]
      item.resolve(line === undefined ? null : { seq: line.seq, h: line.h })
    })
    mark.moved()
    const [first] = batch.lines
    if (first !== undefined) options.tree.follow({ first: first.seq, count: batch.lines.length, bytes: batch.bytes })
    followers.tell(batch)
  }

  async function failed(trouble: Trouble): Promise<void> {
    queue.putBack(inFlight)
    await storage.abandon(trouble, inFlight.length)
    // The first failure is answered at once with a new segment; only the second one means that nothing can be written.
    if (++failures > 1) degrade(trouble)
  }

  function degrade(trouble: Trouble): void {
    if (degraded === null) onTrouble(`the ledger can't be written: ${trouble.why}. Healing goes on; orders are refused`)
    degraded = trouble
    refuseWaiting()
    storage.losses().rewritten = 0
    trimRing()
    cancelRetry = clock.after(Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** (failures - 2)), () => void run())
  }

  /** Takes back what the disk has not got: that is not recorded later either. */
  function refuseWaiting(): void {
    for (const item of queue.remove(waiting => waiting.prepared.must)) {
      noteRefused(storage.losses(), item.tsMs)
      item.reject(refusal())
    }
  }

  /** The disk neither stores nor fails: nobody should wait for it. What is in flight may still be recorded. */
  function stall(): void {
    stalled = true
    onTrouble(`the ledger can't be written: ${STALLED}. Healing goes on; orders are refused`)
    const fault = stalledFault(STALLED)
    for (const { prepared, isPatient, reject } of inFlight) if (prepared.must && !isPatient) reject(fault)
    refuseWaiting()
    for (const listener of stallListeners) listener(fault)
  }

  async function close(timeoutMs: number): Promise<void> {
    if (degraded === null && queue.length > 0) void run()
    let cancel = (): void => {}
    const late = new Promise<'late'>(resolve => {
      cancel = clock.after(timeoutMs, () => resolve('late'))
    })
    const ended = await Promise.race([(running ?? Promise.resolve()).then(() => 'flushed' as const), late])
    cancel()
    cancelRetry()
    for (const item of queue.remove(() => true)) item.prepared.must ? item.reject(refusal()) : item.resolve(null)
    if (ended === 'late') return onTrouble(`the ledger was closed while its disk did not answer (${timeoutMs} ms)`)
    await mark.close()
    await options.tree.close()
    await storage.close()
    options.stop()
  }

  return {
    append: draft => append(draft),
    appendForCertain: draft => append(draft, true),
    onStall(listener) {
      stallListeners.add(listener)
      return () => void stallListeners.delete(listener)
    },
    head(): Head {
      const at = storage.position()
      const why = whyDegraded()
      return {
        size: at?.seq ?? 0,
        h: at?.h ?? ZEROS,
        recording: why === undefined ? 'ok' : 'degraded',
        ...(why === undefined ? {} : { why }),
      }
    },
    tree: options.tree.head,
    onDurable: followers.add,
    onDurableKinds: followers.addForKinds,
    close(timeoutMs) {
      closing ??= close(timeoutMs)
      return closing
    },
    isStarted: () => storage.position() !== null,
    async retry() {
      cancelRetry()
      if (closing === null) await run()
      return degraded === null
    },
    async begin() {
      try {
        await storage.start()
      } catch (error) {
        if (error instanceof Fault) throw error
        await failed(troubleOf(error))
      }
      await run()
    },
  }
}
