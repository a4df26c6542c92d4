import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from '../entry.ts'
import { codeOf, messageOf } from '../fault.ts'
import { disk, firstLine, type SegmentFile, segmentFiles } from './files.ts'
import { checkLine, MAX_LINE_BYTES } from './line.ts'
import { readPlain } from './plain-file.ts'
import { baseNodes } from './tree/base-nodes.ts'
import { type Digest, fromHex, leafHash, toHex } from './tree/hash.ts'
import { type Nodes, rootAfter, verifyInclusion } from './tree/proof.ts'
import { placesOf, type Range, rootOf } from './tree/range.ts'
import { treeHeadOf } from './tree/tree-head.ts'

/*
 * `base.json`: what stands for entries that were pruned. The first entry that is still there says their last hash and their
 * root, so that nothing in it has to be believed; an entry `ledger.pruned` says that it was meant.
 */

/** A line that outlives its segment: it tells whose the ledger is, or of a key. */
export interface KeptLine {
  readonly entry: Entry
  readonly line: string
  /** That it is one of the entries before `Base.seq`. */
  readonly proof: readonly Digest[]
}

export interface Base {
  /** Entries before this one are gone. */
  readonly seq: number
  /** `h` of the last of them. */
  readonly h: string
  /** The tree over them. */
  readonly range: Range
  readonly root: Digest
  /** Oldest first. */
  readonly kept: readonly KeptLine[]
  /** Roots of smaller trees that it proves: those that end with a kept line. */
  readonly roots: ReadonlyMap<number, Digest>
  /** What it knows of the tree's nodes; throws a RangeError for others. */
  readonly nodes: Nodes
}

/** `base` null without `trouble`: nothing was pruned. */
export interface BaseFound {
  readonly base: Base | null
  readonly trouble?: string
}

export const BASE_FILE = 'base.json'
/** A kept line has a kilobyte or two with its proof. */
const MOST_BASE_BYTES = 64 * 1024 * 1024

/** What stands for the entries before the first segment, if that is not the ledger's first. */
export function baseOf(dir: string, files: readonly SegmentFile[] = segmentFiles(dir)): BaseFound {
  const first = files[0]
  if (first === undefined || first.first === 0) return { base: null }
  const path = join(dir, BASE_FILE)
  let text: string
  try {
    text = readPlain(path, MOST_BASE_BYTES)
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'is missing' : `can't be read: ${messageOf(error)}`
    return { base: null, trouble: `${BASE_FILE}, which tells of the entries before, ${why}` }
  }
  const base = parseBase(text)
  if (base === null) return { base: null, trouble: `${BASE_FILE}, which tells of the entries before, is damaged` }
  // Older segments may still be there: a kill came between.
  const begin = files.find(file => file.first === base.seq)
  const why = begin === undefined ? 'there is no segment behind what it tells of' : misfitOf(base, begin)
  return why === null ? { base } : { base: null, trouble: `${BASE_FILE} does not fit: ${why}` }
}

/**
 * The segments that count, for who only reads: where a verification finds all good, these are the ones that it has looked at.
 * What stands before the base is none of them, nor is an empty one at the end, which says nothing yet.
 */
export function countingSegments(dir: string): readonly SegmentFile[] {
  const files = withoutEmptyEnd(segmentFiles(dir))
  // With the ledger's own first segment there nothing was pruned.
  const isPruned = files[0] !== undefined && files[0].first > 0
  return segmentsFrom(isPruned ? { seq: statedSeq(dir) } : null, files)
}

/** An empty one at the end was just made, or its maker died. */
export function withoutEmptyEnd(files: readonly SegmentFile[]): readonly SegmentFile[] {
  const last = files.at(-1)
  return last !== undefined && !statSync(last.path, { throwIfNoEntry: false })?.size ? files.slice(0, -1) : files
}

/** As the file has it; 0 where it can't be read, which a verification tells. */
function statedSeq(dir: string): number {
  try {
    const text = readPlain(join(dir, BASE_FILE), MOST_BASE_BYTES)
    return parseBase(text)?.seq ?? (Number((JSON.parse(text) as { seq?: unknown }).seq) || 0)
  } catch {
    return 0
  }
}

