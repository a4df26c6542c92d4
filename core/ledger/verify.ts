import { statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { round } from '../clock.ts'
import { codeOf } from '../fault.ts'
import { baseOf, segmentsFrom } from './base.ts'
import { UNFINISHED } from './chain.ts'
import { claimOf } from './checkpoint.ts'
import { segmentFiles, segmentName } from './files.ts'
import type { KeyFound } from './given-key.ts'
import { type Mark, readMark } from './head.ts'
import { keptCheckpoints } from './kept.ts'
import { hasWriter } from './lock.ts'
import { firstSeq, readEntry } from './read.ts'
import { isTornEnd } from './torn-end.ts'
import { toHex } from './tree/hash.ts'
import { olderRoots } from './tree/older-roots.ts'
import { type Finding, isTold, type Joined, join } from './verify-join.ts'
import type { Doubt } from './verify-outside.ts'
import { type Planned, planOf } from './verify-plan.ts'
import { judgeSigned, type Trouble, type Trust, UNSIGNED } from './verify-signed.ts'
import { type TreeWalk, type WalkOptions, walkAll, walkSegment } from './verify-walk.ts'

/*
 * Life of a verification:
 *
 * 1. The first line of each segment says how much of the one before counts; bytes beyond that are void.
 * 2. Each segment is followed line by line (`chain.ts`), here or spread over workers; a worker believes the `prev` of its
 *    segment's first line.
 * 3. The pieces are joined in order: names, counts, valid sizes, the `prev` believed and the tree's root have to fit what
 *    came before.
 *    Before the first of them stands what is known of entries that were pruned (`base.ts`).
 * 4. Checkpoints, those beside the ledger and those from elsewhere, have to bear the right signature and the root that the
 *    entries have (`verify-signed.ts`).
 *
 * Every byte that counts is covered by a line's hash, so the segments' own SHA-256 need not be computed again.
 */

export type { Finding } from './verify-join.ts'

/** Keys as promised to users; what is not there, or was not asked for, is null. */
export interface Verdict {
  readonly ok: boolean
  /** Entries that were found good, from the first one on; those that were pruned are counted. */
  readonly size: number
  /** Entries before this seq were pruned, and an entry tells so; 0: none. */
  readonly prunedUpTo: number
  /** `h` of the last of them. */
  readonly head: string
  readonly checked: {
    readonly chain: boolean
    readonly tree: boolean | null
    readonly checkpoints: boolean | null
    readonly epochs: boolean | null
    readonly index: boolean | null
  }
  /** Root of the tree over them, hex; '' where it was not asked for. */
  readonly root: string
  /** Name of the ledger, by which checkpoints and keys are of it; null: it does not begin as ledgers do. */
  readonly origin: string | null
  /** The key of each epoch, as the ledger itself tells. */
  readonly vkeys: readonly string[]
  /** Receipts of the entries that tell of them. */
  readonly keyReceipts: readonly string[]
  /** Which of them were given. */
  readonly keysFound: readonly KeyFound[]
  /** What was given from elsewhere; with `nothing`, one who rewrote all of it would not be noticed. */
  readonly trusted: 'nothing' | 'key' | 'checkpoint'
  /** Entries up to here are those that a fitting checkpoint was signed for; where keys were given, with one of them or a later one. */
  readonly signedUpTo: number
  /** Entries up to here are those that a checkpoint from elsewhere was signed for. */
  readonly comparedUpTo: number
  /** Two notes that can't both be true of one ledger. */
  readonly evidence: readonly string[]
  /** What `firstBad` is, where it is of what was signed. */
  readonly trouble: Trouble | null
  /** Name of a checkpoint from elsewhere that can't be believed, when nothing else is wrong; null: there is none. */
  readonly unbelieved: string | null
  /** Checkpoints from elsewhere that prove nothing, each with why. */
  readonly doubts: readonly Doubt[]
  /** Epochs that the key before did not vouch for, since it was gone, as an entry tells; their own key was given. */
  readonly unvouched: readonly number[]
  readonly firstBad: Finding | null
  /** `firstBad` is nothing but an unfinished write at the end, which the next start of heald sets aside and records. */
  readonly torn: boolean
  /** A process that says it writes this ledger is alive; also where this is a copy on its host. */
  readonly hasWriter: boolean
  /** Bytes at the end of segments that don't count; the first entry of the segment after each says so. */
  readonly void: readonly { readonly segment: string; readonly bytes: number }[]
  /** Everything before this seq is proved to be one unbroken chain. */
  readonly provableUpTo: number
  readonly tookMs: number
}

export interface VerifyOptions extends WalkOptions {
  /** Neither tree nor signatures, which takes half the time. */
  readonly isOnlyChain?: boolean
  /** From elsewhere; left out: nothing. */
  readonly trust?: Trust
}

/** At a last line that is unfinished: so often it is waited for, and so often it is read anew in all. */
const MOST_WAITS = 4
const MOST_LOOKS = 16

const NOTHING: Trust = { keys: [], checkpoints: [] }

/** Two threads and more save time only where the machine has them, and none is worth starting for little. */
export function defaultThreads(): number {
  return Math.max(1, Math.min(4, availableParallelism()))
}

/** Verifies the whole chain of a ledger folder; needs no daemon and changes nothing. */
export async function verifyLedger(dir: string, options: VerifyOptions = {}): Promise<Verdict> {
  for (let first = firstSeq(dir); ; first = firstSeq(dir)) {
    try {
      return await verdictOf(dir, options)
    } catch (error) {
      // Segments were pruned meanwhile: begin again behind them.
      if (codeOf(error) !== 'ENOENT' || firstSeq(dir) <= first) throw error
    }
  }
}

async function verdictOf(
  dir: string,
  { isOnlyChain = false, trust = NOTHING, ...walking }: VerifyOptions,
): Promise<Verdict> {
  const startMs = performance.now()
  // Before the files: what it knows to be durable has to be in them.
  const { mark } = readMark(dir)
  const kept = isOnlyChain ? [] : keptCheckpoints(dir)
  const claims = [...kept, ...trust.checkpoints].flatMap(({ note }) => claimOf(note) ?? [])
  const sizes = [...new Set([...claims.map(({ size }) => size), mark?.size ?? 0])].sort((a, b) => a - b)
  const files = segmentFiles(dir)
  const { base, trouble } = baseOf(dir, files)
  const plan = planOf(segmentsFrom(base, files), { sizes, isOnlyChain })
  const tasks = plan.map(({ task }) => task)
  const walks = await walkAll(tasks, walking)
  await finishLast(dir, plan, walks)
  const isWritten = hasWriter(dir)
  const marked = await markedHash(dir, mark)
  const chained = join(plan, walks, base)
  const joined = untold({ ...chained, roots: new Map([...olderRoots(dir, base, sizes), ...chained.roots]) })
  const byMark = judgeByMark(marked, mark, joined)
  const markedRoot = mark === null ? undefined : mark.size === joined.seq ? joined.root : joined.roots.get(mark.size)
  const isRootJudged = !isOnlyChain && mark?.root != null && markedRoot !== undefined
  const isTreeGood = joined.isTreeGood && (!isRootJudged || toHex(markedRoot) === mark.root)
  const signed = isOnlyChain ? UNSIGNED : judgeSigned(joined, kept, trust)
  const { seq, h } = byMark
  const treeBad = {
    seq: 0,
    line: 0,
    why: 'the file "head" tells of another root of the tree than the entries have',
    segment: 'head',
  }
  const isEndMissing = claims.some(
    ({ origin, size }) => (signed.origin === null || origin === signed.origin) && size > joined.seq,
  )
  const isEndTorn = !isEndMissing && (mark === null || mark.h === marked) && isTornEnd(plan, walks, joined, mark)
  const beside = signed.bad ?? (isTreeGood ? null : treeBad)
  // A torn end must not hide what is wrong with all before it.
  const firstBad = isEndTorn ? (beside ?? byMark.firstBad) : (byMark.firstBad ?? beside)
  const torn = isEndTorn && beside === null
  /** What was signed is what is wrong. */
  const isSigned = signed.bad !== null && firstBad === signed.bad
  return {
    ok: firstBad === null,
    size: seq,
    prunedUpTo: joined.prunedUpTo,
    head: h,
    checked: {
      chain: byMark.firstBad === null,
      tree: isOnlyChain ? null : isTreeGood,
      ...{ checkpoints: signed.checkpoints, epochs: signed.epochs, index: null },
    },
    root: isOnlyChain ? '' : toHex(joined.root),
    ...{ origin: signed.origin, vkeys: signed.vkeys, signedUpTo: signed.signedUpTo },
    ...{ comparedUpTo: signed.comparedUpTo, keyReceipts: signed.keyReceipts, keysFound: signed.keysFound },
    ...{ evidence: signed.evidence, unbelieved: isSigned ? signed.unbelieved : null },
    ...{ trouble: isSigned ? signed.trouble : null, doubts: signed.doubts, unvouched: signed.unvouched },
    trusted: trust.checkpoints.length > 0 ? 'checkpoint' : trust.keys.length > 0 ? 'key' : 'nothing',
    firstBad,
    torn,
    hasWriter: isWritten,
    void: plan.flatMap(({ file, voidBytes }) => (voidBytes > 0 ? [{ segment: file.name, bytes: voidBytes }] : [])),
    provableUpTo: isSigned ? Math.min(seq, firstBad.seq, signed.signedUpTo) : seq,
    tookMs: round(performance.now() - startMs),
  }

  /** What is missing at the beginning has to be told of. */
  function untold(joined: Joined): Joined {
    const { firstBad } = joined
    if (firstBad !== null)
      return trouble === undefined
        ? joined
        : { ...joined, firstBad: { ...firstBad, why: `${firstBad.why}: ${trouble}` } }
    if (base === null || isOnlyChain || isTold(base, joined)) return joined
    const why = 'the entries before it are gone, and no entry tells that they were pruned'
    return { ...joined, firstBad: { seq: base.seq, line: 1, why, segment: segmentName(base.seq) } }
  }
}

/**
 * A daemon is writing: when nothing but the end of the last line is missing, it gets a moment to arrive, and as long as more
 * arrives it is looked at again, even if its writer has ended meanwhile. Whatever is still unfinished then is torn.
 */
async function finishLast(dir: string, plan: readonly Planned[], walks: TreeWalk[]): Promise<void> {
  const at = plan.length - 1
  const last = plan[at]
  if (last === undefined) return
  for (let looks = 0, waits = 0; looks < MOST_LOOKS && waits < MOST_WAITS; looks++) {
    const walk = walks[at]
    if (walk?.bad?.why !== UNFINISHED) return
    if (statSync(last.file.path).size <= walk.seenBytes) {
      if (!hasWriter(dir)) return
      await sleep(25 * 2 ** waits++)
    }
    walks[at] = walkSegment({ ...last.task, validBytes: Number.POSITIVE_INFINITY })
  }
}

/** The hash that the ledger has at the mark; null when there is no such entry. */
async function markedHash(dir: string, mark: Mark | null): Promise<string | null> {
  const found = mark === null || mark.size === 0 ? null : await readEntry(dir, mark.size - 1)
  return found !== null && 'entry' in found ? found.entry.h : null
}

/** A chain can't tell that its end was cut off; the mark beside it can, as long as it was not changed too. */
function judgeByMark(h: string | null, mark: Mark | null, joined: Joined): Joined {
  if (joined.firstBad !== null || mark === null || h === mark.h) return joined
  const line = joined.seq - Number(mark.seg) + 1
  if (mark.size > joined.seq)
    return {
      ...joined,
      firstBad: { seq: joined.seq, line, why: `entries are missing: the mark knew ${mark.size}`, segment: mark.seg },
    }
  const why = 'the entry at the mark has another hash: the end of the ledger was rewritten'
  return { ...joined, firstBad: { seq: mark.size - 1, line: mark.size - Number(mark.seg), why, segment: mark.seg } }
}
