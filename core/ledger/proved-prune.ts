import { codeOf } from '../fault.ts'
import { checkReceipt } from './check.ts'
import { claimOf } from './checkpoint.ts'
import { latestCheckpoint } from './kept.ts'
import { keyEntries } from './key-entries.ts'
import { keyStore } from './keys.ts'
import { rawPublicKey } from './note.ts'

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
  const { genesis, rotations } = await keyEntries(dir)
  const newest = rotations.at(-1) ?? genesis
  if (newest === null || rotations.some(({ data }) => data.why !== undefined)) return false
  const epoch = newest.kind === 'genesis' ? 0 : Number(newest.data.epoch)
  try {
    return newest.data.publicKey === rawPublicKey(keyStore(dir).load(epoch)).toString('base64')
  } catch (error) {
    // Whoever may not read it can't sign with it either.
    if (['ledger.key', 'EACCES'].includes(codeOf(error))) return false
    throw error
  }
}
