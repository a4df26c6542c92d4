import { setImmediate } from 'node:timers/promises'
import { messageOf } from '../../fault.ts'
import { BLOCK, type Database, isFull, isWrong } from './database.ts'

/** Whether the index says what the entries say; `why`: the first thing that is otherwise, `seq` where (0: not known). */
export type IndexVerdict = { readonly ok: true } | { readonly ok: false; readonly seq: number; readonly why: string }

const INSTANCES = 'temp.instances'
const WORDS = ['by which word an entry is found', `SELECT doc AS seq, term FROM ${INSTANCES}`] as const
const OTHERS = [
  ['how far it goes', 'SELECT size AS seq, h FROM upto'],
  ['where an entry stands', 'SELECT seq, offset, bytes, ms FROM entries ORDER BY seq'],
  ['when entries were made', `SELECT block * ${BLOCK} AS seq, least_ms, most_ms FROM blocks ORDER BY block`],
] as const

/** Compares all that is in an index with one that was derived anew. Both are changed on the way: they have to be copies. */
export async function compareIndexes(kept: Database, fresh: Database, signal?: AbortSignal): Promise<IndexVerdict> {
  const broken = brokenIn(kept)
  if (broken !== null) return { ok: false, seq: 0, why: broken }
  for (const each of OTHERS) {
    const verdict = await compared(kept, fresh, each, signal)
    if (!verdict.ok) return verdict
  }
  const lost = await lostWord(kept, fresh, signal)
  if (lost !== null) return { ok: false, seq: 0, why: lost }
  // What they hold is seldom written in the same pieces; merged into one it mostly is, and that is much faster to compare.
  return haveSameWords(kept, fresh) ? { ok: true } : compared(kept, fresh, WORDS, signal)
}

function brokenIn(db: Database): string | null {
  try {
    db.exec("INSERT INTO words (words, rank) VALUES ('integrity-check', 0)")
    return db.prepare('PRAGMA integrity_check (1)').get()?.integrity_check === 'ok' ? null : 'its tables are broken'
  } catch (error) {
    if (isWrong(error) && !isFull(error)) return `its words are broken: ${messageOf(error)}`
    throw error
  }
}

/**
 * Each word has to be there, and to be found: the pieces that hold the words may all be there, and what a search goes by
 * (which of them count, and where in them a word stands) lead to less.
 */
async function lostWord(kept: Database, fresh: Database, signal?: AbortSignal): Promise<string | null> {
  const [ours, theirs] = [wordsIn(kept), wordsIn(fresh)]
  const search = kept.prepare('SELECT count(*) AS count FROM words WHERE words MATCH ?')
  for (let row = 1; ; row++) {
    if (row % LOOK_EVERY === 0) {
      await setImmediate()
      signal?.throwIfAborted()
    }
    const [one, other] = [ours.next(), theirs.next()]
    if (one.done && other.done) return null
    if (one.done || other.done || !isSame(one.value, other.value)) return 'its words are not those of the entries'
    const { term, doc } = one.value
    const { count } = search.get(`"${String(term).replaceAll('"', '""')}"`) ?? {}
    if (count !== doc) return `a search for a word in it finds ${String(count)} of ${String(doc)} entries`
  }
}

/** Each word, and how many entries it stands in. */
function wordsIn(db: Database) {
  db.exec("CREATE VIRTUAL TABLE temp.terms USING fts5vocab ('main', 'words', 'row')")
  return db.prepare('SELECT term, doc FROM temp.terms').iterate()
}

/** Below stand counts and the order of the pieces, which differ. */
const FIRST_PIECE = 100

function haveSameWords(kept: Database, fresh: Database): boolean {
  for (const db of [kept, fresh]) db.exec("INSERT INTO words (words, rank) VALUES ('merge', -2000000000)")
  const sql = `SELECT block FROM words_data WHERE id > ${FIRST_PIECE} ORDER BY id`
  const [ours, theirs] = [kept.prepare(sql).iterate(), fresh.prepare(sql).iterate()]
  for (;;) {
    const [one, other] = [ours.next(), theirs.next()]
    if (one.done || other.done) return one.done === other.done
    if (Buffer.compare(one.value.block as Uint8Array, other.value.block as Uint8Array) !== 0) return false
  }
}

const LOOK_EVERY = 10_000

async function compared(
  kept: Database,
  fresh: Database,
  [what, sql]: readonly [string, string],
  signal?: AbortSignal,
): Promise<IndexVerdict> {
  const [ours, theirs] = [rowsOf(kept, sql), rowsOf(fresh, sql)]
  for (let row = 1; ; row += 1) {
    if (row % LOOK_EVERY === 0) {
      await setImmediate()
      signal?.throwIfAborted()
    }
    const [one, other] = [ours.next(), theirs.next()]
    if (one.done && other.done) return { ok: true }
    if (!one.done && !other.done && isSame(one.value, other.value)) continue
    const seq = Number(earlier(one.done ? null : one.value, other.done ? null : other.value)?.seq)
    return { ok: false, seq, why: `it is wrong about ${what} (entry #${seq})` }
  }
}

interface IndexRow {
  readonly seq?: unknown
  readonly term?: unknown
}

/** The row that the other side does not have: the rows are in order on both. */
function earlier(one: IndexRow | null, other: IndexRow | null): IndexRow | null {
  if (one === null || other === null) return one ?? other
  if (one.term !== other.term) return String(one.term) < String(other.term) ? one : other
  return Number(one.seq) < Number(other.seq) ? one : other
}

function rowsOf(db: Database, sql: string) {
  if (sql.includes(INSTANCES))
    db.exec(`CREATE VIRTUAL TABLE ${INSTANCES} USING fts5vocab ('main', 'words', 'instance')`)
  return db.prepare(sql).iterate()
}

function isSame(one: object, other: object): boolean {
  const values = Object.values(other)
  return Object.values(one).every((value, at) => value === values[at])
}
