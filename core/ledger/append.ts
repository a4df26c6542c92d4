import type { Clock } from '../clock.ts'
import { type Data, type Draft, type Entry, KINDS } from '../entry.ts'
import { Fault, messageOf } from '../fault.ts'
import { type Batch, batchSize, buildBatch, type Item, rewound } from './batch.ts'
import type { Head, Ledger, Recorded } from './ledger.ts'
import { lineText, ZEROS } from './line.ts'
import {
  absorb,
  anyLosses,
  gapData,
  newLosses,
  noteDropped,
  noteLost,
  noteRefused,
  noteTailsLost,
  type Trouble,
  troubleOf,
} from './losses.ts'
import { marker } from './marker.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { Notice, Recovered } from './recover.ts'
import { scrubber } from './redact.ts'
import { rotation } from './rotation.ts'
import { sideStore } from './side.ts'

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
  readonly genesis: Data
  readonly clock: Clock
  /** 8 hex. */
  readonly boot: string
  readonly redact: readonly string[]
  readonly fsync: boolean
  readonly snapshot: () => Data | undefined
  /** Told in words about trouble that no entry can tell of (yet). */
  readonly onTrouble: (what: string) => void
  /** Takes the lock and puts the end of the ledger in order; called until it succeeded once. */
  readonly start: () => Promise<Recovered>
  /** Gives the lock back. */
  readonly stop: () => void
}

export interface Writer extends Ledger {
  /** Starts; resolves when the ledger is ready or degraded, rejects when another process is writing it. */
  begin(): Promise<void>
}

const QUEUE_ENTRIES = 16_384
const QUEUE_CHARS = 16 * 1024 * 1024
const STALLED_AFTER_MS = 10_000
/** What is tried first on a disk that took nothing: a little may fit where a full batch does not. */
const PROBE_ENTRIES = 32
const RETRY_FIRST_MS = 250
const RETRY_CAP_MS = 30_000

