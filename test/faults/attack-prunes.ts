import { hash } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bodyOf } from '../../core/ledger/line.ts'
import { toHex } from '../../core/ledger/tree/hash.ts'
import { inclusionProof, rangeAt } from '../../core/ledger/tree/proof.ts'
import { treeOfSegments } from '../../core/ledger/tree/reader.ts'
import { type Fit, linesIn, segmentNames, seqIn, sign, writeLines } from '../core/ledger/forged.ts'
import { type Board, ifItCan, type Move, type Random, setUp } from './attack-board.ts'
import { type Control, inPresent } from './attack-game.ts'
import { rewrite } from './attack-lines.ts'

/*
 * Moves of somebody who knows how heald prunes: he tells of prunes with an entry of his own, forges what stands for the
 * entries, and takes segments away or puts them back, since he has the archive.
 */

/** Goes on with the chain by an entry that tells of a prune. */
function tell(dir: string, upTo: number, root: string, random: Random): void {
  const [name, last = ''] = [segmentNames(dir).at(-1), linesIn(dir).at(-1)]
  const found = /"ts":"([^"]+)","mono":(\d+),"boot":"([^"]+)"/.exec(last)
  if (name === undefined || found === null) return
  const [, ts = '', mono, boot = ''] = found
  const archive = random(2) > 0 ? null : { sha256: 'ab'.repeat(32), folder: '/mnt/archive' }
  const stamp = { seq: seqIn(last) + 1, prev: last.slice(-66, -2), ts, mono: Number(mono), boot }
  const data = JSON.stringify({ upTo, root, segments: 1, archive })
  const body = bodyOf(stamp, `"kind":"ledger.pruned","actor":"local:admin","data":${data}`)
  appendFileSync(join(dir, 'seg', name), `${body},"h":"${hash('sha256', body, 'hex')}"}\n`)
}

/** What heald would keep of the lines before `upTo`; answers their root. */
async function standFor(dir: string, upTo: number, isWritten: boolean): Promise<string> {
  const { nodes, root } = await treeOfSegments(dir, upTo)
  const there = linesIn(dir)
  const known = existsSync(join(dir, 'base.json')) && seqIn(there[0] ?? '') > 0 ? keptLines(dir) : []
  const telling = there.filter(line => seqIn(line) < upTo && /"kind":"(?:genesis|key\.rotated)"/.test(line))
  const kept = [...known, ...telling].map(line => ({
    line,
    proof: inclusionProof(seqIn(line), upTo, nodes).map(toHex),
  }))
  const h = there.find(line => seqIn(line) === upTo)?.slice(0, 200)
  const prev = /"prev":"([0-9a-f]{64})"/.exec(h ?? '')?.[1] ?? ''
  const base = { v: 1, seq: upTo, h: prev, nodes: rangeAt(upTo, nodes).nodes.map(toHex), kept }
  if (isWritten) writeFileSync(join(dir, 'base.json'), `${JSON.stringify(base)}\n`)
  return toHex(root)
}

function keptLines(dir: string): string[] {
  const { kept } = JSON.parse(readFileSync(join(dir, 'base.json'), 'utf8')) as { kept: { line: string }[] }
  return kept.map(({ line }) => line)
}

function removeBefore(dir: string, upTo: number, isGoing: () => boolean = () => true): void {
  for (const name of segmentNames(dir))
    if (Number(name.slice(0, 12)) < upTo && isGoing()) rmSync(join(dir, 'seg', name))
}

/** Where segments begin, also those that were pruned; sometimes beside it. */
function placeIn({ gone, lines }: Board, random: Random, isExact = false): number {
  const begins = [...gone, ...lines].filter(line => line.includes('"kind":"segment.opened"')).map(seqIn)
  const at = begins[random(begins.length)] ?? 0
  return isExact || random(4) > 0 ? at : Math.max(1, at + random(9) - 4)
}

/** As the archive has them; those that the dice chooses, or all. */
function putBack({ dir, gone }: Board, isBack: () => boolean): void {
  const begins = gone.flatMap((line, seq) => (seq === 0 || line.includes('"kind":"segment.opened"') ? [seq] : []))
  for (const [index, first] of begins.entries())
    if (isBack())
      writeFileSync(
        join(dir, 'seg', `${String(first).padStart(12, '0')}.jsonl`),
        gone
          .slice(first, begins[index + 1])
          .map(line => `${line}\n`)
          .join(''),
      )
}

async function prune({ dir }: Board, upTo: number, random: Random): Promise<void> {
  tell(dir, upTo, await standFor(dir, upTo, true), random)
  removeBefore(dir, upTo)
}

function putBackChanged({ dir, gone, lines }: Board, at: number, fit: Fit): void {
  rmSync(join(dir, 'base.json'), { force: true })
  const ever = [...gone, ...lines]
  writeLines(dir, ever.with(at, (ever[at] ?? '').replace(/"ts":"\d{4}/, '"ts":"2001')), fit)
}

const rootLike = (root: string): string => root.replace(/^./, digit => (digit === '0' ? '1' : '0'))

export const PRUNE_MOVES: Readonly<Record<string, Move>> = {
  'prune as heald does': (board, random) => ifItCan(() => prune(board, placeIn(board, random), random)),
  'tell of a prune with another root': (board, random) =>
    ifItCan(async () => {
      const { dir } = board
      const upTo = placeIn(board, random)
      tell(dir, upTo, rootLike(await standFor(dir, upTo, true)), random)
      removeBefore(dir, upTo)
    }),
  'prune and tell nobody': (board, random) =>
    ifItCan(async () => {
      const upTo = placeIn(board, random, true)
      await standFor(board.dir, upTo, true)
      removeBefore(board.dir, upTo)
    }),
  'tell of a prune that was none': (board, random) =>
    ifItCan(async () => {
      const upTo = placeIn(board, random)
      const root = await standFor(board.dir, upTo, false)
      tell(board.dir, upTo, random(2) > 0 ? root : rootLike(root), random)
    }),
  'tell otherwise of the prune that was': (board, random) =>
    ifItCan(async () => {
      const { dir, gone } = board
      const root = await standFor(dir, gone.length, false)
      const [upTo, other] = random(2) > 0 ? [gone.length, rootLike(root)] : [placeIn(board, random), root]
      tell(dir, upTo, random(4) > 0 ? other : root, random)
    }),
  'put back what was pruned': (board, random) =>
    ifItCan(async () => {
      const isAll = random(2) > 0
      putBack(board, () => isAll || random(2) > 0)
      if (random(2) > 0) rmSync(join(board.dir, 'base.json'), { force: true })
    }),
  'put it back, and prune less': (board, random) =>
    ifItCan(async () => {
      const { dir } = board
      putBack(board, () => true)
      const upTo = placeIn(board, random)
      const root = await standFor(dir, upTo, true)
      if (random(2) > 0) tell(dir, upTo, root, random)
      removeBefore(dir, upTo)
    }),
  'put it back changed': (board, random) =>
    ifItCan(async () => {
      const { dir, gone, origin } = board
      setUp(board)
      const at = random(gone.length)
      putBackChanged(board, at, random(3) > 0 ? 'all' : 'nothing')
      if (random(2) > 0) await sign(dir, origin, random(2) > 0, at)
    }),
  'change what is pruned then': (board, random) =>
    ifItCan(async () => {
      const { dir, lines, origin } = board
      setUp(board)
      const first = seqIn(lines[0] ?? '')
      const upTo = placeIn(board, random, true)
      const at = random(Math.max(1, upTo - first))
      writeLines(dir, lines.with(at, (lines[at] ?? '').replace(/"pid":\d+/, '"pid":4711')), 'all')
      await prune(board, upTo, random)
      await sign(dir, origin, random(2) > 0, first + at)
    }),
  'leave a prune half done': (board, random) =>
    ifItCan(async () => {
      const { dir } = board
      const upTo = placeIn(board, random)
      if (random(2) > 0) tell(dir, upTo, await standFor(dir, upTo, true), random)
      writeFileSync(join(dir, 'pruning'), `${upTo}\n`)
      removeBefore(dir, upTo, () => random(2) > 0)
    }),
}

/** Where the last segment begins. */
function lastBegin({ lines }: Board): number {
  return seqIn(lines.findLast(line => line.includes('"kind":"segment.opened"')) ?? '')
}

/** Prunes all that is sealed, and tells what is given of it. */
async function pruneSaying(board: Board, random: Random, said: (upTo: number, root: string) => [number, string]) {
  const upTo = lastBegin(board)
  tell(board.dir, ...said(upTo, await standFor(board.dir, upTo, true)), random)
  removeBefore(board.dir, upTo)
}

const [PASSES, FAILS, PASSES_ALONE] = [
  { alone: true, kept: true },
  { alone: false, kept: false },
  { alone: true, kept: false },
]

/** Who may write the ledger may also prune it, and has to tell what he did. */
export const PRUNE_CONTROLS: readonly Control[] = [
  { name: 'prune as heald does', play: (board, random) => prune(board, lastBegin(board), random), ...PASSES },
  {
    name: 'prune as heald does, and sign it',
    async play(board, random) {
      await prune(board, lastBegin(board), random)
      await sign(board.dir, board.origin, false)
    },
    ...PASSES,
  },
  {
    name: 'tell of a prune with another root',
    play: (board, random) => pruneSaying(board, random, (upTo, root) => [upTo, rootLike(root)]),
    ...FAILS,
  },
  {
    name: 'tell of a prune to another place',
    play: (board, random) => pruneSaying(board, random, (upTo, root) => [upTo + 1, root]),
    ...FAILS,
  },
  {
    name: 'prune and tell nobody',
    async play(board) {
      await standFor(board.dir, lastBegin(board), true)
      removeBefore(board.dir, lastBegin(board))
    },
    ...FAILS,
  },
  {
    name: 'leave a prune half done',
    async play(board, random) {
      const upTo = lastBegin(board)
      tell(board.dir, upTo, await standFor(board.dir, upTo, true), random)
      removeBefore(board.dir, seqIn(board.lines[0] ?? '') + 1)
    },
    ...PASSES,
  },
  {
    name: 'tell otherwise of the prune that was',
    async play({ dir, gone }, random) {
      tell(dir, gone.length, rootLike(await standFor(dir, gone.length, false)), random)
    },
    ...PASSES,
  },
  { name: 'put back what was pruned', play: async board => putBack(board, () => true), ...PASSES },
  {
    name: 'put back some of what was pruned',
    async play(board) {
      let isFirst = true
      putBack(board, () => {
        const isBack = isFirst
        isFirst = false
        return isBack
      })
    },
    ...FAILS,
  },
  {
    name: 'put it back changed',
    play: async (board, random) => putBackChanged(board, 1 + random(board.gone.length - 1), 'all'),
    ...FAILS,
  },
  {
    name: 'change what is pruned then',
    async play(board, random) {
      const seq = inPresent({ ...board, size: lastBegin(board) }, random)
      await rewrite(board, seq, false)
      await prune(board, lastBegin(board), random)
      await sign(board.dir, board.origin, false, seq)
    },
    ...PASSES_ALONE,
  },
]
