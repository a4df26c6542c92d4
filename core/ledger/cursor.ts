import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { countingSegments } from './base.ts'
import type { SegmentFile } from './files.ts'
import { MAX_LINE_BYTES } from './line.ts'
import { validBytesBefore } from './opening.ts'
import { isOfPrune, prunedMeanwhile } from './pruned-meanwhile.ts'

/** One line as it stands in the file, without its LF, and the place it claims. Not checked. */
export interface RawLine {
  readonly seq: number
  readonly text: string
  /** Where it stands in its segment, and how long it is, in bytes. */
  readonly offset: number
  readonly bytes: number
}

/** Reads the ledger's lines forward, from one seq on, keeping its place between calls. One caller at a time. */
export interface Cursor {
  /**
   * The next lines before `endSeq`, at most about 256 KiB of them; none when there are no more for now. Lines behind a
   * segment's valid size are void and never given.
   */
  next(endSeq: number): Promise<readonly RawLine[]>
  close(): Promise<void>
}

export interface CursorOptions {
  /** What was pruned is not passed over: then `next` rejects with a Fault (`ledger.pruned`). */
  readonly isWhole?: boolean
  /** Reads at once, which takes a third of the time for a single line and holds the event loop: for who does nothing else. */
  readonly isAtOnce?: boolean
}

/** As much of a `FileHandle` as is needed here. */
interface Handle {
  readonly fd: number
  read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }> | { readonly bytesRead: number }
  close(): Promise<void> | void
}

interface OpenFile {
  readonly name: string
  readonly handle: Handle
  offset: number
  /** Bytes behind it are void; told by the segment `next`. */
  validBytes: number
  next: string | undefined
}

const CHUNK_BYTES = 262_144
const PROBE_BYTES = 32_768
const USUAL_LINE_BYTES = 360
const LF = 10

export function openCursor(
  dir: string,
  fromSeq: number,
  { isWhole = false, isAtOnce = false }: CursorOptions = {},
): Cursor {
  let at = fromSeq
  let file: OpenFile | null = null
  let buffer = Buffer.alloc(0)

  async function close(): Promise<void> {
    const handle = file?.handle
    file = null
    await handle?.close()
  }

  /** Turns to the segment that holds `at`; answers where that segment's lines become void. */
  async function turn(): Promise<number | null> {
    for (;;) {
      const files = countingSegments(dir)
      const first = files[0]?.first ?? 0
      if (isWhole && first > at) throw prunedMeanwhile()
      try {
        return await turnIn(files)
      } catch (error) {
        if (!isOfPrune(error, dir, first)) throw error
      }
    }
  }

  async function turnIn(files: readonly SegmentFile[]): Promise<number | null> {
    const index = Math.max(
      0,
      files.findLastIndex(each => each.first <= at),
    )
    const wanted = files[index]
    if (wanted === undefined) return null
    at = Math.max(at, wanted.first)
    const next = files[index + 1]
    if (file?.name !== wanted.name) {
      await close()
      file = await openAt(wanted, { seq: at, next, isAtOnce })
    } else if (file.next !== next?.name) {
      // It was the last one when it was opened.
      file.validBytes = validBytesBefore(next)
      file.next = next?.name
    }
    // What a failed write left behind the valid size claims places that the next segment took.
    return next?.first ?? Number.POSITIVE_INFINITY
  }

  async function read(limit: number): Promise<RawLine[]> {
    const lines: RawLine[] = []
    // For a few lines not more than they can have.
    const most = Math.min(CHUNK_BYTES, PROBE_BYTES + (limit - at) * MAX_LINE_BYTES)
    if (buffer.length < most) buffer = Buffer.allocUnsafe(most)
    while (file !== null && at < limit) {
      const want = Math.min(most, file.validBytes - file.offset)
      if (want <= 0) break
      const { bytesRead } = await file.handle.read(buffer, 0, want, file.offset)
      let from = 0
      for (
        let to = indexOfLf(buffer, from, bytesRead);
        to >= 0 && at < limit;
        to = indexOfLf(buffer, from, bytesRead)
      ) {
        const text = buffer.toString('utf8', from, to)
        // A line whose place can't be read stands where it stands.
        const seq = seqOf(text) ?? at
        if (seq >= limit) {
          file.offset += from
          return lines
        }
        const place = { offset: file.offset + from, bytes: to - from }
        from = to + 1
        if (seq < at) continue
        lines.push({ seq, text, ...place })
        at = seq + 1
      }
      // A piece without any line end is no line: it is passed over.
      if (from === 0 && bytesRead === want) from = bytesRead
      file.offset += from
      if (lines.length > 0 || from === 0) break
    }
    return lines
  }

  return {
    async next(endSeq) {
      // Each turn moves on by a segment or ends.
      for (;;) {
        if (at >= endSeq) return []
        const voidFrom = await turn()
        if (voidFrom === null) return []
        const lines = await read(Math.min(endSeq, voidFrom))
        if (lines.length > 0 || endSeq <= voidFrom) return lines
        if (voidFrom === Number.POSITIVE_INFINITY) return []
        at = voidFrom
      }
    },
    close,
  }
}

