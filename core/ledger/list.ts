import { type FileHandle, open } from 'node:fs/promises'
import type { Entry } from '../entry.ts'
import { codeOf } from '../fault.ts'
import { countingSegments } from './base.ts'
import { seqOf } from './cursor.ts'
import type { SegmentFile } from './files.ts'
import { type Filter, matcher } from './filter.ts'
import { brokenSeal, checkLine, MAX_LINE_BYTES } from './line.ts'
import { validBytesBefore } from './opening.ts'
import { type BadLine, firstSeq } from './read.ts'

export interface Row {
  readonly line: string
  readonly entry: Entry
}

export interface Page {
  /** Newest first; each line was checked against its hash. */
  readonly rows: readonly Row[]
  /** Hand it in again for the next page; null when there is none. */
  readonly next: string | null
  /** Lines among those looked at that are no entries. */
  readonly bad: readonly BadLine[]
}

/** Of a search; all that is not given is not asked for. */
export interface PageOptions {
  readonly limit: number
  /** `next` of the page before. */
  readonly cursor?: string
  readonly signal?: AbortSignal
}

/** So many bad lines are named in a page. */
export const MAX_BAD = 100

/**
 * Finds entries, newest first. Reads the files from their end and holds one piece of 256 KiB at a time. What it passes over
 * on its way is checked against its hash too: a line that does not look like what is asked for may have been made so.
 */
export async function listEntries(dir: string, filter: Filter, { limit, cursor, signal }: PageOptions): Promise<Page> {
  const rows: Row[] = []
  const bad: BadLine[] = []
  /** Those behind the last row are the next page's. */
  let badOfRows = 0
  const last = Math.min(
    filter.toSeq ?? Number.POSITIVE_INFINITY,
    cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor) - 1,
  )
  const first = filter.fromSeq ?? 0
  const [mayFit, fits] = [lineMatcher(filter), matcher(filter)]
  for await (const { lines, voidFrom } of piecesBackward(dir, last)) {
    signal?.throwIfAborted()
    for (const line of lines) {
      const seq = seqOf(line)
      if (seq !== null && (seq > last || seq >= voidFrom)) continue
      if (seq !== null && seq < first) return { rows, next: null, bad }
      const isWanted = seq === null || mayFit(line)
      const checked = isWanted ? checkLine(line) : null
      const why = checked === null ? brokenSeal(line) : checked.ok ? null : checked.why
      if (why !== null && bad.length < MAX_BAD) bad.push({ seq: seq ?? -1, why })
      if (!checked?.ok || !fits(checked.entry)) continue
      if (rows.length === limit)
        return { rows, next: String(rows.at(-1)?.entry.seq ?? 0), bad: bad.slice(0, badOfRows) }
      rows.push({ line, entry: checked.entry })
      badOfRows = bad.length
    }
  }
  return { rows, next: null, bad }
}

/**
 * All entries of one kind, oldest first. What it passes over is not looked at, unlike by `listEntries`: a million entries take
 * a fraction of a second.
 */
export async function entriesOfKind(dir: string, kind: string): Promise<Entry[]> {
  const needle = `"kind":"${kind}"`
  const newestFirst: Entry[] = []
  for await (const { lines, voidFrom } of piecesBackward(dir, Number.POSITIVE_INFINITY, needle))
    for (const line of lines) {
      const checked = line.includes(needle) ? checkLine(line) : null
      if (checked?.ok && checked.entry.kind === kind && checked.entry.seq < voidFrom) newestFirst.push(checked.entry)
    }
  return newestFirst.reverse()
}

/** A cheap look that lets nothing through by mistake that the entry itself would have kept. */
function lineMatcher({ kinds, svc, inc, actor }: Filter): (line: string) => boolean {
  const needles = [
    ...(kinds?.length === 1 ? [`"kind":"${kinds[0]}`] : []),
    ...(svc === undefined ? [] : [`"svc":"${svc}"`]),
    ...(inc === undefined ? [] : [`"inc":"${inc}"`]),
    ...(actor === undefined ? [] : [`"actor":"${actor}"`]),
  ]
  return line => needles.every(needle => line.includes(needle))
}

interface Piece {
  /** The last one first. */
  readonly lines: Iterable<string>
  /** What claims this place or a later one is void. */
  readonly voidFrom: number
}

/**
 * All lines up to the place `lastSeq`, piece by piece, the last one first; where a prune overtakes it, up to what is left.
 * Void bytes behind a segment's valid size are left out, and pieces without `needle` too.
 */
async function* piecesBackward(dir: string, lastSeq: number, needle = ''): AsyncGenerator<Piece> {
  const files = countingSegments(dir)
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index]
    if (file === undefined || file.first > lastSeq) continue
    const next = files[index + 1]
    const opened = await openUnlessPruned(dir, file, next)
    if (opened === null) return
    try {
      const voidFrom = next?.first ?? Number.POSITIVE_INFINITY
      for await (const lines of fileBackward(opened.handle, opened.validBytes, needle)) yield { lines, voidFrom }
    } finally {
      await opened.handle.close()
    }
  }
}

interface Opened {
  readonly handle: FileHandle
  readonly validBytes: number
}

/** Null: it was pruned meanwhile, and with it all that is older. */
async function openUnlessPruned(dir: string, file: SegmentFile, next: SegmentFile | undefined): Promise<Opened | null> {
  let handle: FileHandle | null = null
  try {
    handle = await open(file.path, 'r')
    return { handle, validBytes: validBytesBefore(next) }
  } catch (error) {
    await handle?.close()
    if (codeOf(error) === 'ENOENT' && file.first < firstSeq(dir)) return null
    throw error
  }
}

/** Most pages are found in the first piece. */
const FIRST_BYTES = 32_768
const PIECE_BYTES = 262_144
const LF = 10

async function* fileBackward(handle: FileHandle, validBytes: number, needle: string): AsyncGenerator<Iterable<string>> {
  let rest: Buffer = Buffer.alloc(0)
  let isEnd = true
  let most = FIRST_BYTES
  for (let end = Math.min((await handle.stat()).size, validBytes); end > 0; most = PIECE_BYTES) {
    const start = Math.max(0, end - most)
    const buffer = Buffer.allocUnsafe(end - start + rest.length)
    const { bytesRead } = await handle.read(buffer, 0, end - start, start)
    rest.copy(buffer, bytesRead)
    const bytes = buffer.subarray(0, bytesRead + rest.length)
    end = start
    // What stands behind the last LF is still being written.
    const to: number = isEnd ? bytes.lastIndexOf(LF) : bytes.length
    isEnd &&= to < 0
    const from = bytes.indexOf(LF)
    const isWhole = from >= 0 && from < to
    if (isWhole && bytes.includes(needle)) yield linesIn(bytes, from, to)
    rest = isEnd ? Buffer.alloc(0) : beginningOf(bytes.subarray(0, isWhole ? from : to))
  }
  if (rest.length > 0) yield [rest.toString('utf8')]
}

const CUT = Buffer.from('…')

/** Of a line that is longer than any only its beginning is kept, with an end that no line has. */
function beginningOf(line: Buffer): Buffer {
  return line.length < MAX_LINE_BYTES ? line : Buffer.concat([line.subarray(0, MAX_LINE_BYTES), CUT])
}

/** Lines between two LF, the last one first. */
function* linesIn(bytes: Buffer, from: number, end: number): Generator<string> {
  for (let to = end; to > from; ) {
    const before = bytes.lastIndexOf(LF, to - 1)
    if (to > before + 1) yield bytes.toString('utf8', before + 1, to)
    to = before
  }
}
