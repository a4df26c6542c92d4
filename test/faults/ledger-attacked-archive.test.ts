import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { codeOf } from '../../core/fault.ts'
import { archiveSegments } from '../../core/ledger/archive.ts'
import { originOf } from '../../core/ledger/epochs.ts'
import { type Sealed, sealedSegments } from '../../core/ledger/prune-plan.ts'
import { verifyLedger } from '../../core/ledger/verify.ts'
import { linesIn, seqIn, sign, writeLines } from '../core/ledger/forged.ts'
import { manySegments, nextSegment, reopened } from '../core/ledger/many-segments.ts'
import { entriesIn, exit, folder } from '../core/ledger/stand.ts'
import type { Random } from './attack-board.ts'
import { randomFrom } from './attack-game.ts'

/*
 * The game with the archive beside a ledger: an attacker who may write both, and has the present key, wins when heald says
 * that what a checkpoint covers is archived and something else is there, or when a copy into which the archive was put back
 * passes a verification with other entries than there were.
 */

const ROUNDS = Number(process.env.HEALD_SOAK_ARCHIVE_ATTACKS ?? 60)

interface Site {
  readonly dir: string
  readonly origin: string
  readonly lines: readonly string[]
  readonly sealed: readonly Sealed[]
  /** A checkpoint that was kept elsewhere covers all that is sealed. */
  readonly note: string
  /** Folder of the archive, one of another ledger, and the ledger after a prune. */
  readonly to: string
  readonly foreign: string
  readonly pruned: string
}

async function site(t: TestContext): Promise<Site> {
  const dir = await manySegments(t, 2)
  const ledger = await reopened(t, dir, { fsync: true })
  const { note } = await ledger.checkpoint()
  await nextSegment(t, ledger)
  await ledger.append(exit(2))
  await ledger.close(2000)
  const [base, sealed, lines] = [folder(t), sealedSegments(dir), linesIn(dir)]
  const [to, foreign, pruned] = [join(base, 'archive'), join(base, 'foreign'), join(base, 'pruned')]
  const { sha256 } = await archiveSegments(to, sealed)
  await archiveSegments(foreign, sealedSegments(await manySegments(t, 2)))
  cpSync(dir, pruned, { recursive: true })
  const pruning = await reopened(t, pruned)
  await pruning.prune({ upTo: sealed.at(-1)?.end ?? -1, archive: { sha256, folder: to }, by: 'local:admin' })
  await pruning.close(2000)
  return { dir, origin: originOf(entriesIn(dir)[0] ?? assert.fail()), lines, sealed, note, to, foreign, pruned }
}

type Move = (to: string, random: Random, site: Site) => void

const packed = (to: string): string[] => readdirSync(to).filter(name => name.endsWith('.zst'))

/** Changes a file of the archive; nothing where there is none. */
const onFile =
  (change: (path: string, random: Random, site: Site) => void): Move =>
  (to, random, where) => {
    const names = packed(to)
    if (names.length > 0) change(join(to, names[random(names.length)] ?? ''), random, where)
  }

/** Changes what is in a file of the archive. */
const onText = (change: (text: string, random: Random) => string): Move =>
  onFile((path, random) => {
    try {
      writeFileSync(path, zstdCompressSync(change(zstdDecompressSync(readFileSync(path)).toString(), random)))
    } catch {
      // His own changes have made it useless.
    }
  })

const MOVES: Readonly<Record<string, Move>> = {
  'change a line': onText(text => text.replace('"oom":false', '"oom":true')),
  'change a line, and its length stays': onText(text => text.replace('SIGKILL', 'SIGTERM')),
  'change a line, and go on with the chain': onText((text, random) => rechained(text, 1 + random(20))),
  'cut its end': onText((text, random) => text.slice(0, random(text.length))),
  'write on': onText(text => text + text.slice(0, 1000)),
  'flip a bit': onFile((path, random) => {
    const bytes = readFileSync(path)
    const at = random(bytes.length)
    if (bytes.length > 0) writeFileSync(path, bytes.with(at, (bytes[at] ?? 0) ^ (1 << random(8))))
  }),
  'cut the file': onFile((path, random) => truncateSync(path, random(readFileSync(path).length + 1))),
  'write behind the file': onFile(path => writeFileSync(path, zstdCompressSync(Buffer.from('{}\n')), { flag: 'a' })),
  'put nonsense there': onFile(path => writeFileSync(path, Buffer.alloc(1_048_576, 'A'))),
  'put another of the archive there': onFile((path, random, { to }) => {
    const others = packed(to).filter(name => name !== basename(path))
    if (others.length > 0) cpSync(join(to, others[random(others.length)] ?? ''), path)
  }),
  'put one of another ledger there': (to, random, { foreign }) => {
    const name = packed(foreign)[random(2)] ?? ''
    cpSync(join(foreign, name), join(to, name))
  },
  'put the archive of another ledger there': (to, _random, { foreign }) => cpSync(foreign, to, { recursive: true }),
  'remove a file': onFile(path => rmSync(path)),
  'make the list fit': to => {
    const text = packed(to).map(name => `${hash('sha256', readFileSync(join(to, name)), 'hex')}  ${name}\n`)
    for (const list of readdirSync(to).filter(each => each.endsWith('.sha256')))
      writeFileSync(join(to, list), text.join(''))
  },
  'remove the list': to => {
    for (const list of readdirSync(to).filter(each => each.endsWith('.sha256'))) rmSync(join(to, list))
  },
}

