import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Filter, matcher } from '../../core/ledger/filter.ts'
import { catchUp } from '../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase } from '../../core/ledger/index/database.ts'
import { queryLedger } from '../../core/ledger/index/query.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import { checkLine } from '../../core/ledger/line.ts'
import { listEntries } from '../../core/ledger/list.ts'
import type { Verdict } from '../../core/ledger/verify.ts'
import { segmentNames } from '../core/ledger/forged.ts'
import type { Board, Move } from './attack-board.ts'
import type { Control } from './attack-game.ts'

/** The search index in the attack game: what the attacker may do to it, and what a search may never show. */

/** Makes the index of a closed ledger. It has to be of several segments: a shorter one is searched without. */
export async function withIndex(dir: string): Promise<void> {
  const db = await openDatabase(indexPath(dir))
  await catchUp(db, dir)
  db.close()
}

const SQL = [
  'DELETE FROM entries WHERE seq % 7 = ?',
  'UPDATE entries SET offset = 0 WHERE seq % 7 = ?',
  'UPDATE entries SET bytes = bytes + 1 WHERE seq % 7 = ?',
  'UPDATE entries SET ms = ms - 86400000 WHERE seq % 7 = ?',
  'UPDATE entries SET ms = NULL WHERE seq % 7 = ?',
  'UPDATE entries SET seq = seq + 1000000 WHERE seq % 7 = ?',
  'UPDATE upto SET size = size - 10 * ?',
  'UPDATE upto SET size = size + 10 * ?',
  'UPDATE blocks SET most_ms = ?',
  "INSERT INTO words (rowid, tokens) SELECT max(seq) - ?, 'innocent' FROM entries",
  'DELETE FROM words_idx WHERE pgno > ?',
]

/** Nothing of the ledger itself is changed then, so only the verification of the index tells. */
const FORGED = {
  'hide entries from searches': 'DELETE FROM entries WHERE seq % 7 = ?',
  'make searches find other entries': "INSERT INTO words (rowid, tokens) SELECT max(seq) - ?, 'innocent' FROM entries",
}

export const SEARCH_CONTROLS: readonly Control[] = Object.entries(FORGED).map(([name, sql]) => ({
  name,
  async play({ dir }, random) {
    const db = new DatabaseSync(indexPath(dir))
    db.prepare(sql).run(random(7))
    db.close()
  },
  ...{ alone: true, kept: true },
}))

export const SEARCH_MOVES: Readonly<Record<string, Move>> = {
  'forge the index': ({ dir }, random) => {
    try {
      const db = new DatabaseSync(indexPath(dir), { defensive: false })
      try {
        db.prepare(SQL[random(SQL.length)] ?? '').run(random(7))
      } finally {
        db.close()
      }
    } catch {
      // It is no database any more.
    }
  },
}

/** Also those that don't count. */
function allLines(dir: string): ReadonlySet<string> {
  const names = segmentNames(dir)
  return new Set(names.flatMap(name => readFileSync(join(dir, 'seg', name), 'utf8').split('\n')))
}

function fitsLine(filter: Filter, line: string): boolean {
  const checked = checkLine(line)
  return checked.ok && matcher(filter)(checked.entry)
}

const FILTERS: readonly Filter[] = [{ svc: 'api' }, { kinds: ['key.rotated'] }, { text: 'innocent' }]

export interface Searches {
  /** Asks by the index, whatever became of it; `where` names the round. */
  judge(verdict: Verdict, where: string): Promise<void>
  /** Entries that were found so far. */
  found(): number
  said(): string
}

export function searchesOf({ dir, gone, lines, size }: Board): Searches {
  const ever = [...gone, ...lines]
  const sum = { found: 0, sound: 0 }
  async function ask(filter: Filter, verdict: Verdict, isSound: boolean, where: string): Promise<void> {
    const there = allLines(dir)
    const from = verdict.prunedUpTo
    const { rows } = await queryLedger(dir, filter, { limit: 1000 })
    const shown = rows.map(({ line }) => line)
    sum.found += rows.length
    for (const { line, entry } of rows) {
      assert.ok(there.has(line), `a search shows what is not there: ${where}`)
      assert.ok(fitsLine(filter, line), `a search shows what was not asked for: ${where}`)
      if (verdict.ok && entry.seq < size) assert.equal(line, ever[entry.seq], where)
      if (verdict.ok) assert.ok(entry.seq >= from, `what was pruned is shown: ${where}`)
    }
    if (!verdict.ok) return
    assert.equal(new Set(shown).size, rows.length, `none is shown twice: ${where}`)
    // What the index hides, its verification finds.
    if (!isSound) return
    for (const line of ever.slice(from, size))
      if (fitsLine(filter, line)) assert.ok(shown.includes(line), `a search hides what is there: ${where}`)
    sum.sound += 1
    const all = await listEntries(dir, filter, { limit: 1000 })
    assert.deepEqual(
      shown,
      all.rows.map(({ line }) => line),
      where,
    )
  }
  return {
    async judge(verdict, where) {
      const sound = await verifyIndex(dir).catch(() => null)
      if (Object.keys(FORGED).some(name => where.endsWith(name)))
        assert.equal(sound?.ok, false, `the index tells of nothing: ${where}`)
      for (const filter of FILTERS) await ask(filter, verdict, sound?.ok === true, where)
    },
    found: () => sum.found,
    said() {
      assert.ok(sum.found > 0 && sum.sound > 0, 'searches found something, and were found sound')
      return `${sum.found} entries found, ${sum.sound} searches by an index that was found sound`
    },
  }
}
