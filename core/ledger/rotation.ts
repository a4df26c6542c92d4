import { chmodSync, unlinkSync } from 'node:fs'
import type { Data, Draft } from '../entry.ts'
import { codeOf, messageOf } from '../fault.ts'
import type { Batch } from './batch.ts'
import { segmentName, segmentPath } from './files.ts'
import type { Mark } from './head.ts'
import type { Position, Recovered } from './recover.ts'
import { createSegment, openedData, type Previous, reopenSegment, type Segment } from './segment.ts'
import { writeSnapshot } from './state.ts'
import { toHex } from './tree/hash.ts'
import type { TreeKeeper } from './tree/keeper.ts'
import type { TreeHead } from './tree/tree-head.ts'

export interface RotationOptions {
  readonly dir: string
  /** `data` of the first entry, asked for when it is written. */
  readonly genesis: () => Promise<Data>
  readonly fsync: boolean
  readonly snapshot: () => Data | undefined
  readonly tree: Pick<TreeKeeper, 'head' | 'sync'>
  readonly onTrouble: (what: string) => void
}

/** The segment being written, the ones given up before it, and where the chain is. */
export interface Rotation {
  /** Goes on where the start found the end. */
  begin(recovered: Recovered): Promise<void>
  /** Null until the start succeeded. */
  position(): Position | null
  /** The same, once it is known. */
  at(): Position
  /** Name of the segment being written. */
  name(): string
  /** Makes sure that a segment with room is open; a new one has to begin with the entries answered here. */
  ready(): Promise<readonly Draft[]>
  /** Stores a batch and moves on behind it. When it rejects, the segment has to be abandoned. */
  store(batch: Batch): Promise<void>
  /** Gives the descriptor up. Answers the name of the segment, null when there was none. */
  abandon(): Promise<string | null>
  mark(): Mark | null
  close(): Promise<void>
}

export function rotation(options: RotationOptions): Rotation {
  const { dir, fsync, onTrouble } = options
  let position: Position | null = null
  let segment: Segment | null = null
  let previous: Previous | null = null
  /** Ended segments to be made read-only once their successor is durable: the start takes that for a proof. */
  let unsealed: string[] = []
  /** A segment without a durable entry; the next one has its name. */
  let voided: string | null = null

  const at = (): Position => position ?? { seq: 0, h: '', tsMs: 0 }

  async function retire(): Promise<string | null> {
    if (segment === null) return null
    const { name, count } = segment
    const ended = segment
    segment = null
    previous = ended.summary()
    if (count > 0) unsealed.push(name)
    else voided = name
    try {
      await ended.close()
    } catch (error) {
      // Nothing is lost by it: what counts was flushed, what was not flushed is not believed.
      onTrouble(`segment ${name} could not be closed: ${messageOf(error)}`)
    }
    return name
  }

  async function open(): Promise<readonly Draft[]> {
    const { seq, h } = at()
    const name = segmentName(seq)
    if (voided !== null) {
      try {
        unlinkSync(segmentPath(dir, voided))
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
      }
      voided = null
    }
    if (seq === 0) {
      segment = await createSegment(dir, name, null, fsync)
      return [{ kind: 'genesis', data: await options.genesis() }]
    }
    const sha256 = await keepState({ seq: seq - 1, h })
    segment = await createSegment(dir, name, previous, fsync)
    // The next start begins its tree here, with what the files hold by then.
    await options.tree.sync()
    return [{ kind: 'segment.opened', data: openedData(previous, treeAt(seq), sha256) }]
  }

  /** Null while the tree has not met the writer. */
  function treeAt(size: number): { readonly size: number; readonly root: string } | null {
    const head: TreeHead | null = options.tree.head()
    return head?.size === size ? { size, root: toHex(head.root) } : null
  }

  /** The snapshot only makes the next start shorter: without it everything is folded again. */
  async function keepState(place: { readonly seq: number; readonly h: string }): Promise<string | null> {
    try {
      const state = options.snapshot()
      return state === undefined ? null : await writeSnapshot(dir, { ...place, state }, fsync)
    } catch (error) {
      onTrouble(`the state could not be kept beside the ledger: ${messageOf(error)}`)
      return null
    }
  }

  function seal(): void {
    for (const name of unsealed) {
      try {
        chmodSync(segmentPath(dir, name), 0o444)
      } catch (error) {
        onTrouble(`segment ${name} could not be made read-only: ${messageOf(error)}`)
      }
    }
    unsealed = []
  }

  return {
    async begin(recovered) {
      if (recovered.tail !== null) segment = await reopenSegment(dir, recovered.tail, fsync)
      previous = recovered.previous
      position = recovered.position
    },
    position: () => position,
    at,
    name: () => segment?.name ?? segmentName(at().seq),
    async ready() {
      if (segment?.full) await retire()
      return segment === null ? open() : []
    },
    async store(batch) {
      if (segment === null) throw new Error('no segment is open')
      await segment.store(batch.bytes, batch.lines.length)
      position = batch.position
      if (unsealed.length > 0) seal()
    },
    abandon: retire,
    mark() {
      if (position === null || segment === null || segment.count === 0) return null
      const root = treeAt(position.seq)?.root ?? null
      return { size: position.seq, h: position.h, root, seg: segment.name, off: segment.bytes }
    },
    async close() {
      const open = segment
      segment = null
      await open?.close()
    },
  }
}
