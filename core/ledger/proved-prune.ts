import { codeOf } from '../fault.ts'
import { checkReceipt } from './check.ts'
import { claimOf } from './checkpoint.ts'
import { latestCheckpoint } from './kept.ts'
import { keyEntries } from './key-entries.ts'
import { keyStore } from './keys.ts'
import { rawPublicKey } from './note.ts'
import { toldKey } from './told-key.ts'

/* Whether the entry that tells of a prune is signed, or could be: who has no key can write such an entry too. */

/** Whether the ledger's newest checkpoint, by its own keys, covers entry `toldBy`. */
export async function isSigned(dir: string, toldBy: number, signal?: AbortSignal): Promise<boolean> {
  const note = latestCheckpoint(dir) ?? ''
  if ((claimOf(note)?.size ?? 0) <= toldBy) return false
  const { fits } = await checkReceipt(note, { dir, keys: [], ...(signal === undefined ? {} : { signal }) })
  return fits === true
}

/** Whether a checkpoint that is signed now would count: its key is here, and none before it was lost. */
export async function canBeSigned(dir: string): Promise<boolean> {
  const entries = await keyEntries(dir)
  const told = toldKey(entries)
  if (told === null || entries.rotations.some(({ data }) => data.why !== undefined)) return false
  try {
    return told.publicKey === rawPublicKey(keyStore(dir).load(told.epoch)).toString('base64')
  } catch (error) {
    // Whoever may not read it can't sign with it either.
    if (['ledger.key', 'EACCES'].includes(codeOf(error))) return false
    throw error
  }
}
