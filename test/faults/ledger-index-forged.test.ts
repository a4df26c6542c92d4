import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Filter } from '../../core/ledger/filter.ts'
import { catchUp } from '../../core/ledger/index/catch-up.ts'
import { indexPath, openDatabase, removeIndex } from '../../core/ledger/index/database.ts'
import { findEntries } from '../../core/ledger/index/find.ts'
import { verifyIndex } from '../../core/ledger/index/verify-index.ts'
import { listEntries } from '../../core/ledger/list.ts'
import { moveSeparator, pagesOf } from '../core/ledger/index-pages.ts'
import { mixed } from '../core/ledger/mixed-ledger.ts'
import { folder } from '../core/ledger/stand.ts'
import type { Random } from './attack-board.ts'
import { randomFrom } from './attack-game.ts'

/*
 * A game below SQL: an attacker changes the bytes of a search index, whose ledger is whole. He wins a round when
 * `verifyIndex` finds nothing and a search by that very file hides an entry.
 */

const ROUNDS = Number(process.env.HEALD_SOAK_INDEX_FORGERIES ?? 40)
const ENTRIES = 500
/** Small ones, so that a table of few entries has ways too that lead to pages of pages. */
const PAGE_BYTES = 512

const FILTERS: readonly Filter[] = [
  { kinds: ['incident'] },
  { svc: 'api' },
  { text: 'exit*' },
  { text: 'killed' },
  { sinceMs: Date.parse('2026-01-01T00:01:00.000Z') },
  { fromSeq: 100, toSeq: 400, svc: 'web.1' },
]

type Move = (path: string, random: Random) => void

const onBytes =
  (change: (bytes: Buffer, random: Random) => void): Move =>
  (path, random) => {
    const bytes = readFileSync(path)
    change(bytes, random)
    writeFileSync(path, bytes)
  }

const onPages = (change: (one: Buffer, other: Buffer) => void): Move =>
  onBytes((bytes, random) => {
    const page = () => {
      const from = random(bytes.length / PAGE_BYTES) * PAGE_BYTES
      return bytes.subarray(from, from + PAGE_BYTES)
    }
    change(page(), page())
  })

const onTables =
  (change: (db: DatabaseSync, random: Random) => void): Move =>
  (path, random) => {
    const db = new DatabaseSync(path, { defensive: false })
    try {
      change(db, random)
    } finally {
      db.close()
    }
  }

const separator =
  (table: string): Move =>
  (path, random) => {
    const pages = pagesOf(path, table)
    const one = pages.separators[random(pages.separators.length)]
    if (one !== undefined) moveSeparator(path, pages, one.at, Math.max(0, one.key + random(120) - 60))
  }

const MOVES: Readonly<Record<string, Move>> = {
  'move a separator of the entries': separator('entries'),
  'move a separator of the words': separator('words_data'),
  'flip a bit': onBytes((bytes, random) => {
    const at = random(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8))
  }),
  'swap two pages': onPages((one, other) => {
    const before = Buffer.from(one)
    other.copy(one)
    before.copy(other)
  }),
  'put a page in the place of another': onPages((one, other) => void one.copy(other)),
  'say that a page holds less': onPages(page => page.writeUInt16BE(page.readUInt16BE(3) >> 1, 3)),
  'say that there are other pieces of words': onTables((db, random) => {
    const { block } = db.prepare('SELECT block FROM words_data WHERE id = 10').get() ?? {}
    const pieces = Buffer.from(block as Uint8Array)
    const at = 4 + random(pieces.length - 4)
    pieces[at] = (pieces[at] ?? 0) + random(5) - 2
    db.prepare('UPDATE words_data SET block = ? WHERE id = 10').run(pieces)
  }),
  'cut the ways to words': onTables((db, random) => {
    db.prepare('DELETE FROM words_idx WHERE pgno >> 1 > ?').run(random(9))
  }),
  'cut the pieces of words': onTables((db, random) => {
    const { block } = db.prepare('SELECT block FROM words_data WHERE id = 10').get() ?? {}
    const pieces = Buffer.from(block as Uint8Array)
    const end = Math.max(1, (pieces.at(-1) ?? 0) - random(3))
    pieces[pieces.length - 1] = end
    db.prepare('UPDATE words_data SET block = ? WHERE id = 10').run(pieces)
    db.prepare('DELETE FROM words_idx WHERE pgno >> 1 > ?').run(end)
  }),
  'leave a change in the log beside it': (path, random) => {
    const [before, log] = [readFileSync(path), `${path}.log`]
    const db = new DatabaseSync(path, { defensive: false })
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
      db.prepare('DELETE FROM entries WHERE seq = ?').run(random(ENTRIES))
      copyFileSync(`${path}-wal`, log)
    } finally {
      db.close()
    }
    writeFileSync(path, before)
    copyFileSync(log, `${path}-wal`)
    rmSync(log)
  },
}

