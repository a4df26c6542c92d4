import { codeOf } from '../fault.ts'
import { checkReceipt } from './check.ts'
import { claimOf } from './checkpoint.ts'
import { latestCheckpoint } from './kept.ts'
import { keyStore } from './keys.ts'
import { rawPublicKey } from './note.ts'
import { handoverOf, ownEpochs } from './own-epochs.ts'

/* Whether the entry that tells of a prune is signed, or could be: who has no key can write such an entry too. */

/** Whether the ledger's newest checkpoint, by its own keys, covers entry `toldBy`. */
export async function isSigned(dir: string, toldBy: number, signal?: AbortSignal): Promise<boolean> {
  const note = latestCheckpoint(dir) ?? ''
  if ((claimOf(note)?.size ?? 0) <= toldBy) return false
  const { fits } = await checkReceipt(note, { dir, keys: [], ...(signal === undefined ? {} : { signal }) })
  return fits === true
}

/** Whether a checkpoint that is signed now would count: its key is here, and each before it has handed over to the next. */
export async function canBeSigned(dir: string): Promise<boolean> {
  const epochs = (await ownEpochs(dir))?.epochs ?? []
  const last = epochs.at(-1)
  if (last === undefined) return false
  if (epochs.slice(1).some(each => handoverOf(dir, epochs[each.epoch - 1], each) === null)) return false
  try {
    return rawPublicKey(last.key.publicKey).equals(rawPublicKey(keyStore(dir).load(last.epoch)))
  } catch (error) {
    // Whoever may not read it can't sign with it either.
    if (['ledger.key', 'EACCES'].includes(codeOf(error))) return false
    throw error
  }
}