async function openAt(
  { name, path, first }: SegmentFile,
  { seq, next, isAtOnce }: { readonly seq: number; readonly next: SegmentFile | undefined; readonly isAtOnce: boolean },
): Promise<OpenFile> {
  const handle: Handle = isAtOnce ? atOnce(openSync(path, 'r')) : await open(path, 'r')
  const validBytes = validBytesBefore(next)
  const entries = next === undefined ? null : next.first - first
  const offset = seq === first ? 0 : await offsetBefore(handle, { seq, first, entries, validBytes })
  return { name, handle, offset, validBytes, next: next?.name }
}

function atOnce(fd: number): Handle {
  return {
    fd,
    read: (buffer, offset, length, position) => ({ bytesRead: readSync(fd, buffer, offset, length, position) }),
    close: () => closeSync(fd),
  }
}

/** What is known of a segment in which a place is looked for; `entries` null: who knows. */
interface Search {
  readonly seq: number
  readonly first: number
  readonly entries: number | null
  readonly validBytes: number
}

/**
 * An offset at a line start, at or a little before the line of `seq`. Places only grow: where it would be if all lines were as
 * long as those so far is looked at in turns with the middle.
 */
async function offsetBefore(handle: Handle, { seq, first, entries, validBytes }: Search): Promise<number> {
  const probe = Buffer.allocUnsafe(PROBE_BYTES)
  let high = Math.min(fstatSync(handle.fd).size, validBytes)
  let low = { offset: 0, seq: first }
  let lineBytes = entries === null ? USUAL_LINE_BYTES : high / entries
  for (let isGuess = true; high - low.offset > PROBE_BYTES; isGuess = !isGuess) {
    const guess = low.offset + (seq - low.seq) * lineBytes - PROBE_BYTES / 2
    const middle = Math.floor(isGuess ? Math.max(low.offset, Math.min(guess, high)) : (low.offset + high) / 2)
    const { bytesRead } = await handle.read(probe, 0, Math.min(PROBE_BYTES, Math.max(0, validBytes - middle)), middle)
    const { at, after } = placeIn(probe, bytesRead, seq)
    if (at === null) high = middle
    else {
      low = { offset: middle + at.offset, seq: at.seq }
      if (after !== null) high = middle + after
      if (low.seq > first) lineBytes = low.offset / (low.seq - first)
    }
  }
  return low.offset
}

/** The last line that begins in `probe` with a place of at most `seq`, and the offset of the one after it. */
function placeIn(
  probe: Buffer,
  bytes: number,
  seq: number,
): { readonly at: { readonly offset: number; readonly seq: number } | null; readonly after: number | null } {
  let at: { offset: number; seq: number } | null = null
  for (let lf = indexOfLf(probe, 0, bytes); lf >= 0; lf = indexOfLf(probe, lf + 1, bytes)) {
    const offset = lf + 1
    const place = seqOf(probe.toString('latin1', offset, Math.min(bytes, offset + 64)))
    if (place === null) continue
    if (place > seq) return { at, after: offset }
    at = { offset, seq: place }
  }
  return { at, after: null }
}

function indexOfLf(buffer: Buffer, from: number, end: number): number {
  const at = buffer.indexOf(LF, from)
  return at < end ? at : -1
}

/** The place a line claims. */
export function seqOf(line: string): number | null {
  const found = /^\{"v":1,"seq":(\d{1,16}),/.exec(line)
  return found === null ? null : Number(found[1])
}
