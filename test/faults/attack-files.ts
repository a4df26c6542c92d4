import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { bootId } from '../../core/clock.ts'
import { signCheckpoint } from '../../core/ledger/checkpoint.ts'
import { checkLine } from '../../core/ledger/line.ts'
import { treeOfSegments } from '../../core/ledger/tree/reader.ts'
import { linesIn, seqIn } from '../core/ledger/forged.ts'
import type { Board, Move, Random } from './attack-board.ts'

/*
 * Moves with the files themselves, whatever is in them: what else than a file may stand there, under which name, with which
 * length, and what is beside the entries.
 */

/** After these none follows in the round: to read what they leave may never end. */
export const LAST_MOVES: readonly string[] = [
  'put a pipe in the place of a file',
  'put a link in the place of a file',
  'put a folder in the place of a file',
  'put a file in the place of a folder',
]

/** Files that are there, as paths within the ledger's folder. */
function filesIn(dir: string, under = ''): string[] {
  if (!existsSync(join(dir, under))) return []
  const found = readdirSync(join(dir, under), { recursive: true, encoding: 'utf8' })
  return found.map(name => join(under, name)).filter(name => lstatSync(join(dir, name)).isFile())
}

function one<T>(all: readonly T[], random: Random): T | undefined {
  return all[random(all.length)]
}

/** Does nothing where there is no such file. */
const onFile =
  (change: (path: string, random: Random, board: Board) => void): Move =>
  (board, random) => {
    const name = one(filesIn(board.dir), random)
    if (name !== undefined) change(join(board.dir, name), random, board)
  }

/** Swaps what two files hold, of those whose name fits. */
const swap =
  (under: (name: string) => boolean): Move =>
  ({ dir }, random) => {
    const names = filesIn(dir).filter(under)
    const [a, b] = [one(names, random), one(names, random)]
    if (a === undefined || b === undefined) return
    const [first, second] = [readFileSync(join(dir, a)), readFileSync(join(dir, b))]
    writeFileSync(join(dir, a), second)
    writeFileSync(join(dir, b), first)
  }

/** The lines of a file of texts kept aside, changed. */
const onTexts =
  (change: (rows: string[], random: Random) => string[]): Move =>
  ({ dir }, random) => {
    const name = one(filesIn(dir, 'side'), random)
    if (name === undefined) return
    const rows = readFileSync(join(dir, name), 'utf8').split('\n').filter(Boolean)
    writeFileSync(join(dir, name), `${change(rows, random).join('\n')}\n`)
  }

const segmentAt = (first: number): string => `seg/${String(first).padStart(12, '0')}.jsonl`

