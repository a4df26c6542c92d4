import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../fault.ts'
import { type Base, baseOf } from '../base.ts'
import { openCursor } from '../cursor.ts'
import { firstLine, segmentFiles } from '../files.ts'
import { checkLine, MAX_LINE_BYTES } from '../line.ts'
import { leafHash, leafHashOf } from './hash.ts'
import { rangeAt } from './proof.ts'
import { emptyRange, type Range, type RangeBuilder, rangeBuilder, rootOf } from './range.ts'
import { TILE_HEIGHT } from './tiles.ts'
import { openTreeFiles } from './tree-files.ts'
import { type TreeHead, treeHeadOf } from './tree-head.ts'
import { type TreeWriter, treeWriter } from './tree-writer.ts'

/*
 * Life of the tree beside a writer:
 *
 * 1. It begins with what its files hold at the start of the last segment, if that has the root which the segment's first
 *    entry tells of; else with nothing, or with what stands for entries that were pruned.
 * 2. It reads the lines from there on, piece by piece, until it has met the writer. New lines wait in the segments.
 * 3. From then on it takes the lines as they become durable, some in each later turn, so that nobody waits for it.
 * 4. Its files are written behind it, not synced but at a rotation. They can be lost at any time.
 */

/** Lines that have just become durable. */
export interface Piece {
  /** Place of the first of them. */
  readonly first: number
  readonly count: number
  /** As they stand in the segment. The tree may change them. */
  readonly bytes: Buffer
}

export interface TreeKeeper {
  /** In order. */
  follow(piece: Piece): void
  /** Begins to catch up with a ledger of `size` entries. */
  begin(size: number): void
  /** The tree over all lines it was given; null while it catches up, and for good when the segments are damaged. */
  head(): TreeHead | null
  /** Resolves once there is a head, or never will be. */
  caughtUp(): Promise<void>
  /** What is known so far is durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface KeeperOptions {
  readonly dir: string
  /** In words; said once until it is well again. */
  readonly onTrouble: (what: string) => void
  /** The segments do not have the root that an entry of theirs tells of. */
  readonly onDamage: (found: { readonly segment: string; readonly seq: number }) => void
}

/** So many lines wait for the catching up, in memory; more are read from the segments. */
const MOST_WAITING = 65_536
/** So many lines are hashed in one turn while it catches up: a millisecond or two. */
const ONE_TURN = 1024
/** Later a share of what waits, so that it falls behind no further than a few batches. */
const PARTS = 8
const LEAST_PART = 32
const LF = 10

