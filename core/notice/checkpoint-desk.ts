import { Fault } from '../fault.ts'
import { claimOf } from '../ledger/checkpoint.ts'
import { toBase64 } from '../ledger/tree/hash.ts'
import { put } from './memory.ts'

/** A signed checkpoint, as it is posted in chats. */
export interface SignedForPosts {
  readonly note: string
  readonly size: number
  /** Base64, as in the note. */
  readonly root: string
  /** The public key that it can be checked with; null: unknown now. */
  readonly vkey: string | null
}

/** Where checkpoints come from, and where those that left the host are kept. */
export interface CheckpointStore {
  /** The newest that is signed; null: there is none. */
  latest(): string | null
  /** Is kept beside the ledger, durably. */
  keep(size: number, note: string): Promise<void>
  vkey(): string | null
}

export interface CheckpointDesk {
  /** The newest one; null: there is none. */
  latest(): SignedForPosts | null
  /** One was posted: it is kept. A Fault `checkpoint.unknown` for one that was not handed out. */
  posted(size: number, root: string): Promise<void>
}

/** So many that were handed out are remembered: a post that took longer than that is not recorded. */
const MOST_HANDED_OUT = 100

/** Hands out checkpoints for chats. Only what was handed out can be reported as posted. */
export function checkpointDesk(store: CheckpointStore): CheckpointDesk {
  const handedOut = new Map<number, SignedForPosts>()

  function latest(): SignedForPosts | null {
    const note = store.latest()
    const claim = note === null ? null : claimOf(note)
    if (note === null || claim === null) return null
    const { size, root } = claim
    const checkpoint = { note, size, root: toBase64(root), vkey: store.vkey() }
    put(handedOut, size, checkpoint, MOST_HANDED_OUT)
    return checkpoint
  }

  return {
    latest,
    async posted(size, root) {
      const known = handedOut.get(size) ?? latest()
      if (known === null || known.size !== size || known.root !== root)
        throw new Fault('checkpoint.unknown', `no checkpoint of ${size} entries with this root was handed out`)
      await store.keep(size, known.note)
    },
  }
}
