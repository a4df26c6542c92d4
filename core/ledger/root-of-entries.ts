import { baseOf, segmentsFrom } from './base.ts'
import { segmentFiles } from './files.ts'
import { prunedMeanwhile } from './pruned-meanwhile.ts'
import { type Digest, EMPTY_ROOT } from './tree/hash.ts'
import { damaged } from './tree/reader.ts'
import { join } from './verify-join.ts'
import { planOf } from './verify-plan.ts'
import { type WalkOptions, walkAll } from './verify-walk.ts'

/**
 * Root of the tree over the first `size` entries, followed from the first one on as a verification does: nothing derived is
 * believed, and memory stays bounded. Throws a Fault (`ledger.pruned`) when `size` is less than what was pruned, and another
 * (`ledger.damaged`) when the entries are not all there.
 */
export async function rootOfEntries(dir: string, size: number, options: WalkOptions = {}): Promise<Digest> {
  const roots = await rootsOfEntries(dir, [size], options)
  return roots.get(size) ?? EMPTY_ROOT
}

/** The same for several sizes at once, in one look through the entries. */
export async function rootsOfEntries(
  dir: string,
  sizes: readonly number[],
  options: WalkOptions = {},
): Promise<ReadonlyMap<number, Digest>> {
  const files = segmentFiles(dir)
  const { base, trouble } = baseOf(dir, files)
  if (trouble !== undefined) throw damaged(trouble)
  if (sizes.some(size => size < (base?.seq ?? 0))) throw prunedMeanwhile()
  const wanted = [...new Set(sizes)].filter(size => size > 0).sort((a, b) => a - b)
  const most = wanted.at(-1)
  if (most === undefined) return new Map([[0, EMPTY_ROOT]])
  const all = planOf(segmentsFrom(base, files), { sizes: wanted, isOnlyChain: false })
  const plan = all.filter(({ file }) => file.first < most)
  const walks = await walkAll(
    plan.map(({ task }) => task),
    options,
  )
  const { roots, firstBad, seq } = join(plan, walks, base)
  if (!wanted.every(size => roots.has(size)))
    throw damaged(firstBad === null ? `entry ${seq} is not there` : `entry ${firstBad.seq}: ${firstBad.why}`)
  return new Map([[0, EMPTY_ROOT], ...roots])
}