export function treeKeeper({ dir, onTrouble, onDamage }: KeeperOptions): TreeKeeper {
  let state: 'idle' | 'catching up' | 'following' | 'off' = 'idle'
  let builder: RangeBuilder = rangeBuilder(emptyRange(0))
  let files: TreeWriter | null = null
  /** Durable lines that are not in the tree yet, all from one seq on to the newest. */
  let waiting: Piece[] = []
  let waitingLines = 0
  let isDue = false
  /** Entries that are durable. */
  let size = 0
  const caught = Promise.withResolvers<void>()

  function grow(from: Range): void {
    builder = rangeBuilder(from, (level, index, digest) => {
      if (level % TILE_HEIGHT === 0) files?.add(level / TILE_HEIGHT, index, digest)
    })
  }

  function take(most = Number.POSITIVE_INFINITY): void {
    let left = most
    let whole = 0
    for (let piece = waiting[0]; piece !== undefined && left > 0; piece = waiting[whole]) {
      if (piece.first > builder.end) {
        lost(piece.first)
        return
      }
      const count = Math.min(left, piece.count)
      const bytes = append(piece, count)
      left -= count
      waitingLines -= count
      if (count === piece.count) whole++
      else waiting[whole] = { first: piece.first + count, count: piece.count - count, bytes }
    }
    waiting.splice(0, whole)
    if (left < most) files?.flush()
  }

  /** Of the first `count` lines those that are not in the tree yet. Answers the bytes after them. */
  function append({ first, bytes }: Piece, count: number): Buffer {
    let from = 0
    for (let seq = first; seq < first + count; seq++) {
      const to = bytes.indexOf(LF, from)
      if (seq === builder.end) builder.append(leafHashOf(bytes, from, to))
      from = to + 1
    }
    return bytes.subarray(from)
  }

  /** Part by part: the writer takes turns with it, so that the disk has its next batch while this one is hashed. */
  function work(): void {
    isDue = false
    if (state !== 'following') return
    take(Math.max(LEAST_PART, Math.ceil(waitingLines / PARTS)))
    if (waiting.length > 0) workSoon()
  }

  function workSoon(): void {
    if (!isDue) setImmediate(work)
    isDue = true
  }

  function dropWaiting(): void {
    waiting = []
    waitingLines = 0
  }

  function lost(seq: number): void {
    turnOff()
    onTrouble(`the tree over the ledger is not kept: it ends at entry ${builder.end}, and ${seq} follows`)
  }

  async function catchUp(): Promise<void> {
    try {
      mkdirSync(join(dir, 'tree'), { recursive: true, mode: 0o700 })
      files = treeWriter(dir, onTrouble)
      const pruned = baseOf(dir)
      if (pruned.trouble !== undefined) throw new Error(pruned.trouble)
      const stated = lastStated(dir)
      const kept = stated === null ? null : rangeInFiles(dir, stated.head, pruned.base)
      grow(kept ?? pruned.base?.range ?? emptyRange(0))
      const check = kept === null ? stated : null
      // Nothing is awaited between the last look and the change, so that no line falls between.
      while (state === 'catching up' && builder.end < size) {
        if (builder.end < (waiting[0]?.first ?? size)) await readOn(check)
        take(ONE_TURN)
        await new Promise(resolve => setImmediate(resolve))
      }
      if (state !== 'catching up') return
      state = 'following'
      caught.resolve()
    } catch (error) {
      turnOff()
      if (error instanceof Damage) onDamage(error.found)
      else onTrouble(`the tree over the ledger is not kept: ${messageOf(error)}`)
    }
  }

  /** Appends what the segments hold, up to the first line that waits. `stated` is to be met on the way. */
  async function readOn(stated: Stated | null): Promise<void> {
    const cursor = openCursor(dir, builder.end)
    try {
      for (let end = size; builder.end < end && state === 'catching up'; end = waiting[0]?.first ?? size) {
        const lines = await cursor.next(end)
        if (lines.length === 0) throw new Error(`entry ${builder.end} is not there`)
        for (const { seq, text } of lines) {
          if (seq !== builder.end) throw new Error(`entry ${builder.end} can't be read`)
          if (seq === stated?.head.size && rootOf(builder.range()) !== stated.head.root) throw new Damage(stated)
          builder.append(leafHash(text))
        }
        files?.flush()
        await files?.room()
      }
    } finally {
      await cursor.close()
    }
  }

  function begin(known: number): void {
    size = Math.max(size, known)
    if (state !== 'idle') return
    state = 'catching up'
    void catchUp()
  }

  function isOff(): boolean {
    return state === 'off'
  }

  function turnOff(): void {
    state = 'off'
    dropWaiting()
    caught.resolve()
  }

  return {
    begin,
    follow(piece) {
      if (state === 'off') return
      if (state === 'following') workSoon()
      waiting.push(piece)
      waitingLines += piece.count
      size = piece.first + piece.count
      if (state !== 'following' && waitingLines > MOST_WAITING) dropWaiting()
    },
    head() {
      if (state !== 'following') return null
      take()
      if (isOff()) return null
      return { size: builder.end, root: rootOf(builder.range()) }
    },
    caughtUp: () => caught.promise,
    async sync() {
      if (state === 'following') take()
      await files?.sync()
    },
    async close() {
      if (state === 'following') take()
      turnOff()
      await files?.close()
    },
  }
}

class Damage extends Error {
  readonly found: { readonly segment: string; readonly seq: number }
  constructor({ segment, head }: Stated) {
    super('the segments were changed')
    this.found = { segment, seq: head.size }
  }
}

/** What the first entry of a segment says of all before it. */
interface Stated {
  readonly segment: string
  readonly head: TreeHead
}

/** By the newest one that does: while the tree catches up, a segment may be opened that can't tell. */
function lastStated(dir: string): Stated | null {
  for (const { name, first, path } of segmentFiles(dir).reverse()) {
    const checked = checkLine(firstLine(path, MAX_LINE_BYTES))
    const head = checked.ok ? treeHeadOf(checked.entry.data.tree) : null
    if (head !== null && head.size === first) return { segment: name, head }
  }
  return null
}

/** What the files hold of the first `head.size` entries, if it has that root. */
function rangeInFiles(dir: string, head: TreeHead, base: Base | null): Range | null {
  const files = openTreeFiles(dir, base)
  try {
    if (files.size < head.size) return null
    const range = rangeAt(head.size, files.nodes)
    return rootOf(range) === head.root ? range : null
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  } finally {
    files.close()
  }
}
