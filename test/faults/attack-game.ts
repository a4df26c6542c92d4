import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { signCheckpoint } from '../../core/ledger/checkpoint.ts'
import { keyStore } from '../../core/ledger/keys.ts'
import { checkLine } from '../../core/ledger/line.ts'
import { parseVkey } from '../../core/ledger/note.ts'
import { readTail } from '../../core/ledger/side.ts'
import { treeOfSegments } from '../../core/ledger/tree/reader.ts'
import { type Verdict, verifyLedger } from '../../core/ledger/verify.ts'
import { type Fit, linesIn, seqIn, sign, writeLines } from '../core/ledger/forged.ts'
import { FILE_MOVES, LAST_MOVES } from './attack-files.ts'

/*
 * A game: an attacker who may write every file of a ledger, and has its present private key, tries to change what it says.
 * He wins a round when a verification passes although an entry that it vouches for is another one.
 */

export type Random = (below: number) => number

/** Repeatable: the same seed plays the same game. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export interface Board {
  readonly dir: string
  readonly origin: string
  /** Every file as it was, and all lines. */
  readonly files: ReadonlyMap<string, Buffer>
  readonly lines: readonly string[]
  /** A checkpoint that was kept elsewhere, and how many entries it covers. */
  readonly note: string
  readonly size: number
  /** Entries of epochs whose key is erased. */
  readonly oldSize: number
}

/** A closed ledger's folder as a board. */
export function boardOf(dir: string, more: Pick<Board, 'origin' | 'note' | 'size' | 'oldSize'>): Board {
  const files = new Map<string, Buffer>()
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
    if (!name.startsWith('lock') && statSync(join(dir, name)).isFile()) files.set(name, readFileSync(join(dir, name)))
  return { ...more, dir, files, lines: linesIn(dir) }
}

function setUp({ dir, files }: Board): void {
  for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true })
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true })
    writeFileSync(join(dir, name), bytes)
  }
}

export type Move = (board: Board, random: Random) => void | Promise<void>

/** Moves that sign with the stolen key: the others anybody can play who may write the files. */
const SIGNING: readonly string[] = [
  'rewrite an epoch as somebody who knows how',
  'sign what is there with the stolen key',
]

const FITS: readonly Fit[] = ['nothing', 'chain', 'chain', 'all']

/** Changes lines, and makes what speaks for them fit, as far as `random` says. */
const onLines =
  (change: (lines: string[], random: Random, board: Board) => string[]): Move =>
  (board, random) => {
    const lines = linesIn(board.dir)
    if (lines.length > 1) writeLines(board.dir, change(lines, random, board), FITS[random(FITS.length)] ?? 'all')
  }

function isSegment(name: string): boolean {
  return name.startsWith('seg/')
}

