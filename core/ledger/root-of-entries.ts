import { Fault } from '../fault.ts'
import { baseOf, segmentsFrom } from './base.ts'
import { segmentFiles } from './files.ts'
import { despitePrunes, prunedMeanwhile } from './pruned-meanwhile.ts'
import { type Digest, EMPTY_ROOT } from './tree/hash.ts'
import { join } from './verify-join.ts'
import { planOf } from './verify-plan.ts'
import { walkAll } from './verify-walk.ts'

export interface FollowOptions {
  /** Threads; 1 (left out): this one only. */
  readonly workers?: number
  /** Called with the number of bytes done so far and in all. */
  readonly onProgress?: (doneBytes: number, allBytes: number) => void
  readonly signal?: AbortSignal
}

/**
 * Root of the tree over the first `size` entries, followed from the first one on as a verification does: nothing derived is
 * believed, and memory stays bounded. Throws a Fault (`ledger.pruned`) when `size` is less than what was pruned, and another
 * (`ledger.damaged`) when the entries are not all there.
 */
export function rootOfEntries(dir: string, size: number, options: FollowOptions = {}): Promise<Digest> {
  return despitePrunes(dir, () => rootOfLeft(dir, size, options))
}

async function rootOfLeft(dir: string, size: number, options: FollowOptions): Promise<Digest> {
  const { workers = 1, onProgress, signal } = options
  const files = segmentFiles(dir)
  const { base, trouble } = baseOf(dir, files)
  if (trouble !== undefined) throw damaged(trouble)
  if (size < (base?.seq ?? 0)) throw prunedMeanwhile()
  if (size === 0) return EMPTY_ROOT
  const all = planOf(segmentsFrom(base, files), { sizes: [size], isOnlyChain: false })
  const plan = all.filter(({ file }) => file.first < size)
  const allBytes = plan.reduce((sum, { task }) => sum + task.validBytes, 0)
  let doneBytes = 0
  const tasks = plan.map(({ task }) => task)
  const threads = Math.max(1, Math.min(workers, tasks.length))
  const walks = await walkAll(
    tasks,
    threads,
    task => {
      doneBytes += task.validBytes
      onProgress?.(doneBytes, allBytes)
    },
    signal,
  )
  const { roots, firstBad, seq } = join(plan, walks, base)
  const root = roots.get(size)
  if (root === undefined)
    throw damaged(firstBad === null ? `entry ${seq} is not there` : `entry ${firstBad.seq}: ${firstBad.why}`)
  return root
}

function damaged(why: string): Fault {
  return new Fault('ledger.damaged', why, { hint: '"heald ledger verify" says more' })
}