export const FILE_MOVES: Readonly<Record<string, Move>> = {
  'put a pipe in the place of a file': onFile(path => {
    rmSync(path)
    execFileSync('mkfifo', [path])
  }),
  'put a link in the place of a file': onFile((path, random, { dir }) => {
    const elsewhere = `${dir}.elsewhere`
    cpSync(path, elsewhere)
    rmSync(path)
    symlinkSync(one([elsewhere, path, '/dev/zero', 'nowhere', '.'], random) ?? '', path)
  }),
  'put a folder in the place of a file': onFile(path => {
    rmSync(path)
    mkdirSync(path)
  }),
  'put a file in the place of a folder': ({ dir }, random) => {
    const path = join(dir, one(['cp', 'tree', 'side', 'keys', 'aside', 'seg'], random) ?? '')
    rmSync(path, { recursive: true, force: true })
    writeFileSync(path, 'x')
  },
  'make a hole in a file': onFile((path, random) => {
    const bytes = readFileSync(path)
    const from = random(Math.max(1, bytes.length))
    bytes.fill(0, from, Math.min(bytes.length, from + 1 + random(4096)))
    writeFileSync(path, bytes)
  }),
  'lengthen a file by nothing': onFile((path, random) =>
    truncateSync(path, lstatSync(path).size + 1 + random(100_000)),
  ),
  'cut a file anywhere': onFile((path, random) => truncateSync(path, random(lstatSync(path).size + 1))),
  'give a segment a second name': ({ dir }, random) => {
    const name = one(filesIn(dir, 'seg'), random)
    const to = join(dir, segmentAt(random(2) > 0 ? random(500) : 0))
    if (name !== undefined && !existsSync(to)) linkSync(join(dir, name), to)
  },
  'name a segment otherwise': ({ dir }, random) => {
    const name = one(filesIn(dir, 'seg'), random)
    if (name === undefined) return
    const first = Number(name.slice(4, 16))
    const others = [segmentAt(first + 1), segmentAt(Math.max(0, first - 1)), 'seg/0.jsonl', `${name}.zst`, `${name}~`]
    renameSync(join(dir, name), join(dir, one(others, random) ?? ''))
  },
  'append a segment to another': ({ dir }, random) => {
    const names = filesIn(dir, 'seg')
    const [from, to] = [one(names, random), one(names, random)]
    if (from !== undefined && to !== undefined)
      writeFileSync(join(dir, to), readFileSync(join(dir, from)), { flag: 'a' })
  },
  'swap two notes that are kept': swap(name => name === 'checkpoint' || name.startsWith('cp/')),
  'keep a note under another size': ({ dir }, random) => {
    const name = one([...filesIn(dir, 'cp'), 'checkpoint'], random) ?? ''
    const to = join(dir, 'cp', `${String(random(500)).padStart(12, '0')}.cp`)
    if (!existsSync(join(dir, name)) || existsSync(to)) return
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(dir, name), to)
  },
  'sign for another ledger, or with another key': async ({ dir, origin }, random) => {
    const lines = linesIn(dir)
    const size = 1 + random(Math.max(1, seqIn(lines.at(-1) ?? '') + 1))
    const { root } = await treeOfSegments(dir, size).catch(() => ({ root: null }))
    if (root === null) return
    const { privateKey } = generateKeyPairSync('ed25519')
    const whose = random(2) > 0 ? origin : origin.replace(/.$/, digit => (digit === '0' ? '1' : '0'))
    const note = signCheckpoint({ origin: whose, size, root }, privateKey)
    writeFileSync(join(dir, 'checkpoint'), note)
  },
  'swap two texts kept aside': onTexts((rows, random) => {
    const [a, b] = [random(rows.length), random(rows.length)]
    const seqOf = (row = ''): string => /^\{"seq":\d+/.exec(row)?.[0] ?? '{'
    const moved = (row = '', to = ''): string => row.replace(/^\{"seq":\d+/, seqOf(to))
    return rows.with(a, moved(rows[b], rows[a])).with(b, moved(rows[a], rows[b]))
  }),
  'put another text aside': onTexts((rows, random) => {
    const at = random(rows.length)
    const forged = (rows[at] ?? '').replace(/"text":".*"/, '"text":"innocent"')
    return random(2) > 0 ? rows.toSpliced(at, 0, forged) : rows.with(at, forged)
  }),
  'salt a text so that it takes in the beginning of another': onTexts((rows, random) => {
    const at = random(rows.length)
    const forged = (rows[at] ?? '').replace(/"salt":"([0-9a-f]*)","text":"(.)/, (_all, salt: string, first: string) => {
      return `"salt":"${salt}${Buffer.from(first).toString('hex')}","text":"`
    })
    return rows.toSpliced(at, 0, forged)
  }),
  'say that the mark is elsewhere': ({ dir }, random) => {
    const lines = linesIn(dir)
    const line = one(lines, random)
    const checked = checkLine(line ?? '')
    if (!checked.ok) return
    const { seq, h } = checked.entry
    const size = random(3) > 0 ? seq + 1 : seq + 1 + random(20)
    const seg = filesIn(dir, 'seg').sort()[0]?.slice(4, 16) ?? ''
    writeFileSync(join(dir, 'head'), `${JSON.stringify({ size, h, root: null, seg, off: random(9999) })}\n`)
  },
  'say that a writer runs': ({ dir }, random) => {
    const note = random(2) > 0 ? `${process.pid}\n` : `${process.pid}\n${bootId()}\n\n`
    writeFileSync(join(dir, 'lock.pid'), note)
  },
  'put a second key there': ({ dir }, random) => {
    mkdirSync(join(dir, 'keys'), { recursive: true })
    const own = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    const there = filesIn(dir, 'keys')[0]
    const pem = there !== undefined && random(2) > 0 ? readFileSync(join(dir, there)) : own
    writeFileSync(join(dir, 'keys', `${random(4)}.pem`), pem)
  },
}