export function createWriter(options: WriterOptions): Writer {
  const { dir, clock, boot, onTrouble } = options
  const scrub = scrubber(options.redact)
  const side = sideStore(dir)
  const segments = rotation(options)
  const listeners = new Set<(entries: readonly Entry[]) => void>()
  let queue: Item[] = []
  let queuedChars = 0
  let inFlight: readonly Item[] = []
  let notices: readonly Notice[] = []
  let losses = newLosses()
  let degraded: Trouble | null = null
  let stalled = false
  let failures = 0
  let running: Promise<void> | null = null
  let woken = false
  let closing: Promise<void> | null = null
  let cancelRetry = (): void => {}

  const mark = marker(dir, clock, segments.mark, onTrouble)
  const monoUs = (): number => Math.round(clock.monoMs() * 1000)

  function append(draft: Draft): Promise<Recorded | null> {
    const tsMs = clock.wallMs()
    let prepared: Prepared
    try {
      prepared = prepare(draft, scrub)
    } catch (error) {
      if (KINDS[draft.kind] !== 'soft') return Promise.reject(error)
      noteDropped(losses, messageOf(error), tsMs)
      onTrouble(messageOf(error))
      return Promise.resolve(null)
    }
    const refusal = refusalOf(prepared)
    if (refusal !== null) {
      if (!prepared.must) noteLost(losses, prepared, tsMs)
      else noteRefused(losses, tsMs)
      return prepared.must ? Promise.reject(refusal) : Promise.resolve(null)
    }
    return new Promise((resolve, reject) => {
      queue.push({ prepared, tsMs, monoUs: monoUs(), resolve, reject })
      queuedChars += prepared.chars
      if (degraded === null) wake()
      else trimRing()
    })
  }

  function refusalOf(item: Prepared): Fault | null {
    if (closing !== null)
      return new Fault('ledger.closed', 'the ledger is closed: the daemon is ending', {
        hint: 'ask again when it is back',
      })
    if (item.must && (degraded !== null || stalled)) return degradedFault()
    if (degraded === null && (queue.length >= QUEUE_ENTRIES || queuedChars >= QUEUE_CHARS))
      return new Fault('ledger.busy', `not recorded: ${queue.length} entries wait for the disk`, {
        hint: 'ask again in a moment',
        retry: 1000,
      })
    return null
  }

  function whyDegraded(): string | undefined {
    return degraded?.why ?? (stalled ? `the disk has not answered for ${STALLED_AFTER_MS / 1000} s` : undefined)
  }

  function degradedFault(): Fault {
    const hint = `free or repair the disk that holds ${dir}; the ledger then goes on by itself`
    return new Fault('ledger.degraded', `not recorded, so not done: ${whyDegraded()}`, { hint, retry: 5000 })
  }

  /** While degraded, the oldest entries make room for the newest. */
  function trimRing(): void {
    while (queue.length > QUEUE_ENTRIES || queuedChars > QUEUE_CHARS) {
      const item = queue.shift()
      if (item === undefined) return
      queuedChars -= item.prepared.chars
      noteLost(losses, item.prepared, item.tsMs)
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
      inFlight = queue.splice(0, batchSize(queue, degraded === null ? undefined : PROBE_ENTRIES))
      for (const item of inFlight) queuedChars -= item.prepared.chars
      const cancelStall = clock.after(STALLED_AFTER_MS, stall)
      try {
        if (segments.position() === null) await start()
        settle(await store(inFlight))
      } catch (error) {
        await failed(troubleOf(error))
        if (degraded !== null) return
      } finally {
        cancelStall()
        stalled = false
        inFlight = []
      }
    } while (queue.length > 0 || failures > 0 || notices.length > 0)
  }

  async function start(): Promise<void> {
    const recovered = await options.start()
    await segments.begin(recovered)
    notices = recovered.notices
  }

  async function store(items: readonly Item[]): Promise<Batch> {
    const first = items[0]
    const opening = await segments.ready()
    const at = segments.at()
    // The writer's own entries take the time of the entry they make room for, so that time stays in order.
    const tsMs = first?.tsMs ?? clock.wallMs()
    const telling = losses
    const drafts = [
      ...opening,
      ...rewound(at, tsMs),
      ...(anyLosses(telling) ? [{ kind: 'ledger.gap', data: gapData(telling) } as const] : []),
      ...notices.map(notice => notice.draft),
    ]
    const own = { prepared: drafts.map(draft => prepare(draft, scrub)), tsMs, monoUs: first?.monoUs ?? monoUs() }
    const batch = buildBatch(at, boot, own, items)
    if (batch.lines.length === 0) return batch
    losses = newLosses()
    try {
      if (batch.rows.length > 0) await storeTails(batch, tsMs)
      await segments.store(batch)
    } catch (error) {
      absorb(telling, losses)
      losses = telling
      for (const ref of batch.refs) delete ref.seq
      throw error
    }
    return batch
  }

  async function storeTails(batch: Batch, tsMs: number): Promise<void> {
    try {
      await side.write(segments.name(), batch.rows)
    } catch (error) {
      noteTailsLost(losses, batch.rows.length, troubleOf(error), tsMs)
    }
  }

  /** Durable: answers the callers, then tells the followers. */
  function settle(batch: Batch): void {
    if (degraded !== null) onTrouble('the ledger records again')
    degraded = null
    failures = 0
    for (const notice of notices) notice.told?.()
    notices = []
    if (batch.lines.length === 0) return
    const ownLines = batch.lines.length - inFlight.length
    inFlight.forEach((item, index) => {
      const line = batch.lines[ownLines + index]
      item.resolve(line === undefined ? null : { seq: line.seq, h: line.h })
    })
    mark.moved()
    if (listeners.size === 0) return
    const entries = batch.lines.map(line => JSON.parse(lineText(line)) as Entry)
    for (const listener of listeners) {
      try {
        listener(entries)
      } catch (error) {
        onTrouble(`a follower of the ledger failed: ${messageOf(error)}`)
      }
    }
  }

  async function failed(trouble: Trouble): Promise<void> {
    queue = [...inFlight, ...queue]
    for (const item of inFlight) queuedChars += item.prepared.chars
    losses.cause ??= trouble
    const abandoned = await segments.abandon()
    losses.segment ??= abandoned
    losses.rewritten = Math.max(losses.rewritten, inFlight.length)
    // The first failure is answered at once with a new segment; only the second one means that nothing can be written.
    if (++failures > 1) degrade(trouble)
  }

  function degrade(trouble: Trouble): void {
    if (degraded === null) onTrouble(`the ledger can't be written: ${trouble.why}. Healing goes on; orders are refused`)
    degraded = trouble
    const waiting = queue
    queue = waiting.filter(item => !item.prepared.must)
    for (const item of waiting) {
      if (!item.prepared.must) continue
      queuedChars -= item.prepared.chars
      noteRefused(losses, item.tsMs)
      item.reject(degradedFault())
    }
    losses.rewritten = 0
    trimRing()
    cancelRetry = clock.after(Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** (failures - 2)), () => void run())
  }

  /** The disk neither stores nor fails: nobody should wait for it. What is in flight may still be recorded. */
  function stall(): void {
    stalled = true
    onTrouble(
      `the ledger's disk has not answered for ${STALLED_AFTER_MS / 1000} s. Healing goes on; orders are refused`,
    )
    for (const item of [...inFlight, ...queue]) if (item.prepared.must) item.reject(degradedFault())
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
    for (const item of queue) item.prepared.must ? item.reject(degradedFault()) : item.resolve(null)
    queue = []
    if (ended === 'late') return onTrouble(`the ledger was closed while its disk did not answer (${timeoutMs} ms)`)
    await mark.close()
    await side.close()
    await segments.close()
    options.stop()
  }

  return {
    append,
    head(): Head {
      const at = segments.position()
      const why = whyDegraded()
      return {
        size: at?.seq ?? 0,
        h: at?.h ?? ZEROS,
        recording: why === undefined ? 'ok' : 'degraded',
        ...(why === undefined ? {} : { why }),
      }
    },
    onDurable(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close(timeoutMs) {
      closing ??= close(timeoutMs)
      return closing
    },
    async begin() {
      try {
        await start()
      } catch (error) {
        if (error instanceof Fault) throw error
        await failed(troubleOf(error))
      }
      await run()
    },
  }
}
