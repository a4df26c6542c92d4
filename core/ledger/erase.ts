import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { Draft, Entry } from '../entry.ts'
import { codeOf, Fault } from '../fault.ts'
import { disk } from './files.ts'
import type { Recorded } from './ledger.ts'
import { listEntries } from './list.ts'
import { readPlain } from './plain-file.ts'
import { commitment } from './prepare.ts'
import { readEntry, unknownEntry } from './read.ts'
import { rowOf, sideNames } from './side.ts'

/*
 * Life of an erasure
 *
 * 1. Where the text stands is written down, durably: `side/<seq>.erase`.
 * 2. `ledger.erased` says that it goes, durably. The entry itself stays, and so does the hash of the text that nobody has.
 * 3. The bytes are written over, durably, and what was written down is removed.
 *
 * A kill between is made good at the next start.
 */

export interface Erased {
  /** Seq of the entry that tells of it. */
  readonly seq: number
  readonly bytes: number
}

type Append = (draft: Draft) => Promise<Recorded | null>

interface Row {
  /** Name of the file in `side/`. */
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

interface Order {
  readonly seq: number
  /** What the entry committed to, hex. */
  readonly sha256: string
  readonly by: string
  readonly rows: readonly Row[]
}

/** Erases the text kept aside for an entry. Faults: `entry.unknown`, `entry.pruned`, `erase.nothing`, those of `append`. */
export async function eraseText(dir: string, seq: number, by: string, append: Append): Promise<Erased> {
  const found = await readEntry(dir, seq)
  if (found === null) throw unknownEntry(dir, seq)
  const sha256 = 'entry' in found ? committed(found.entry) : null
  if (sha256 === null)
    throw new Fault('erase.nothing', `entry #${seq} has no text kept aside`, {
      hint: 'what stands in the chain itself can never be erased, only pruned with all that is older',
    })
  const rows = await rowsOf(dir, seq, sha256)
  if (rows.length === 0) throw new Fault('erase.nothing', `the text kept aside for entry #${seq} is not there any more`)
  const order: Order = { seq, sha256, by, rows }
  await disk.replace(orderPath(dir, seq), `${JSON.stringify(order)}\n`, { sync: true })
  const told = await tell(order, append).catch(async (error: unknown) => {
    // Refused is refused: it is not to happen later either.
    await disk.remove(orderPath(dir, seq))
    throw error
  })
  await carryOut(dir, order)
  return { seq: told.seq, bytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) }
}

const MOST_ERASED = 10_000
const MOST_ORDER_BYTES = 16 * 1024 * 1024

/** Carries out what a kill interrupted. */
export async function finishErasures(dir: string, append: Append): Promise<void> {
  const orders = sideNames(dir, /^\d+\.erase$/).flatMap(name => orderIn(join(dir, 'side', name)) ?? [])
  if (orders.length === 0) return
  const { rows } = await listEntries(dir, { kinds: ['ledger.erased'] }, { limit: MOST_ERASED })
  for (const order of orders) {
    const isTold = rows.some(({ entry }) => entry.data.seq === order.seq && entry.data.sha256 === order.sha256)
    if (!isTold) await tell(order, append)
    await carryOut(dir, order)
  }
}

async function tell({ seq, sha256, by }: Order, append: Append): Promise<Recorded> {
  const told = await append({ kind: 'ledger.erased', actor: by, data: { seq, sha256 } })
  if (told === null) throw new Fault('ledger.degraded', 'the erasure could not be recorded', { retry: 5000 })
  return told
}

async function carryOut(dir: string, order: Order): Promise<void> {
  for (const { file, offset, bytes } of order.rows) await blank(join(dir, 'side', file), offset, bytes)
  await disk.remove(orderPath(dir, order.seq))
  await disk.syncFolder(join(dir, 'side'))
}

/** In place: whoever writes on at the end of the file is not disturbed. Lines without anything in them mean nothing. */
async function blank(path: string, offset: number, bytes: number): Promise<void> {
  let fd: number
  try {
    fd = await disk.open(path, 'r+', 0o600)
  } catch (error) {
    // It was pruned meanwhile.
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  try {
    await disk.write(fd, Buffer.alloc(bytes, '\n'), offset)
    await disk.fdatasync(fd)
  } finally {
    await disk.close(fd)
  }
}

function committed({ data: { tail } }: Entry): string | null {
  if (typeof tail !== 'object' || tail === null || !('sha256' in tail)) return null
  return typeof tail.sha256 === 'string' ? tail.sha256 : null
}

/** Every row with this text: an entry that was written again left one behind, perhaps under another seq, or half of it. */
async function rowsOf(dir: string, seq: number, sha256: string): Promise<Row[]> {
  let salt: string | null = null
  const files = sideNames(dir, /^\d{12}\.jsonl$/)
  for (const file of files) {
    for await (const { text } of linesIn(join(dir, 'side', file))) {
      const row = text.startsWith(`{"seq":${seq},`) ? rowOf(text) : null
      if (row !== null && commitment(row).sha256 === sha256) salt = row.salt
    }
    if (salt !== null) break
  }
  if (salt === null) return []
  const rows: Row[] = []
  for (const file of files)
    for await (const { text, offset, bytes } of linesIn(join(dir, 'side', file)))
      if (text.includes(`"salt":"${salt}"`)) rows.push({ file, offset, bytes })
  return rows
}

interface SideLine {
  readonly text: string
  readonly offset: number
  readonly bytes: number
}

const CHUNK_BYTES = 262_144

/** The lines of a file, the last one too where it has no end, and where they stand. */
async function* linesIn(path: string): AsyncGenerator<SideLine> {
  const handle = await open(path, 'r')
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
    let rest: Buffer[] = []
    let start = 0
    for (let at = 0; ; ) {
      const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, at)
      let from = 0
      for (let to = chunk.indexOf(10); to >= 0 && to < bytesRead; to = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...rest, chunk.subarray(from, to)])
        rest = []
        yield { text: line.toString('utf8'), offset: start, bytes: line.length }
        from = to + 1
        start = at + from
      }
      if (bytesRead === 0) break
      rest.push(Buffer.from(chunk.subarray(from, bytesRead)))
      at += bytesRead
    }
    const line = Buffer.concat(rest)
    if (line.length > 0) yield { text: line.toString('utf8'), offset: start, bytes: line.length }
  } finally {
    await handle.close()
  }
}

function orderPath(dir: string, seq: number): string {
  return join(dir, 'side', `${seq}.erase`)
}

/** Null when it can't be read: it was written by `replace`, so it is whole or somebody changed it. */
function orderIn(path: string): Order | null {
  try {
    const { seq, sha256, by, rows } = JSON.parse(readPlain(path, MOST_ORDER_BYTES)) as Order
    const isWhole =
      Number.isSafeInteger(seq) && typeof sha256 === 'string' && typeof by === 'string' && rows.every(isRow)
    return isWhole ? { seq, sha256, by, rows } : null
  } catch {
    return null
  }
}

function isRow({ file, offset, bytes }: Row): boolean {
  return /^\d{12}\.jsonl$/.test(file) && isPlace(offset) && isPlace(bytes)
}

function isPlace(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
