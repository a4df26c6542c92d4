import { execFile } from 'node:child_process'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../clock.ts'
import { messageOf } from '../fault.ts'
import type { Pruned, PruneOrder } from './prune.ts'
import { goingUntil } from './prune-plan.ts'

/*
 * Life of a retention: a few times a day the daemon looks whether whole segments are older than they are kept. If so a child
 * verifies the ledger and archives them, with nothing of its work in the daemon; then the daemon prunes.
 */

/** How long entries are kept, and where older ones are archived. */
export interface Keep {
  readonly ms: number
  /** Null: they are gone. */
  readonly archive: string | null
}

/** What the child prints, as one JSON document. */
export type PrepareAnswer =
  | { readonly upTo: number; readonly archive: PruneOrder['archive'] }
  | { readonly code: string; readonly why: string }

export interface RetentionOptions {
  readonly dir: string
  readonly keep: Keep
  readonly clock: Clock
  readonly prune: (order: PruneOrder) => Promise<Pruned>
  /** In words; said once until it is well again. */
  readonly onTrouble: (what: string) => void
}

const FIRST_MS = 10 * 60_000
const EVERY_MS = 6 * 3_600_000
const DEADLINE_MS = 3_600_000
const MAX_OUTPUT_BYTES = 1_048_576
/** A clock that is far off for a while must not make all of it old. */
const MOST_JUMP_MS = 3_600_000
const LOWEST_PRIORITY = 19

/** Prunes by itself until it is stopped. */
export function keepRetention({ dir, keep, clock, prune, onTrouble }: RetentionOptions): { stop(): void } {
  const stopped = new AbortController()
  const aheadMs = (): number => clock.wallMs() - clock.monoMs()
  let expectedMs = aheadMs()
  let cancel = clock.after(FIRST_MS, () => void look())
  let isTroubled = false

  async function look(): Promise<void> {
    try {
      const jumpMs = aheadMs() - expectedMs
      expectedMs = aheadMs()
      if (Math.abs(jumpMs) > MOST_JUMP_MS)
        throw new Error('the wall clock has jumped; the next look believes it if it stays')
      const untilMs = clock.wallMs() - keep.ms
      if (goingUntil(dir, untilMs).length > 0) await pruneUntil(untilMs)
      isTroubled = false
    } catch (error) {
      if (!isTroubled && !stopped.signal.aborted) onTrouble(`old entries are not pruned: ${messageOf(error)}`)
      isTroubled = true
    }
    if (!stopped.signal.aborted) cancel = clock.after(EVERY_MS, () => void look())
  }

  async function pruneUntil(untilMs: number): Promise<void> {
    const answer = await prepareApart([dir, String(untilMs), keep.archive ?? ''], stopped.signal)
    if ('why' in answer) throw new Error(answer.why)
    await prune({ ...answer, by: 'heald' })
  }

  return {
    stop() {
      stopped.abort()
      cancel()
    },
  }
}

function prepareApart(args: readonly string[], signal: AbortSignal): Promise<PrepareAnswer> {
  const ending = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const program = fileURLToPath(new URL(`prune-apart.${ending}`, import.meta.url))
  const options = { timeout: DEADLINE_MS, maxBuffer: MAX_OUTPUT_BYTES, killSignal: 'SIGKILL', signal } as const
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, [program, ...args], options, (error, stdout) => {
      if (error !== null) return reject(error)
      resolve(JSON.parse(stdout) as PrepareAnswer)
    })
    // Services come first.
    if (child.pid !== undefined) setPriority(child.pid, LOWEST_PRIORITY)
  })
}
