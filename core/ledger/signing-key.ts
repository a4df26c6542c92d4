import type { Entry } from '../entry.ts'
import { openCheckpoint } from './checkpoint.ts'
import { originOf } from './epochs.ts'
import { genesisOf, keyEntries } from './key-entries.ts'
import { verifierKey, vkeyOf } from './note.ts'
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
  const found = keyIn(await keyEntryFor(dir, note, genesis), genesis, note)
  if (found !== null) return found
  // Behind a key that was lost no handover leads to it.
  for (const entry of (await keyEntries(dir)).rotations.toReversed()) {
    const key = keyIn(entry, genesis, note)
    if (key !== null) return key
  }
  return null
}

function keyIn(entry: Entry | null, genesis: Entry, note: string): SigningKey | null {
  if (entry === null || typeof entry.data.publicKey !== 'string') return null
  const key = verifierKey(originOf(genesis), Buffer.from(entry.data.publicKey, 'base64'))
  if (key === null || !openCheckpoint(note, [key]).ok) return null
  return { vkey: vkeyOf(key), receipt: receiptOf(entry.seq, entry.h) }
}
