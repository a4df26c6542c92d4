import type { Clock } from '../clock.ts'
import { messageOf } from '../fault.ts'
import { type Batch, buildBatch, type Item, rewound } from './batch.ts'
import type { Mark } from './head.ts'
import { absorb, anyLosses, gapData, type Losses, newLosses, noteTailsLost, type Trouble, troubleOf } from './losses.ts'
import { prepare } from './prepare.ts'
import type { Notice, Position, Recovered } from './recover.ts'
import type { Scrubber } from './redact.ts'
import { type RotationOptions, rotation } from './rotation.ts'
import { sideStore } from './side.ts'

export interface StorageOptions extends RotationOptions {
  readonly clock: Clock
  readonly boot: string
  readonly scrub: Scrubber
  readonly start: () => Promise<Recovered>
}

/** What stands on the disk, and what still has to be told there before anything else. One caller at a time. */
export interface Storage {
  /** Finds the end of the ledger. Rejects when it can't be written; may then be called again. */
  start(): Promise<void>
  /** Null until the start succeeded. */
  position(): Position | null
  /**
   * Writes entries, behind those that the writer itself has to say: a segment opened, the clock set back, a gap, what the
   * start found. When it rejects, `abandon` has to be called before the next attempt.
   */
  store(items: readonly Item[]): Promise<Batch>
  /** Gives the segment up after a failure. `rewritten` entries are about to be written again. */
  abandon(trouble: Trouble, rewritten: number): Promise<void>
  /** Where to note what will be missing; told by the next `ledger.gap`. */
  losses(): Losses
  hasNotices(): boolean
  /** What the start found is durable. */
  noticesAreTold(): void
  mark(): Mark | null
  close(): Promise<void>
}

export function createStorage(options: StorageOptions): Storage {
  const { dir, clock, boot, scrub, onTrouble } = options
  const side = sideStore(dir)
  const segments = rotation(options)
  let notices: readonly Notice[] = []
  let losses = newLosses()

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
    const own = {
      prepared: drafts.map(draft => prepare(draft, scrub)),
      tsMs,
      monoUs: first?.monoUs ?? Math.round(clock.monoMs() * 1000),
    }
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
      for (const [chain, h] of batch.chains) chain.h = h
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

  function noticesAreTold(): void {
    const told = notices
    notices = []
    for (const notice of told) {
      try {
        notice.told?.()
      } catch (error) {
        // The entry is durable; the next start tells once more, which is better than not at all.
        onTrouble(`the ledger could not note that it told of a torn write: ${messageOf(error)}`)
      }
    }
  }

  return {
    start,
    position: segments.position,
    store,
    async abandon(trouble, rewritten) {
      losses.cause ??= trouble
      const abandoned = await segments.abandon()
      losses.segment ??= abandoned
      losses.rewritten = Math.max(losses.rewritten, rewritten)
    },
    losses: () => losses,
    hasNotices: () => notices.length > 0,
    noticesAreTold,
    mark: segments.mark,
    async close() {
      await side.close()
      await segments.close()
    },
  }
}