/** The text of a segment with one line changed, and all after it made to follow. */
function rechained(text: string, at: number): string {
  let prev: string | null = null
  const lines = text.split('\n').map((line, index) => {
    if (index < at || line === '') return line
    const body = line.slice(0, -72).replace('"oom":false', '"oom":true')
    const next: string = prev === null ? body : body.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`)
    prev = hash('sha256', next, 'hex')
    return `${next},"h":"${prev}"}`
  })
  return lines.join('\n')
}

/** As docs/ledger.md says; null: what is there can't be unpacked. */
function putBack({ pruned, to }: Site, copy: string): string | null {
  rmSync(copy, { recursive: true, force: true })
  cpSync(pruned, copy, { recursive: true })
  try {
    for (const name of packed(to))
      writeFileSync(join(copy, 'seg', name.slice(0, -4)), zstdDecompressSync(readFileSync(join(to, name))))
    return copy
  } catch {
    return null
  }
}

const KNOWN = ['archive.other', 'archive.broken', 'ledger.damaged']

test('an attacker who writes the archive can’t have it taken for what a checkpoint covers', async t => {
  const it = await site(t)
  const { to, sealed, lines } = it
  const seed = Number(process.env.HEALD_SEED ?? (ROUNDS > 1000 ? Date.now() % 1_000_000 : 1))
  const random = randomFrom(seed)
  const [whole, copy] = [`${to}.whole`, `${to}.copy`]
  cpSync(to, whole, { recursive: true })
  const names = Object.keys(MOVES)
  const trust = { keys: [], checkpoints: [{ name: 'kept', note: it.note }] }
  const sum = { archived: 0, refused: 0, passed: 0, restored: 0, pruned: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    rmSync(to, { recursive: true })
    cpSync(whole, to, { recursive: true })
    const played: string[] = []
    // Each alone, then some together; and nothing at all.
    const count = round <= names.length ? Math.min(1, names.length - round) : 1 + random(3)
    for (let n = 0; n < count; n++) {
      const name = names[round < names.length ? round : random(names.length)] ?? ''
      played.push(name)
      MOVES[name]?.(to, random, it)
    }
    const where = `round ${round} of seed ${seed}: ${played.join(', ')}`
    const restored = putBack(it, copy)
    const verdict = restored === null ? null : await verifyLedger(restored, { trust })
    if (verdict?.ok) {
      sum.passed += 1
      const found = linesIn(copy, verdict.prunedUpTo).slice(0, lines.length - verdict.prunedUpTo)
      assert.deepEqual(found, lines.slice(verdict.prunedUpTo), `put back: ${where}`)
      if (verdict.prunedUpTo === 0) sum.restored += 1
      else sum.pruned += 1
    }
    try {
      const made = await archiveSegments(to, sealed)
      sum.archived += 1
      assert.equal(made.segments, sealed.length, where)
      for (const { file, validBytes } of sealed) {
        const is = zstdDecompressSync(readFileSync(join(to, `${file.name}.jsonl.zst`)))
        assert.ok(is.equals(readFileSync(file.path).subarray(0, validBytes)), `told to be archived: ${where}`)
      }
    } catch (error) {
      assert.ok(KNOWN.includes(codeOf(error)), `${where}: ${error}`)
      sum.refused += 1
    }
  }
  t.diagnostic(
    `${ROUNDS} rounds: ${sum.archived} archived, ${sum.refused} refused; put back, ${sum.passed} verified (${sum.restored} from the first entry on); no attacker won`,
  )
  assert.ok(sum.archived > 0 && sum.refused > ROUNDS / 4, 'the game was played')
  assert.ok(sum.restored > 0 && sum.passed < ROUNDS / 2)
})

test('an entry that lies of the segment before makes no archive of another one', async t => {
  const { dir, origin, lines, sealed, note, to } = await site(t)
  const segment = sealed.at(-1) ?? assert.fail()
  const path = join(to, `${segment.file.name}.jsonl.zst`)
  const forged = zstdDecompressSync(readFileSync(path)).toString().replaceAll('SIGKILL', 'SIGTERM')
  writeFileSync(path, zstdCompressSync(forged))
  const lie = hash('sha256', forged, 'hex')
  const lied = lines.map(line => (seqIn(line) === segment.end ? line.replace(segment.sha256, lie) : line))
  writeLines(dir, lied, 'chain')
  for (const name of ['head', 'tree']) rmSync(join(dir, name), { recursive: true, force: true })
  await sign(dir, origin, false, segment.end)
  const trust = { keys: [], checkpoints: [{ name: 'kept', note }] }
  assert.deepEqual((await verifyLedger(dir, { trust })).firstBad, null, 'he may say so from now on')
  const { file } = sealedSegments(dir).at(-1) ?? assert.fail()
  for (const left of readdirSync(to)) if (left.endsWith('.sha256')) rmSync(join(to, left))
  await assert.rejects(archiveSegments(to, sealedSegments(dir)), { code: 'ledger.damaged' })
  assert.ok(existsSync(file.path))
  mkdirSync(`${to}.empty`)
  await assert.rejects(archiveSegments(`${to}.empty`, sealedSegments(dir)), { code: 'ledger.damaged' })
})
