import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { codeOf, Fault } from '../fault.ts'
import type { Checkpoint } from './checkpoint.ts'
import { openCursor } from './cursor.ts'
import { MAX_LINE_BYTES } from './line.ts'
import { isOfPrune } from './pruned-meanwhile.ts'
import { firstSeq } from './read.ts'
import { makeFolder, writingTo } from './target-folder.ts'
import { type Digest, leafHash, toHex } from './tree/hash.ts'
import { emptyRange, rangeBuilder, rootOf } from './tree/range.ts'
import { entriesPath, TILE_HEIGHT, TILE_WIDTH, tilePath } from './tree/tiles.ts'

export interface ExportOptions {
  /** Called with entries done and in all. */
  readonly onProgress?: (done: number, all: number) => void
  readonly signal?: AbortSignal
}

/**
 * Writes the entries that a checkpoint covers as a C2SP tlog-tiles log, for the tools of others: `checkpoint`, tiles of
 * hashes, bundles of entries. `checkpoint` comes last and only if the entries have its root, so what was killed half-way is
 * no log; of what failed, nothing is left. Faults: `export.folder` when `to` is not empty, `export.pruned`,
 * `ledger.damaged`, those of `writingTo`.
 */
export function exportTiles(
  dir: string,
  to: string,
  checkpoint: Checkpoint & { readonly note: string },
  options: ExportOptions = {},
): Promise<void> {
  return writingTo(to, async () => {
    mustBeEmpty(to)
    mustBeWhole(dir)
    try {
      await writeLog(dir, to, checkpoint, options)
    } catch (error) {
      // Else the next try would be refused, since the folder is not empty.
      for (const name of ['tile', UNFINISHED, 'checkpoint']) rmSync(join(to, name), { recursive: true, force: true })
      throw error
    }
  })
}

/** The checkpoint, until it is whole. */
const UNFINISHED = 'checkpoint.tmp'

async function writeLog(
  dir: string,
  to: string,
  { note, size, root }: Checkpoint & { readonly note: string },
  { onProgress, signal }: ExportOptions,
): Promise<void> {
  const rows: Digest[][] = []
  let entries: Buffer[] = []
  const builder = rangeBuilder(emptyRange(0), (level, index, digest) => {
    if (level % TILE_HEIGHT !== 0) return
    const tileLevel = level / TILE_HEIGHT
    while (rows.length <= tileLevel) rows.push([])
    const row = rows[tileLevel] ?? []
    row.push(digest)
    if (row.length === TILE_WIDTH) writeTile(tileLevel, Math.floor(index / TILE_WIDTH))
  })
  function writeTile(level: number, index: number): void {
    const row = rows[level] ?? []
    rows[level] = []
    write(to, tilePath(level, index, row.length), Buffer.from(row.join(''), 'latin1'))
  }
  function writeEntries(index: number): void {
    write(to, entriesPath(index, entries.length), Buffer.concat(entries.flatMap(line => [lengthOf(line), line])))
    entries = []
  }
  const cursor = openCursor(dir, 0, { isWhole: true })
  try {
    while (builder.end < size) {
      signal?.throwIfAborted()
      const lines = await cursor.next(size)
      for (const { seq, text } of lines) {
        if (seq !== builder.end) break
        const line = Buffer.from(text)
        if (line.length >= MAX_LINE_BYTES) throw damaged(`entry #${seq} is longer than ${MAX_LINE_BYTES} bytes`)
        builder.append(leafHash(text))
        entries.push(line)
        if (entries.length === TILE_WIDTH) writeEntries(Math.floor(seq / TILE_WIDTH))
      }
      if (lines.length === 0 || lines.at(-1)?.seq !== builder.end - 1)
        throw damaged(`entry #${builder.end} can't be read`)
      onProgress?.(builder.end, size)
    }
  } catch (error) {
    if (isOfPrune(error, dir, 0)) mustBeWhole(dir)
    throw error
  } finally {
    await cursor.close()
  }
  if (entries.length > 0) writeEntries(Math.floor(size / TILE_WIDTH))
  for (const [level, row] of rows.entries())
    if (row.length > 0) writeTile(level, Math.floor(size / TILE_WIDTH ** (level + 1)))
  const found = rootOf(builder.range())
  if (found !== root) throw damaged(`its entries have the root ${toHex(found)}, and ${toHex(root)} was signed`)
  write(to, UNFINISHED, Buffer.from(note))
  renameSync(join(to, UNFINISHED), join(to, 'checkpoint'))
}

function write(to: string, path: string, bytes: Buffer): void {
  const file = join(to, path)
  makeFolder(dirname(file))
  writeFileSync(file, bytes)
}

/** An entry has at most 16 KiB, so two bytes are enough. */
function lengthOf(line: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(line.length)
  return length
}

function mustBeEmpty(to: string): void {
  let names: string[]
  try {
    names = readdirSync(to)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  if (names.length === 0) return
  // What a kill left; somebody may have put a folder of that name there too.
  if (names.every(name => ['tile', UNFINISHED].includes(name)))
    throw new Fault(
      'export.folder',
      `${to} holds an export that was not finished: it has no checkpoint, so it is no log`,
      {
        hint: `remove it (rm -r ${to}), or name another folder`,
      },
    )
  throw new Fault('export.folder', `${to} is not empty`, { hint: 'name a folder that is empty or not there yet' })
}

/** A log of tlog-tiles begins with its first entry. */
function mustBeWhole(dir: string): void {
  const first = firstSeq(dir)
  if (first === 0) return
  throw new Fault(
    'export.pruned',
    `the entries before #${first} were pruned, and an export begins with the first one`,
    {
      hint: 'put the archive back into a copy of the ledger ("heald help ledger" says how), and export that',
    },
  )
}

function damaged(why: string): Fault {
  return new Fault('ledger.damaged', `the ledger is not the one that was signed: ${why}`, {
    hint: '"heald ledger verify" says more',
  })
}
