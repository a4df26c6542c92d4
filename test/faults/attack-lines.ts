import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { signCheckpoint } from '../../core/ledger/checkpoint.ts'
import { keyStore } from '../../core/ledger/keys.ts'
import { treeOfSegments } from '../../core/ledger/tree/reader.ts'
import { type Fit, linesIn, seqIn, sign, writeLines } from '../core/ledger/forged.ts'
import { type Board, ifItCan, type Move, type Random, setUp } from './attack-board.ts'
import { FILE_MOVES } from './attack-files.ts'

/*
 * Moves with lines, and with what speaks for them: hashes, roots, checkpoints.
 */

/** Moves that sign with the stolen key: the others anybody can play who may write the files. */
export const SIGNING: readonly string[] = [
  'rewrite an epoch as somebody who knows how',
  'change what is pruned then',
  'prune as heald does, and sign it',
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
    const { lines, oldSize } = board
    const first = seqIn(lines[0] ?? '')
    const isOld = random(2) > 0
    const at = isOld ? random(oldSize - first) : oldSize - first + random(first + lines.length - oldSize)
    await ifItCan(() => rewrite(board, first + at, isOld))
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

/** Changes an entry, makes all that follows fit, and signs it with the stolen key. */
export async function rewrite({ dir, lines, origin }: Board, seq: number, isAll: boolean): Promise<void> {
  const at = seq - seqIn(lines[0] ?? '')
  writeLines(dir, lines.with(at, (lines[at] ?? '').replace(/"pid":\d+/, '"pid":4711')), 'all')
  await sign(dir, origin, isAll, seq)
}
