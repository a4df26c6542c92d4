import type { KeyEntries } from './key-entries.ts'

/** The newest key that entries tell of. */
export interface ToldKey {
  readonly epoch: number
  readonly publicKey: unknown
  /** Seq of the entry. */
  readonly seq: number
  /** The key of the epoch before vouches for it. */
  readonly hasPredecessor: boolean
}

/** By what `keyEntries` has found; null: they tell of none. */
export function toldKey({ genesis, rotations }: KeyEntries): ToldKey | null {
  const last = rotations.at(-1) ?? genesis
  if (last === null) return null
  const { seq, data } = last
  if (last === genesis && data.publicKey == null) return null
  const epoch = last === genesis ? 0 : Number(data.epoch)
  return { epoch, publicKey: data.publicKey, seq, hasPredecessor: epoch > 0 && data.why === undefined }
}
