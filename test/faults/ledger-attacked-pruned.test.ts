import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { originOf } from '../../core/ledger/epochs.ts'
import { ZEROS } from '../../core/ledger/line.ts'
import { listEntries } from '../../core/ledger/list.ts'
import { sealedSegments } from '../../core/ledger/prune-plan.ts'
import { readEntry } from '../../core/ledger/read.ts'
import { linesIn, seqIn, strayLine } from '../core/ledger/forged.ts'
import { manySegments, nextSegment, reopened } from '../core/ledger/many-segments.ts'
import { entriesIn, exit } from '../core/ledger/stand.ts'
import { type Board, boardOf, type Move } from './attack-board.ts'
import { commander, commandsOf } from './attack-commands.ts'
import { play } from './attack-game.ts'
import { MOVES } from './attack-lines.ts'
import { PRUNE_CONTROLS, PRUNE_MOVES } from './attack-prunes.ts'
import { SEARCH_CONTROLS, SEARCH_MOVES, searchesOf, withIndex } from './attack-search.ts'

/*
 * The same game with a ledger of several segments, the oldest of them pruned, and a search index: he may forge what stands
 * for the pruned entries and what a search believes, too.
 */

const ROUNDS = Number(process.env.HEALD_SOAK_PRUNED_ATTACKS ?? 150)

async function board(t: TestContext): Promise<Board> {
  const dir = await manySegments(t, 3)
  const origin = originOf(entriesIn(dir)[0] ?? assert.fail())
  const ledger = await reopened(t, dir, { fsync: true })
  const upTo = sealedSegments(dir)[1]?.end ?? assert.fail()
  const gone = linesIn(dir).slice(0, upTo)
  await ledger.prune({ upTo, archive: null, by: 'local:admin' })
  const order = commander(ledger, { h: ZEROS })
  await order(3)
  const { note: older } = await ledger.checkpoint()
  const { seq } = await ledger.rotateKey('local:admin')
  for (let n = 1; n <= 20; n++) await ledger.append(exit(n))
  await order(3)
  await nextSegment(t, ledger)
  await order(3)
  const { note, size } = await ledger.checkpoint()
  for (let n = 21; n <= 24; n++) await ledger.append(exit(n))
  await ledger.close(2000)
  await withIndex(dir)
  return boardOf(dir, { origin, note, size, older, oldSize: seq + 1, gone })
}

type Base = { seq: number; h: string; nodes: string[]; kept: { line: string; proof: string[] }[] }

/** Changes what stands for pruned entries. */
const onBase =
  (change: (base: Base, random: (below: number) => number) => void): Move =>
  ({ dir }, random) => {
    try {
      const path = join(dir, 'base.json')
      const base = JSON.parse(readFileSync(path, 'utf8')) as Base
      change(base, random)
      writeFileSync(path, `${JSON.stringify(base)}\n`)
    } catch {
      // It is gone, or no JSON any more.
    }
  }

const MORE: Readonly<Record<string, Move>> = {
  'say that less was pruned, or more': onBase((base, random) => {
    base.seq += random(9) - 4
  }),
  'say another hash of what was pruned': onBase(base => {
    base.h = base.h.replace(/^./, digit => (digit === '0' ? '1' : '0'))
  }),
  'say other peaks of what was pruned': onBase((base, random) => {
    base.nodes[random(base.nodes.length)] = 'ab'.repeat(32)
  }),
  'change a line that outlived its segment': onBase((base, random) => {
    const kept = base.kept[random(base.kept.length)]
    if (kept !== undefined) kept.line = kept.line.replace(/"publicKey":"../, '"publicKey":"AA')
  }),
  'forget a line that outlived its segment': onBase((base, random) => {
    base.kept.splice(random(base.kept.length), 1)
  }),
  'remove a segment': ({ dir }, random) => {
    const names = existsSync(join(dir, 'seg')) ? readdirSync(join(dir, 'seg')) : []
    if (names.length > 1) rmSync(join(dir, 'seg', names[random(names.length)] ?? ''))
  },
  'put a line behind what counts of a segment': ({ dir }, random) => {
    const names = existsSync(join(dir, 'seg')) ? readdirSync(join(dir, 'seg')).sort() : []
    const name = names[random(names.length)]
    const lines = linesIn(dir)
    const line = lines[random(lines.length)]
    if (name !== undefined && line !== undefined) appendFileSync(join(dir, 'seg', name), `${strayLine(line)}\n`)
  },
  'put a segment there that is none': ({ dir }, random) => {
    const first = random(2) > 0 ? random(20) : random(400)
    const lines = linesIn(dir).slice(0, random(3) * 20)
    const text = lines.map((line, at) => strayLine(line.replace(/"seq":\d+/, `"seq":${first + at}`)))
    const name = `${String(first).padStart(12, '0')}.jsonl`
    mkdirSync(join(dir, 'seg'), { recursive: true })
    if (!existsSync(join(dir, 'seg', name)))
      writeFileSync(join(dir, 'seg', name), text.map(line => `${line}\n`).join(''))
    if (random(2) > 0) rmSync(join(dir, 'head'), { force: true })
  },
}

test('the attack game with what was pruned, and a search', async t => {
  const it = await board(t)
  const first = seqIn(it.lines[0] ?? '')
  const ever = [...it.gone, ...it.lines]
  assert.ok(
    first > 0 && it.oldSize - first > 50 && it.lines.length - it.size + first >= 4,
    'the board has all its parts',
  )
  const [searches, commands] = [searchesOf(it), commandsOf(it)]
  const said = await play(it, {
    rounds: ROUNDS,
    moves: { ...MOVES, ...MORE, ...PRUNE_MOVES, ...SEARCH_MOVES },
    controls: [...PRUNE_CONTROLS, ...SEARCH_CONTROLS],
    async judge(verdict, _now, where) {
      if (verdict.ok) {
        const from = verdict.prunedUpTo
        const { rows } = await listEntries(it.dir, {}, { limit: 1000 })
        const listed = rows.map(({ line }) => line).reverse()
        const vouched = ever.slice(from, it.size)
        assert.deepEqual(listed.slice(0, vouched.length), vouched, `listed: ${where}`)
        const seq = searches.found() % it.size
        assert.equal((await readEntry(it.dir, seq))?.line, seq < from ? undefined : ever[seq], `read: ${where}`)
      }
      await searches.judge(verdict, where)
      await commands.judge(where)
    },
  })
  t.diagnostic(`${said}; ${searches.said()}; ${commands.said()}`)
  assert.ok(commands.sum.begun > 0 && commands.sum.whole > ROUNDS / 8 && commands.sum.refused > ROUNDS / 8)
  assert.ok(searches.found() > ROUNDS)
})
