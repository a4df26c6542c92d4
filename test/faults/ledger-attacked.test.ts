import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { originOf } from '../../core/ledger/epochs.ts'
import { ZEROS } from '../../core/ledger/line.ts'
import { listEntries } from '../../core/ledger/list.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { nextSegment } from '../core/ledger/many-segments.ts'
import { entriesIn, exit, folder, optionsFor } from '../core/ledger/stand.ts'
import { type Board, boardOf } from './attack-board.ts'
import { commander, commandsOf } from './attack-commands.ts'
import { play } from './attack-game.ts'
import { MOVES } from './attack-lines.ts'
import { SEARCH_CONTROLS, SEARCH_MOVES, searchesOf, withIndex } from './attack-search.ts'

const ROUNDS = Number(process.env.HEALD_SOAK_ATTACKS ?? 150)

async function board(t: TestContext): Promise<Board> {
  const dir = join(folder(t), 'ledger')
  const ledger = await openLedger(optionsFor(dir, { fsync: true }))
  await ledger.settled()
  for (let n = 1; n <= 20; n++) await ledger.append({ ...exit(n), tail: `last words ${n}` })
  const order = commander(ledger, { h: ZEROS })
  await order(3)
  const { note: older } = await ledger.checkpoint()
  const { seq } = await ledger.rotateKey('local:admin')
  for (let n = 21; n <= 30; n++) await ledger.append(exit(n))
  await order(3)
  // What is in one segment alone is searched without an index.
  await nextSegment(t, ledger)
  for (let n = 31; n <= 40; n++) await ledger.append(exit(n))
  const { note, size } = await ledger.checkpoint()
  for (let n = 41; n <= 44; n++) await ledger.append(exit(n))
  await ledger.close(2000)
  await withIndex(dir)
  const origin = originOf(entriesIn(dir)[0] ?? assert.fail())
  return boardOf(dir, { origin, note, size, older, oldSize: seq + 1, gone: [] })
}

test('the attack game', async t => {
  const it = await board(t)
  const [searches, commands] = [searchesOf(it), commandsOf(it)]
  const said = await play(it, {
    rounds: ROUNDS,
    moves: { ...MOVES, ...SEARCH_MOVES },
    controls: SEARCH_CONTROLS,
    // What a query shows was checked line by line: each is a whole entry, and none is shown twice.
    async judge(verdict, now, where) {
      await searches.judge(verdict, where)
      await commands.judge(where)
      const { rows } = await listEntries(it.dir, {}, { limit: 1000 })
      // What was found damaged may tell of an entry in two files.
      if (!verdict.ok) return
      assert.ok(rows.length <= now.length, where)
      const listed = rows.map(({ line }) => line).reverse()
      assert.deepEqual(listed.slice(0, it.size), it.lines.slice(0, it.size), where)
    },
  })
  t.diagnostic(`${said}; ${searches.said()}; ${commands.said()}`)
  assert.ok(commands.sum.whole > ROUNDS / 8 && commands.sum.refused > ROUNDS / 8)
})
