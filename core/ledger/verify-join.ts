import type { Entry } from '../entry.ts'
import type { Base } from './base.ts'
import { checkLine, ZEROS } from './line.ts'
import { MAX_SEGMENT_BYTES } from './segment.ts'
import { type Digest, toHex } from './tree/hash.ts'
import { emptyRange, joinRanges, type Range, rootOf } from './tree/range.ts'
import type { Planned } from './verify-plan.ts'
import type { TreeWalk } from './verify-walk.ts'

export interface Finding {
  readonly seq: number
  /** Line number in the segment's file, from 1; 0 where it is about no single line. */
  readonly line: number
  readonly why: string
  /** Name of the segment, or of the file that a checkpoint is in. */
  readonly segment: string
}

/** The segments as one ledger, up to the first thing that does not fit. */
export interface Joined {
  /** Entries before this one were pruned. */
  readonly prunedUpTo: number
  readonly seq: number
  readonly h: string
  readonly firstBad: Finding | null
  /** Roots of the tree at the sizes asked for, as far as it was followed. */
  readonly roots: ReadonlyMap<number, Digest>
  /** The tree over all that is good. */
  readonly root: Digest
  /** `false`: a segment tells of another root than its entries have. */
  readonly isTreeGood: boolean
  /** Lines that tell of keys, those among them that outlived their segment too. */
  readonly notable: readonly string[]
}

const TOO_LARGE = `the segment is larger than ${MAX_SEGMENT_BYTES} bytes, which heald never writes`

/** Puts the segments' chains together, behind what was pruned; stops at the first thing that does not fit. */
export function join(plan: readonly Planned[], walks: readonly TreeWalk[], base: Base | null): Joined {
  let seq = base?.seq ?? 0
  let h = base?.h ?? ZEROS
  let range: Range = base?.range ?? emptyRange(0)
  let isTreeGood = true
  const roots = new Map<number, Digest>(base?.roots)
  const notable = base?.kept.map(({ line }) => line) ?? []
  let before: { readonly name: string; readonly walk: TreeWalk } | null = null
  for (const [index, { file, says, tree, isTooLarge }] of plan.entries()) {
    const walk = walks[index]
    const bad = (why: string): Joined => found({ seq, line: 1, why, segment: file.name })
    if (walk === undefined) return bad('the segment was not read')
    if (file.first !== seq) return bad(`the segment begins with entry ${file.first} where entry ${seq} should be`)
    if (walk.firstPrev !== null && walk.firstPrev !== h)
      return bad('its "prev" is not the hash of the last line of the segment before')
    const misfit = walk.firstPrev === null ? null : misfitOf(says, before)
    if (misfit !== null) return bad(misfit)
    if (tree !== null && range.end === seq && tree.size === seq && tree.root !== rootOf(range)) {
      isTreeGood = false
      return bad('the first entry tells of another root of the tree than the entries before it have')
    }
    for (const part of walk.at) roots.set(part.end, rootOf(joinRanges(range, part)))
    if (walk.range.begin === range.end) range = joinRanges(range, walk.range)
    notable.push(...walk.notable)
    seq = walk.seq
    h = walk.h ?? h
    if (walk.bad !== null) return found({ ...walk.bad, segment: file.name })
    if (isTooLarge) return found({ seq, line: 0, why: TOO_LARGE, segment: file.name })
    before = { name: file.name, walk }
  }
  return found(null)

  function found(firstBad: Finding | null): Joined {
    return { prunedUpTo: base?.seq ?? 0, seq, h, firstBad, roots, root: rootOf(range), isTreeGood, notable }
  }
}

/** Whether an entry tells that all before `base` was pruned: a hole that nobody tells of is none that heald made. */
export function isTold(base: Base, { notable }: Pick<Joined, 'notable'>): boolean {
  return tellsOf(base, notable) !== null
}

/** The first entry that tells of it. What was pruned can't hold its own root, so none of that can be it. */
export function tellsOf({ seq, root }: Base, lines: readonly string[]): Entry | null {
  for (const line of lines) {
    const checked = checkLine(line)
    if (!checked.ok || checked.entry.kind !== 'ledger.pruned') continue
    const { data } = checked.entry
    if (data.upTo === seq && data.root === toHex(root)) return checked.entry
  }
  return null
}

/** Where the first entry of a segment and the segment before disagree. */
function misfitOf(
  says: Planned['says'],
  before: { readonly name: string; readonly walk: TreeWalk } | null,
): string | null {
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