export const MOVES: Readonly<Record<string, Move>> = {
  ...FILE_MOVES,
  'edit a line': onLines((lines, random) => {
    const at = random(lines.length)
    return lines.with(at, (lines[at] ?? '').replace(/"pid":\d+/, `"pid":${random(1000)}`))
  }),
  'edit the time of a line': onLines((lines, random) => {
    const at = random(lines.length)
    return lines.with(at, (lines[at] ?? '').replace(/"ts":"\d{4}/, '"ts":"2001'))
  }),
  'delete a line': onLines((lines, random) => lines.toSpliced(random(lines.length), 1)),
  'insert a line': onLines((lines, random) =>
    lines.toSpliced(random(lines.length), 0, lines[random(lines.length)] ?? ''),
  ),
  'swap two lines': onLines((lines, random) => {
    const [a, b] = [random(lines.length), random(lines.length)]
    return lines.with(a, lines[b] ?? '').with(b, lines[a] ?? '')
  }),
  'number the lines anew': onLines((lines, _random, board) => {
    const first = seqIn(board.lines[0] ?? '')
    return lines.map((line, at) => line.replace(/^\{"v":1,"seq":\d+/, `{"v":1,"seq":${first + at}`))
  }),
  'cut the end': onLines((lines, random) => lines.slice(0, 1 + random(lines.length - 1))),
  'tell of another key': onLines((lines, random) =>
    lines.map(line =>
      line.includes('key.rotated') && random(2) > 0
        ? line.replace(/"publicKey":"[^"]*"/, `"publicKey":"${Buffer.alloc(32, random(256)).toString('base64')}"`)
        : line,
    ),
  ),
  'remove what was signed': ({ dir }) => {
    rmSync(join(dir, 'checkpoint'), { force: true })
    rmSync(join(dir, 'cp'), { recursive: true, force: true })
  },
  'rewrite what was signed and remove that': (board, random) => {
    const { dir } = board
    const lines = linesIn(dir)
    const at = random(lines.length)
    const isLost = random(2) > 0
    const forged = lines.map((line, index) =>
      index === at
        ? line.replace(/"pid":\d+/, '"pid":4711')
        : isLost && line.includes('key.rotated')
          ? line.replace('"data":{', '"data":{"why":"the key of the epoch before is gone",')
          : line,
    )
    if (lines.length > 0) writeLines(dir, forged, 'all')
    rmSync(join(dir, 'cp'), { recursive: true, force: true })
    if (random(2) > 0) rmSync(join(dir, 'checkpoint'), { force: true })
  },
  'begin another ledger': onLines((lines, random) =>
    lines.with(0, (lines[0] ?? '').replace(/"host":"[^"]*"/, `"host":"h${random(9)}"`)),
  ),
  'flip a bit anywhere': ({ dir, files }, random) => {
    const names = [...files.keys()].filter(name => existsSync(join(dir, name)))
    const path = join(dir, names[random(names.length)] ?? '')
    const bytes = readFileSync(path)
    if (bytes.length === 0) return
    const at = random(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
    writeFileSync(path, bytes)
  },
  'remove a file': ({ dir, files }, random) => {
    const name = [...files.keys()][random(files.size)] ?? ''
    if (!isSegment(name)) rmSync(join(dir, name), { force: true })
  },
  'put a file in the place of another': ({ dir, files }, random) => {
    const names = [...files.keys()].filter(name => !isSegment(name))
    const from = files.get(names[random(names.length)] ?? '')
    const to = join(dir, names[random(names.length)] ?? '')
    mkdirSync(dirname(to), { recursive: true })
    if (from !== undefined) writeFileSync(to, from)
  },
  'forget the mark and the tree': ({ dir }) => {
    rmSync(join(dir, 'head'), { force: true })
    rmSync(join(dir, 'tree'), { recursive: true, force: true })
  },
  'rewrite an epoch as somebody who knows how': async (board, random) => {
    setUp(board)
    const { dir, lines, oldSize, origin } = board
    const first = seqIn(lines[0] ?? '')
    const isOld = random(2) > 0
    const at = isOld ? random(oldSize - first) : oldSize - first + random(first + lines.length - oldSize)
    const forged = lines.with(at, (lines[at] ?? '').replace(/"pid":\d+/, '"pid":4711'))
    writeLines(dir, forged, 'all')
    await ifItCan(() => sign(dir, origin, isOld, first + at))
  },
  'sign what is there with the stolen key': async ({ dir, origin }, random) => {
    const keys = keyStore(dir)
    const epoch = keys.epochs().at(-1)
    const lines = linesIn(dir)
    if (epoch === undefined || lines.length === 0) return
    await ifItCan(async () => {
      const whole = seqIn(lines.at(-1) ?? '') + 1
      const size = random(4) > 0 ? whole : whole - random(lines.length)
      const { root } = await treeOfSegments(dir, size)
      const name = random(3) > 0 ? 'checkpoint' : `cp/${String(size).padStart(12, '0')}.cp`
      mkdirSync(join(dir, 'cp'), { recursive: true })
      writeFileSync(join(dir, name), signCheckpoint({ origin, size, root }, keys.load(epoch)))
    })
  },
}

/** His own changes may have made the key or a segment useless. */
async function ifItCan(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch {
    // Then this move changes less.
  }
}

export interface Game {
  readonly rounds: number
  readonly moves: Readonly<Record<string, Move>>
  /** Judges beside the verification, before anything is put back; `where` names the round. */
  readonly judge: (verdict: Verdict, now: readonly string[], where: string) => Promise<void>
}

/** The text kept aside for an entry. */
function textOf(dir: string, line: string): string | null {
  const checked = checkLine(line)
  return checked.ok ? readTail(dir, checked.entry) : null
}

/** Plays the game on a board; returns what came of it, in words. Throws when an attacker wins. */
export async function play(board: Board, { rounds, moves, judge }: Game): Promise<string> {
  const { dir, lines, size, oldSize } = board
  const seed = Number(process.env.HEALD_SEED ?? (rounds > 1000 ? Date.now() % 1_000_000 : 1))
  const random = randomFrom(seed)
  const names = Object.keys(moves)
  const trust = { keys: [], checkpoints: [{ name: 'kept', note: board.note }] }
  const first = seqIn(lines[0] ?? '')
  const texts = lines.map(line => [line, textOf(dir, line)] as const).filter(([, text]) => text !== null)
  assert.ok(texts.length > 1, 'there are texts kept aside')
  const keys = (await verifyLedger(dir)).vkeys.map(vkey => parseVkey(vkey) ?? assert.fail(vkey))
  const sum = { passed: 0, passedAlone: 0, passedByKey: 0, changed: 0 }
  for (let round = 0; round < rounds; round++) {
    setUp(board)
    const played: string[] = []
    for (let left = 1 + random(4); left > 0; left--) {
      const name = names[random(names.length)] ?? ''
      played.push(name)
      await moves[name]?.(board, random)
      if (LAST_MOVES.includes(name)) break
    }
    const where = `round ${round} of seed ${seed}: ${played.join(', ')}`
    const verdict = await verifyLedger(dir, { trust })
    const now = linesIn(dir, verdict.prunedUpTo)
    if (now.join('\n') !== lines.join('\n')) sum.changed++
    if (verdict.ok) {
      sum.passed++
      assert.deepEqual(now.slice(0, size - first), lines.slice(0, size - first), `with a checkpoint: ${where}`)
      for (const [line, text] of texts)
        if (seqIn(line) < size) assert.ok([text, null].includes(textOf(dir, line)), `another text: ${where}`)
    } else assert.ok(verdict.firstBad !== null, where)
    const alone = await verifyLedger(dir)
    if (alone.ok) sum.passedAlone++
    // Alone, an epoch whose key is gone can't be changed: but for a ledger that is another one from its first line on.
    if (alone.ok && alone.origin === board.origin && alone.vkeys.length > 1)
      assert.deepEqual(now.slice(0, oldSize - first), lines.slice(0, oldSize - first), `alone: ${where}`)
    const key = keys[round % keys.length]
    const byKey = await verifyLedger(dir, { trust: { keys: key === undefined ? [] : [key], checkpoints: [] } })
    if (byKey.ok) {
      sum.passedByKey++
      assert.ok(byKey.signedUpTo > 0, `nothing was signed: ${where}`)
      // The thief of the present key can't change an epoch whose key is gone, unless it is said that nobody vouches for it.
      const isThief = played.some(each => SIGNING.includes(each))
      const old = byKey.unvouched.length > 0 ? 0 : oldSize
      const proved = Math.min(byKey.signedUpTo, isThief ? old : Number.POSITIVE_INFINITY) - first
      const [found, wanted] = [now, lines].map(each => each.slice(0, Math.max(0, proved)))
      assert.deepEqual(found, wanted, `with a key: ${where}`)
    }
    await judge(verdict, now, where)
  }
  assert.ok(sum.passedByKey > 0, 'a key was given')
  assert.ok(sum.changed > rounds / 4 && sum.passed < rounds, 'the game was played')
  // Where docs/ledger.md says "no", he can win: without that the game would show nothing.
  assert.ok(sum.passedAlone > sum.passed, 'the present epoch can be rewritten by who has its key')
  return `${rounds} rounds, ${sum.changed} with other entries: ${sum.passed} passed with a checkpoint, ${sum.passedAlone} alone, ${sum.passedByKey} with a key; no attacker won`
}
