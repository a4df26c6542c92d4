import { type FileHandle, open } from 'node:fs/promises'
import type { Entry } from '../entry.ts'
import { codeOf } from '../fault.ts'
import { countingSegments } from './base.ts'
import { seqOf } from './cursor.ts'
import type { SegmentFile } from './files.ts'
import { type Filter, matcher } from './filter.ts'
import { checkLine } from './line.ts'
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

/** Finds entries, newest first. Reads the files from their end and holds one piece of 256 KiB at a time. */
export async function listEntries(dir: string, filter: Filter, { limit, cursor, signal }: PageOptions): Promise<Page> {
  const rows: Row[] = []
  const bad: BadLine[] = []
  const last = Math.min(
    filter.toSeq ?? Number.POSITIVE_INFINITY,
    cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor) - 1,
  )
  const first = filter.fromSeq ?? 0
  const [mayFit, fits] = [lineMatcher(filter), matcher(filter)]
  for await (const line of linesBackward(dir, last)) {
    signal?.throwIfAborted()
    const seq = seqOf(line)
    if (seq !== null && seq > last) continue
    if (seq !== null && seq < first) break
    if (seq !== null && !mayFit(line)) continue
    const checked = checkLine(line)
    if (!checked.ok) {
      if (bad.length < MAX_BAD) bad.push({ seq: seq ?? -1, why: checked.why })
      continue
    }
    if (!fits(checked.entry)) continue
    if (rows.length === limit) return { rows, next: String(rows.at(-1)?.entry.seq ?? 0), bad }
    rows.push({ line, entry: checked.entry })
  }
  return { rows, next: null, bad }
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

const CHUNK_BYTES = 262_144

/** All lines up to the place `lastSeq`, the last one first. Void bytes behind a segment's valid size are left out. */
async function* linesBackward(dir: string, lastSeq: number): AsyncGenerator<string> {
  const files = countingSegments(dir)
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index]
    if (file === undefined || file.first > lastSeq) continue
    const voidFrom = files[index + 1]?.first ?? Number.POSITIVE_INFINITY
    const handle = await openUnlessPruned(dir, file)
    if (handle === null) return
    try {
      const validBytes = validBytesBefore(files[index + 1])
      for await (const line of fileBackward(handle, validBytes)) if ((seqOf(line) ?? 0) < voidFrom) yield line
    } finally {
      await handle.close()
    }
  }
}

/** Null: it was pruned meanwhile, and with it all that is older. */
async function openUnlessPruned(dir: string, { path, first }: SegmentFile): Promise<FileHandle | null> {
  try {
    return await open(path, 'r')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' && first < firstSeq(dir)) return null
    throw error
  }
}

async function* fileBackward(handle: FileHandle, validBytes: number): AsyncGenerator<string> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
  let rest = Buffer.alloc(0)
  let isEnd = true
  for (let end = Math.min((await handle.stat()).size, validBytes); end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES)
    const { bytesRead } = await handle.read(chunk, 0, end - start, start)
    const bytes = Buffer.concat([chunk.subarray(0, bytesRead), rest])
    end = start
    let to = bytes.lastIndexOf(10)
    // What stands behind the last LF is still being written.
    if (!isEnd) to = bytes.length
    else isEnd = to < 0
    while (to > 0) {
      const from = bytes.lastIndexOf(10, to - 1)
      if (from < 0) break
      if (to > from + 1) yield bytes.toString('utf8', from + 1, to)
      to = from
    }
    rest = isEnd ? Buffer.alloc(0) : Buffer.from(bytes.subarray(0, Math.max(0, to)))
  }
  if (rest.length > 0) yield rest.toString('utf8')
}
