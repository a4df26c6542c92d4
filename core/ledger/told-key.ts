import type { Entry } from '../entry.ts'
import { keyEntries } from './key-entries.ts'

/** The newest key that entries tell of. */
export interface ToldKey {
  readonly epoch: number
  readonly publicKey: unknown
  /** Seq of the entry. */
  readonly seq: number
  /** The key of the epoch before vouches for it. */
  readonly hasPredecessor: boolean
}

/** Null: they tell of none. */
export async function toldKey(dir: string, genesis: Entry): Promise<ToldKey | null> {
  const last = (await keyEntries(dir)).rotations.at(-1) ?? genesis
  const { seq, data } = last
  if (last === genesis && data.publicKey == null) return null
  const epoch = last === genesis ? 0 : Number(data.epoch)
  return { epoch, publicKey: data.publicKey, seq, hasPredecessor: epoch > 0 && data.why === undefined }
}