/** The segments that count: of those that a prune was removing when it was killed none does. */
export function segmentsFrom(base: Pick<Base, 'seq'> | null, files: readonly SegmentFile[]): readonly SegmentFile[] {
  return base === null ? files : files.filter(({ first }) => first >= base.seq)
}

/** The first entry that is still there speaks for what was before it. */
function misfitOf({ seq, h, root }: Base, begin: SegmentFile): string | null {
  const checked = checkLine(firstLine(begin.path, MAX_LINE_BYTES))
  if (!checked.ok) return `entry #${seq}: ${checked.why}`
  const stated = treeHeadOf(checked.entry.data.tree)
  if (checked.entry.seq !== seq || checked.entry.prev !== h) return `entry #${seq} follows on another one`
  if (stated === null || stated.size !== seq || stated.root !== root) return `entry #${seq} tells of another root`
  return null
}

/** Replaces the file, durably. */
export function writeBase(
  dir: string,
  base: Pick<Base, 'seq' | 'h' | 'range'> & { readonly kept: readonly Pick<KeptLine, 'line' | 'proof'>[] },
): Promise<void> {
  const { seq, h, range, kept } = base
  const value = {
    ...{ v: 1, seq, h, nodes: range.nodes.map(toHex) },
    kept: kept.map(({ line, proof }) => ({ line, proof: proof.map(toHex) })),
  }
  return disk.replace(join(dir, BASE_FILE), `${JSON.stringify(value)}\n`, { sync: true })
}

/** Whether a prune has come so far that it has to be finished. */
export function baseSeq(dir: string): number | null {
  if (!existsSync(join(dir, BASE_FILE))) return null
  return parseBase(readPlain(join(dir, BASE_FILE), MOST_BASE_BYTES))?.seq ?? null
}

/** The text that was parsed last, and what came of it: with hundreds of keys in it that takes many milliseconds. */
let parsed: { readonly text: string; readonly base: Base | null } = { text: '', base: null }

/** Null when anything in it is not what it should be. */
function parseBase(text: string): Base | null {
  if (parsed.text !== text) parsed = { text, base: provenBase(text) }
  return parsed.base
}

function provenBase(text: string): Base | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { v, seq, h, nodes, kept } = value as Readonly<Record<string, unknown>>
  if (v !== 1 || typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq <= 0) return null
  if (typeof h !== 'string' || fromHex(h) === null || !Array.isArray(kept)) return null
  const peaks = digestsOf(nodes)
  if (peaks === null || peaks.length !== placesOf({ begin: 0, end: seq }).length) return null
  const range: Range = { begin: 0, end: seq, nodes: peaks }
  const root = rootOf(range)
  const lines = kept.map(each => keptLine(each, seq, root))
  if (!lines.every(each => each !== null) || lines[0]?.entry.kind !== 'genesis') return null
  const roots = new Map([[seq, root]])
  for (const { entry, line, proof } of lines)
    roots.set(entry.seq + 1, rootAfter({ leaf: leafHash(line), index: entry.seq, size: seq, proof }))
  // Few who ask need them.
  let known: Nodes | null = null
  const nodesOf: Nodes = (level, index) => {
    known ??= baseNodes(range, lines)
    return known(level, index)
  }
  return { seq, h, range, root, kept: lines, roots, nodes: nodesOf }
}

function keptLine(value: unknown, size: number, root: Digest): KeptLine | null {
  if (typeof value !== 'object' || value === null) return null
  const { line, proof } = value as Readonly<Record<string, unknown>>
  const hashes = digestsOf(proof)
  if (typeof line !== 'string' || hashes === null) return null
  const checked = checkLine(line)
  if (!checked.ok) return null
  const { entry } = checked
  const holds = verifyInclusion({ leaf: leafHash(line), index: entry.seq, size, proof: hashes, root })
  return holds ? { entry, line, proof: hashes } : null
}

function digestsOf(value: unknown): Digest[] | null {
  if (!Array.isArray(value)) return null
  const digests = value.map(each => (typeof each === 'string' ? fromHex(each) : null))
  return digests.every(each => each !== null) ? digests : null
}
