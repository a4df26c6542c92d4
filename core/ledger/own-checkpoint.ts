import type { Entry } from '../entry.ts'
import { Fault } from '../fault.ts'
import { baseOf } from './base.ts'
import { claimOf, openCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { epochsOf, isOfItsEpoch, keyIn, originOf } from './epochs.ts'
import { keptNote, keptSizes, latestCheckpoint } from './kept.ts'
import { genesisOf, keyEntries } from './key-entries.ts'
import { signersOf } from './note.ts'
import { readEntry } from './read.ts'

/**
 * The newest checkpoint, signed by the key of its epoch, as the ledger's own entries tell of it; null: there is none yet.
 * Faults: `ledger.damaged`, where it is another's or none at all.
 */
export async function ownCheckpoint(dir: string): Promise<SignedCheckpoint | null> {
  const note = latestCheckpoint(dir)
  if (note === null) return null
  return (await byHandover(dir, note)) ?? (await byAllKeys(dir, note))
}

/** By the one key that it should bear, if that is quickly found: else a look through all of the ledger is needed. */
async function byHandover(dir: string, note: string): Promise<SignedCheckpoint | null> {
  const genesis = await genesisOf(dir)
  const tells = await keyEntryFor(dir, note, genesis)
  if (genesis === null) return null
  const key = keyIn(tells?.data.publicKey, originOf(genesis))
  const opened = openCheckpoint(note, key === null ? [] : [key])
  return opened.ok ? opened.checkpoint : null
}

/**
 * A handover is kept for ever, and ends with the entry of the new key: it is the newest that is kept, or the newest that bears
 * another signature too, that of the key before. As is every one before that, so it is found by halves: there may be thousands.
 */
export async function keyEntryFor(dir: string, note: string, genesis: Entry | null): Promise<Entry | null> {
  const [size, signers] = [claimOf(note)?.size ?? 0, signersOf(note)]
  const before = keptSizes(dir).filter(each => each < size)
  const newest = await rotationAt(dir, before.at(-1))
  if (newest !== null) return newest
  let [low, high] = [0, before.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const isOfOthers = !signersOf(keptNote(dir, before[middle] ?? 0) ?? '').every(each => signers.includes(each))
    if (isOfOthers) low = middle + 1
    else high = middle
  }
  return low === 0 ? genesis : rotationAt(dir, before[low - 1])
}

/** The entry of a new key with which the first `size` entries end; null: they end with another one. */
async function rotationAt(dir: string, size: number | undefined): Promise<Entry | null> {
  if (size === undefined) return null
  const pruned = baseOf(dir).base?.kept.find(({ entry }) => entry.seq === size - 1)
  const found = pruned ?? (await readEntry(dir, size - 1, { isAtOnce: true }))
  return found !== null && 'entry' in found && found.entry.kind === 'key.rotated' ? found.entry : null
}

async function byAllKeys(dir: string, note: string): Promise<SignedCheckpoint> {
  const { genesis, rotations } = await keyEntries(dir)
  if (genesis === null) throw damaged('the ledger does not begin with an entry that says whose it is')
  const { epochs } = epochsOf([genesis, ...rotations], originOf(genesis))
  const opened = openCheckpoint(
    note,
    epochs.map(({ key }) => key),
  )
  if (!opened.ok) throw damaged(opened.why)
  if (!isOfItsEpoch(opened.checkpoint, epochs)) throw damaged('it is signed by a key of another epoch')
  return opened.checkpoint
}

function damaged(why: string): Fault {
  return new Fault('ledger.damaged', `the newest checkpoint can't be believed: ${why}`, {
    hint: '"heald ledger verify" says more',
  })
}
