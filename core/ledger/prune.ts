import { lstatSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Draft } from '../entry.ts'
import { codeOf, Fault } from '../fault.ts'
import { baseOf, baseSeq, writeBase } from './base.ts'
import { claimOf } from './checkpoint.ts'
import { openCursor } from './cursor.ts'
import { KEY_KINDS, tellsOfKeys } from './epochs.ts'
import { disk, INDEX_FILE, INDEX_PARTS, segmentFiles } from './files.ts'
import { latestCheckpoint } from './kept.ts'
import type { Recorded } from './ledger.ts'
import { checkLine } from './line.ts'
import { listEntries } from './list.ts'
import { NotPlain, readPlain } from './plain-file.ts'
import { sealedSegments } from './prune-plan.ts'
import { sideNames } from './side.ts'
import { BASE_STATE_FILE, MOST_STATE_BYTES, newestSnapshot, STATE_FILE } from './state.ts'
import { leafHash, toHex } from './tree/hash.ts'
import { inclusionProof, rangeAt, verifyInclusion } from './tree/proof.ts'
import { openTree, type TreeReader } from './tree/reader.ts'

/*
 * Life of a prune
 *
 * 1. A checkpoint covers all that goes (and an archive was made, if one is wanted: `archive.ts`).
 * 2. `ledger.pruned` says what goes, durably.
 * 3. `base.json` holds what stands for it: the tree, the last hash, the lines that tell of keys, each with its proof.
 * 4. The segments are removed, oldest first, with the texts kept aside for them, and the search index.
 * 5. A checkpoint covers the entry that tells of it (`open.ts`).
 *
 * A kill after 3 is made good at the next start; one before it leaves a ledger that is whole, though it says otherwise.
 */

export interface PruneOrder {
  /** All before this seq goes; a segment has to begin there. */
  readonly upTo: number
  /** SHA-256 of the list of what was archived, hex, and where that was; null: it is meant to be gone. */
  readonly archive: { readonly sha256: string; readonly folder: string } | null
  readonly by: string
}

export interface Pruned {
  readonly upTo: number
  /** Seq of the entry that tells of it. */
  readonly seq: number
  /** How many segments are gone. */
  readonly segments: number
}

const UNFINISHED = 'pruning'
const MOST_MARKER_BYTES = 64

/**
 * Prunes a ledger that is being written; one that begins there already was pruned by the same order. Faults: `prune.place`,
 * `prune.unsigned`, `prune.state`, `ledger.damaged`, and those of `append`.
 */
export async function prune(
  dir: string,
  { upTo, archive, by }: PruneOrder,
  append: (draft: Draft) => Promise<Recorded | null>,
): Promise<Pruned> {
  const going = sealedSegments(dir).filter(({ end }) => end <= upTo)
  const last = going.at(-1)
  const done = last === undefined ? await doneBefore(dir, upTo) : null
  if (done !== null) return done
  if (last?.end !== upTo || last.tree?.size !== upTo)
    throw new Fault('prune.place', `the ledger can't begin with entry #${upTo}`, {
      hint: '"heald ledger prune --dry-run" says where it can',
    })
  const claim = claimOf(latestCheckpoint(dir) ?? '')
  if (claim === null || claim.size < upTo)
    throw new Fault('prune.unsigned', 'no checkpoint covers the entries that would be pruned', {
      hint: '"heald ledger checkpoint" makes one, or says why it can\'t',
    })
  const state = keptState(dir)
  const reader = await openTree(dir, upTo, last.tree.root)
  try {
    if (reader.root !== last.tree.root) throw damaged(upTo)
    const kept = await keptLines(dir, upTo, reader)
    const told = await append({
      kind: 'ledger.pruned',
      actor: by,
      data: { upTo, root: toHex(reader.root), segments: going.length, archive },
    })
    if (told === null) throw new Fault('ledger.degraded', 'the prune could not be recorded', { retry: 5000 })
    await disk.replace(join(dir, UNFINISHED), `${upTo}\n`, { sync: true })
    await disk.replace(join(dir, BASE_STATE_FILE), state, { sync: true })
    await writeBase(dir, { seq: upTo, h: last.h, range: rangeAt(upTo, reader.nodes), kept })
    await finishPrune(dir)
    return { upTo, seq: told.seq, segments: going.length }
  } finally {
    reader.close()
  }
}