test('what a search index hides is found, whichever of its bytes were changed', async t => {
  const dir = join(folder(t), 'ledger')
  const path = indexPath(dir)
  await mixed(dir, ENTRIES)
  const db = await openDatabase(path)
  await catchUp(db, dir)
  db.exec("INSERT INTO words (words, rank) VALUES ('merge', -2000000000)")
  db.exec(`PRAGMA journal_mode = DELETE; PRAGMA page_size = ${PAGE_BYTES}; VACUUM`)
  db.close()
  const whole = readFileSync(path)
  const all = new Map<Filter, readonly string[]>()
  for (const filter of FILTERS) all.set(filter, linesIn(await listEntries(dir, filter, { limit: 10_000 })))
  const seed = Number(process.env.HEALD_SEED ?? (ROUNDS > 1000 ? Date.now() % 1_000_000 : 1))
  const random = randomFrom(seed)
  const names = Object.keys(MOVES)
  const sum = { wrong: 0, sound: 0, hides: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    removeIndex(path)
    writeFileSync(path, whole)
    const played: string[] = []
    for (let left = 1 + random(2); left > 0; left--) {
      const name = names[random(names.length)] ?? ''
      played.push(name)
      try {
        MOVES[name]?.(path, random)
      } catch {
        // It is no database any more.
      }
    }
    const where = `round ${round} of seed ${seed}: ${played.join(', ')}`
    const verdict = await verifyIndex(dir)
    const hides = await hiddenBy(dir, all)
    if (verdict?.ok === true) assert.equal(hides, null, `${where}: hides entries from ${hides}`)
    if (verdict?.ok === true) sum.sound++
    else if (verdict !== null) sum.wrong++
    if (hides !== null) sum.hides++
  }
  t.diagnostic(
    `${ROUNDS} rounds, ${sum.wrong} found wrong, ${sum.sound} found sound; ${sum.hides} would have hidden entries`,
  )
  assert.ok(sum.wrong > 0 && sum.sound > 0 && sum.hides > 0, 'the game was played')
})

/** The filter from which something is hidden that is there. Null: none, or the index is thrown away before it answers. */
async function hiddenBy(dir: string, all: ReadonlyMap<Filter, readonly string[]>): Promise<string | null> {
  try {
    const db = await openDatabase(indexPath(dir))
    try {
      // One that was made anew, or has to be, is none of the attacker's.
      await catchUp(db, dir)
      for (const [filter, lines] of all) {
        const found = linesIn(await findEntries(db, dir, filter, { limit: 10_000 }))
        if (found.join('\n') !== lines.join('\n')) return JSON.stringify(filter)
      }
      return null
    } finally {
      db.close()
    }
  } catch {
    return null
  }
}

function linesIn({ rows }: { readonly rows: readonly { readonly line: string }[] }): string[] {
  return rows.map(({ line }) => line)
}
