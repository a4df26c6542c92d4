import { Fault } from '../fault.ts'
import { claimOf } from '../ledger/checkpoint.ts'
import type { SigningKey } from '../ledger/signing-key.ts'
import { toBase64 } from '../ledger/tree/hash.ts'
import { put } from './memory.ts'

/** A signed checkpoint, as it is posted in chats. */
export interface SignedForPosts {
  readonly note: string
  readonly size: number
  /** Base64, as in the note. */
  readonly root: string
  /** The public key that has signed it; null: the ledger's entries tell of none. */
  readonly vkey: string | null
  /** Of the entry that tells of this key: `--key` takes both. */
  readonly receipt: string | null
}

/** Where checkpoints come from, and where those that left the host are kept. */
export interface CheckpointStore {
  /** The newest that is signed; null: there is none. */
  latest(): string | null
  /** Is kept beside the ledger, durably. */
  keep(size: number, note: string): Promise<void>
  /** The key that has signed a note, with the receipt of the entry that tells of it. */
  keyOf(note: string): Promise<SigningKey | null>
}

export interface CheckpointDesk {
  /** The newest one; null: there is none. */
  latest(): Promise<SignedForPosts | null>
  /** One was posted: it is kept. A Fault `checkpoint.unknown` for one that was not handed out. */
  posted(size: number, root: string): Promise<void>
}

/** So many that were handed out are remembered: a post that took longer than that is not recorded. */
const MOST_HANDED_OUT = 100

/** Hands out checkpoints for chats. Only what was handed out can be reported as posted. */
export function checkpointDesk(store: CheckpointStore): CheckpointDesk {
  const handedOut = new Map<number, SignedForPosts>()

  async function latest(): Promise<SignedForPosts | null> {
    const note = store.latest()
    const claim = note === null ? null : claimOf(note)
    if (note === null || claim === null) return null
    const { size, root } = claim
    const before = handedOut.get(size)
    if (before?.note === note) return before
    const key = await store.keyOf(note)
    const checkpoint = {
      ...{ note, size, root: toBase64(root) },
      ...{ vkey: key?.vkey ?? null, receipt: key?.receipt ?? null },
    }
    put(handedOut, size, checkpoint, MOST_HANDED_OUT)
    return checkpoint
  }

  return {
    latest,
    async posted(size, root) {
      const known = handedOut.get(size) ?? (await latest())
      if (known === null || known.size !== size || known.root !== root)
        throw new Fault('checkpoint.unknown', `no checkpoint of ${size} entries with this root was handed out`)
      await store.keep(size, known.note)
    },
  }
}