/** One that a kill interrupted, and that the start made good, after it was ordered once more. */
async function doneBefore(dir: string, upTo: number): Promise<Pruned | null> {
  if (baseOf(dir).base?.seq !== upTo) return null
  const { rows } = await listEntries(dir, { kinds: ['ledger.pruned'] }, { limit: 1 })
  const told = rows[0]?.entry
  return told?.data.upTo === upTo ? { upTo, seq: told.seq, segments: Number(told.data.segments) } : null
}

/** What was folded from the entries up to the last segment, as it is kept beside them: it can't be folded again. */
function keptState(dir: string): string {
  if ('snapshot' in newestSnapshot(dir)) return readPlain(join(dir, STATE_FILE), MOST_STATE_BYTES)
  throw new Fault('prune.state', 'what heald knows from these entries is not kept beside the ledger yet', {
    hint: 'it will be when the daemon opens the next segment; prune then',
  })
}

/** Removes what a prune had yet to remove; does nothing when none was under way. Only the holder of the lock may call it. */
export async function finishPrune(dir: string): Promise<void> {
  const marker = join(dir, UNFINISHED)
  let upTo = Number.NaN
  try {
    upTo = Number(readPlain(marker, MOST_MARKER_BYTES))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    // No prune of ours has put it there.
    if (!(error instanceof NotPlain)) throw error
  }
  if (baseSeq(dir) === upTo) await removeBefore(dir, upTo)
  // Nor such a folder: it is put aside, with what somebody keeps in it.
  if (lstatSync(marker).isDirectory()) renameSync(marker, mkdtempSync(`${marker}-`))
  else rmSync(marker, { force: true })
}

async function removeBefore(dir: string, upTo: number): Promise<void> {
  await removeSearchIndex(dir)
  const going = segmentFiles(dir).filter(({ first }) => first < upTo)
  // One file a turn: to free a large one takes the system a while.
  for (const { path } of going) await disk.remove(path)
  await disk.syncFolder(join(dir, 'seg'))
  // By their own names: the segments of some may be gone since before a kill.
  for (const name of sideNames(dir, /^\d{12}\.jsonl$/))
    if (Number(name.slice(0, 12)) < upTo) await disk.remove(join(dir, 'side', name))
  // Once more: a search may have made it anew meanwhile, with what was still there.
  await removeSearchIndex(dir)
  await disk.syncFolder(dir)
}

async function removeSearchIndex(dir: string): Promise<void> {
  for (const end of INDEX_PARTS) await disk.remove(join(dir, INDEX_FILE + end))
}

/** A cheap look that lets every such line through. */
const KEY_LINE = new RegExp(`"kind":"(?:${KEY_KINDS.join('|').replaceAll('.', '\\.')})"`)

/** The lines that outlive their segment, with proofs that they are among the first `upTo`. */
async function keptLines(
  dir: string,
  upTo: number,
  { nodes, root }: TreeReader,
): Promise<{ readonly line: string; readonly proof: readonly string[] }[]> {
  const { base } = baseOf(dir)
  const kept = base?.kept.map(({ entry, line }) => ({ seq: entry.seq, line })) ?? []
  const cursor = openCursor(dir, base?.seq ?? 0)
  try {
    for (let lines = await cursor.next(upTo); lines.length > 0; lines = await cursor.next(upTo))
      for (const { text } of lines) {
        const checked = KEY_LINE.test(text) ? checkLine(text) : null
        if (checked?.ok && tellsOfKeys(checked.entry)) kept.push({ seq: checked.entry.seq, line: text })
      }
  } finally {
    await cursor.close()
  }
  if (kept[0]?.seq !== 0) throw damaged(upTo)
  return kept.map(({ seq, line }) => {
    const proof = inclusionProof(seq, upTo, nodes)
    if (!verifyInclusion({ leaf: leafHash(line), index: seq, size: upTo, proof, root })) throw damaged(upTo)
    return { line, proof }
  })
}

function damaged(upTo: number): Fault {
  return new Fault('ledger.damaged', `the entries before #${upTo} are not those that the entries after it tell of`, {
    hint: 'nothing was pruned; "heald ledger verify" says more',
  })
}
