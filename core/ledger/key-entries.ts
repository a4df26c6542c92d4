import type { Entry } from '../entry.ts'
import { baseOf } from './base.ts'
import { firstLine, type SegmentFile, segmentFiles } from './files.ts'
import { checkLine, MAX_LINE_BYTES } from './line.ts'
import { entriesOfKind } from './list.ts'
import { despitePrunes } from './pruned-meanwhile.ts'

/** The entries that tell whose a ledger is, and of its keys. Those that were pruned are kept in `base.json`. */
export interface KeyEntries {
  /** Null: it is not there, or damaged. */
  readonly genesis: Entry | null
  /** Each `key.rotated`, oldest first. */
  readonly rotations: readonly Entry[]
}

export async function keyEntries(dir: string): Promise<KeyEntries> {
  const kept = baseOf(dir).base?.kept.map(({ entry }) => entry) ?? []
  const first = await genesisOf(dir)
  const found = await entriesOfKind(dir, 'key.rotated')
  const known = new Set(kept.map(({ seq }) => seq))
  const rotations = [
    ...kept.filter(({ kind }) => kind === 'key.rotated'),
    ...found.filter(({ seq }) => !known.has(seq)),
  ]
  return { genesis: first, rotations }
}

/** Without the rotations, which takes a look through all of the ledger. */
export async function genesisOf(dir: string): Promise<Entry | null> {
  return despitePrunes(dir, async () => {
    const files = segmentFiles(dir)
    const kept = baseOf(dir, files).base?.kept.find(({ entry }) => entry.kind === 'genesis')
    return kept?.entry ?? readGenesis(files)
  })
}

/** It is the first line of all: no cursor is needed to find it. */
function readGenesis([first]: readonly SegmentFile[]): Entry | null {
  if (first === undefined || first.first !== 0) return null
  const checked = checkLine(firstLine(first.path, MAX_LINE_BYTES))
  return checked.ok && checked.entry.kind === 'genesis' && checked.entry.seq === 0 ? checked.entry : null
}
