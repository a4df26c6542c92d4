import type { Entry } from '../entry.ts'
import { openCheckpoint } from './checkpoint.ts'
import { keyIn, originOf } from './epochs.ts'
import { genesisOf, keyEntries } from './key-entries.ts'
import { vkeyOf } from './note.ts'
import { keyEntryFor } from './own-checkpoint.ts'
import { receiptOf } from './receipt.ts'

/** The key that has signed a checkpoint of the ledger in `dir`, as people keep it. */
export interface SigningKey {
  readonly vkey: string
  /** Of the entry that tells of the key. */
  readonly receipt: string
}

/** Null: the ledger's entries tell of no such key. */
export async function signingKey(dir: string, note: string): Promise<SigningKey | null> {
  const genesis = await genesisOf(dir)
  if (genesis === null) return null
  const found = signerOf(await keyEntryFor(dir, note, genesis), genesis, note)
  if (found !== null) return found
  // Behind a key that was lost no handover leads to it.
  for (const entry of (await keyEntries(dir)).rotations.toReversed()) {
    const key = signerOf(entry, genesis, note)
    if (key !== null) return key
  }
  return null
}

function signerOf(entry: Entry | null, genesis: Entry, note: string): SigningKey | null {
  const key = keyIn(entry?.data.publicKey, originOf(genesis))
  if (entry === null || key === null || !openCheckpoint(note, [key]).ok) return null
  return { vkey: vkeyOf(key), receipt: receiptOf(entry.seq, entry.h) }
}
