import { join } from 'node:path'
import type { Entry } from '../entry.ts'
import { codeOf, Fault } from '../fault.ts'
import { emptyFolded, fold, foldedFromJson } from '../folded.ts'
import { applyEntry, emptyIncidents, findIncident, type Incident, type Incidents } from '../incident/fold.ts'
import { segmentFiles } from '../ledger/files.ts'
import { genesisOf } from '../ledger/key-entries.ts'
import { type BadLine, foldFrom } from '../ledger/read.ts'
import { readSnapshot } from '../ledger/state.ts'
import { askAsOwnerOf } from '../owner.ts'
import { askRoot, howToStart } from '../start-hint.ts'

/** Entries of one incident that are nearer than this to each other are read in one go. */
const NEAR_SEQS = 1000

export function ledgerFolder(state: string): string {
  return join(state, 'ledger')
}

/**
 * Incidents straight from the ledger's files, for when the daemon does not answer. A Fault when there is no ledger.
 * Damaged entries are left out and told to `onBad`.
 */
export async function foldIncidents(
  state: string,
  signal: AbortSignal,
  onBad: (bad: BadLine) => void,
): Promise<Incidents> {
  const dir = existingLedger(state)
  const found = readSnapshot(dir)
  const folded = ('snapshot' in found ? foldedFromJson(found.snapshot.state) : null) ?? emptyFolded()
  for await (const entry of foldFrom(dir, folded.nextSeq, { onBad })) {
    if (signal.aborted) throw new Fault('interrupted', 'interrupted while reading the ledger')
    fold(folded, entry)
  }
  return folded.incidents
}

/**
 * An incident too old to be kept: its own entries are folded again, from the one that its id names. Null if none. Damaged
 * entries are told to `onBad`; where the one that its id names is damaged, nobody can tell: a Fault `entry.damaged`.
 */
export async function findOldIncident(
  state: string,
  id: string,
  signal: AbortSignal,
  onBad: (bad: BadLine) => void,
): Promise<Incident | null> {
  const first = /-(\d{1,15})$/.exec(id)?.[1]
  if (first === undefined) return null
  const incidents = emptyIncidents()
  const mustOpen = (bad: BadLine) => {
    if (bad.seq !== Number(first)) return onBad(bad)
    throw new Fault('entry.damaged', `entry #${bad.seq}, with which "${id}" would begin, is damaged: ${bad.why}`, {
      hint: '"heald ledger verify" says more',
    })
  }
  for await (const entry of foldFrom(existingLedger(state), Number(first), { onBad: mustOpen })) {
    if (signal.aborted) throw new Fault('interrupted', 'interrupted while reading the ledger')
    if (entry.inc !== id) {
      // The first entry decides whether there is such an incident at all.
      if (incidents.byId.size === 0) return null
      continue
    }
    applyEntry(incidents, entry)
    if (findIncident(incidents, id)?.state === 'resolved') break
  }
  return findIncident(incidents, id) ?? null
}

/** The entries with these seqs (ascending), each checked against its hash; damaged ones are told to `onBad`. */
export async function entriesOf(
  state: string,
  seqs: readonly number[],
  onBad: (bad: BadLine) => void,
): Promise<readonly Entry[]> {
  const dir = existingLedger(state)
  const wanted = new Set(seqs)
  const entries: Entry[] = []
  for (let at = 0; at < seqs.length; ) {
    let to = at
    while ((seqs[to + 1] ?? Number.POSITIVE_INFINITY) - (seqs[to] ?? 0) <= NEAR_SEQS) to++
    const ofIncident = (bad: BadLine) => wanted.has(bad.seq) && onBad(bad)
    for await (const entry of foldFrom(dir, seqs[at] ?? 0, { endSeq: (seqs[to] ?? 0) + 1, onBad: ofIncident })) {
      if (wanted.has(entry.seq)) entries.push(entry)
    }
    at = to + 1
  }
  return entries
}

/** The host that the ledger was begun on; '' when that can't be told. */
export async function hostOf(state: string): Promise<string> {
  const host = (await genesisOf(existingLedger(state)))?.data.host
  return typeof host === 'string' ? host : ''
}

function existingLedger(state: string): string {
  const dir = ledgerFolder(state)
  let isEmpty: boolean
  try {
    isEmpty = segmentFiles(dir).length === 0
  } catch (error) {
    throw new Fault('state.unreadable', `the ledger in ${dir} can't be read: ${codeOf(error)}`, {
      hint: askAsOwnerOf(dir),
      cause: error,
    })
  }
  if (!isEmpty) return dir
  throw new Fault(
    'daemon.unreachable',
    `the daemon can't be reached, and there is no ledger in ${dir} to read instead`,
    {
      hint: `${askRoot(dir) ?? `start the daemon with "${howToStart(dir)}"`}; if heald keeps its state elsewhere, say where: --state DIR`,
    },
  )
}
