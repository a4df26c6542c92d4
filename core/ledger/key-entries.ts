import type { Entry } from '../entry.ts'
import { baseOf } from './base.ts'
import { listEntries } from './list.ts'
import { readEntry } from './read.ts'

/** The entries that tell whose a ledger is, and of its keys. Those that were pruned are kept in `base.json`. */
export interface KeyEntries {
  /** Null: it is not there, or damaged. */
  readonly genesis: Entry | null
  /** Each `key.rotated`, oldest first. */
  readonly rotations: readonly Entry[]
}

export async function keyEntries(dir: string): Promise<KeyEntries> {
  const kept = baseOf(dir).base?.kept.map(({ entry }) => entry) ?? []
  const first = kept.find(({ kind }) => kind === 'genesis') ?? (await readGenesis(dir))
  const { rows } = await listEntries(dir, { kinds: ['key.rotated'] }, { limit: Number.POSITIVE_INFINITY })
  const known = new Set(kept.map(({ seq }) => seq))
  const later = rows.map(({ entry }) => entry).reverse()
  const rotations = [
    ...kept.filter(({ kind }) => kind === 'key.rotated'),
    ...later.filter(({ seq }) => !known.has(seq)),
  ]
  return { genesis: first, rotations }
}

/** Without the rotations, which takes a look through all of the ledger. */
export async function genesisOf(dir: string): Promise<Entry | null> {
  return baseOf(dir).base?.kept.find(({ entry }) => entry.kind === 'genesis')?.entry ?? (await readGenesis(dir))
}

async function readGenesis(dir: string): Promise<Entry | null> {
  const found = await readEntry(dir, 0)
  return found !== null && 'entry' in found && found.entry.kind === 'genesis' ? found.entry : null
}
