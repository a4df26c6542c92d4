import { isAscii, isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { checkLine, MAX_LINE_BYTES, SEAL_CHARS } from './line.ts'

/** What the next line has to say to belong to the chain. `null`: the first line is believed (a worker joins later). */
export interface Link {
  readonly seq: number
  readonly prev: string | null
}

export interface Walk {
  /** The next seq and the `h` of the last good line. */
  readonly seq: number
  readonly h: string | null
  /** End of the last good line, bytes from the start of the file. */
  readonly goodBytes: number
  readonly goodLines: number
  /** `prev` of the first line; null when there was no good line. */
  readonly firstPrev: string | null
  /** The first line that is not the next one of the chain. */
  readonly bad: { readonly seq: number; readonly line: number; readonly why: string } | null
}

/** What is wrong with a last line whose LF is missing. */
export const UNFINISHED = 'the line has no end'

const CHUNK_BYTES = 65_536
const QUOTE = 34
const COMMA = 44
const BRACE = 125

function numberAt(text: string, from: number, digits: number): number {
  let value = 0
  for (let at = from; at < from + digits; at++) value = value * 10 + text.charCodeAt(at) - 48
  return value
}

/**
 * Follows the chain through a segment, line after line, until its end or its first bad line.
 * One hash a line and few comparisons: everything else would make a verification of millions of entries slow.
 * `eachGood` is given the bytes that were found good, whole lines with their LF, in order; it may change them. `text` are
 * the same as latin1, and perhaps more behind them.
 */
export function walkChain(
  fd: number,
  link: Link,
  validBytes: number,
  eachGood?: (bytes: Buffer, text: string) => void,
): Walk {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES + MAX_LINE_BYTES)
  let { seq } = link
  let prev = link.prev
  let firstPrev: string | null = null
  let carried = 0
  let read = 0
  let goodBytes = 0
  let lines = 0
  let digits = String(seq).length
  let nextPower = 10 ** digits
  const stop = (why: string): Walk => ({
    seq,
    h: prev,
    goodBytes,
    goodLines: lines,
    firstPrev,
    bad: { seq, line: lines + 1, why },
  })
  for (;;) {
    const want = Math.min(CHUNK_BYTES, validBytes - read)
    const got = want <= 0 ? 0 : readSync(fd, buffer, carried, want, read)
    if (got === 0) break
    read += got
    const end = carried + got
    const bytes = buffer.subarray(0, end)
    const ascii = isAscii(bytes)
    const text = buffer.toString('latin1', 0, end)
    let from = 0
    for (;;) {
      const to = text.indexOf('\n', from)
      if (to < 0) break
      if (seq >= nextPower) {
        digits++
        nextPower *= 10
      }
      const prevAt = from + 22 + digits
      const sealAt = to - SEAL_CHARS
      const expected: string = prev ?? text.slice(prevAt, prevAt + 64)
      const h =
        sealAt < prevAt ? '' : hash('sha256', ascii ? text.slice(from, sealAt) : buffer.subarray(from, sealAt), 'hex')
      // Slices and codes rather than startsWith or a pattern: a third of the time of a whole verification.
      if (
        text.slice(sealAt + 6, to - 2) !== h ||
        text.slice(prevAt, prevAt + 64) !== expected ||
        numberAt(text, from + 13, digits) !== seq ||
        text.slice(from, from + 13) !== '{"v":1,"seq":' ||
        text.slice(from + 13 + digits, prevAt) !== ',"prev":"' ||
        text.charCodeAt(prevAt + 64) !== QUOTE ||
        text.charCodeAt(prevAt + 65) !== COMMA ||
        text.slice(sealAt, sealAt + 6) !== ',"h":"' ||
        text.charCodeAt(to - 2) !== QUOTE ||
        text.charCodeAt(to - 1) !== BRACE ||
        to - from >= MAX_LINE_BYTES ||
        !(ascii || isUtf8(buffer.subarray(from, to)))
      ) {
        if (from > 0) eachGood?.(buffer.subarray(0, from), text)
        return stop(diagnose(buffer.toString('utf8', from, to), seq, expected))
      }
      firstPrev ??= expected
      prev = h
      seq++
      lines++
      goodBytes += to + 1 - from
      from = to + 1
    }
    if (from > 0) eachGood?.(buffer.subarray(0, from), text)
    carried = end - from
    if (carried >= MAX_LINE_BYTES) return stop(`the line is longer than ${MAX_LINE_BYTES} bytes`)
    buffer.copy(buffer, 0, from, end)
  }
  if (carried > 0) return stop(UNFINISHED)
  return { seq, h: prev, goodBytes, goodLines: lines, firstPrev, bad: null }
}

/** Why a line is not the next one, in words. The slow way: it runs once. */
function diagnose(line: string, seq: number, prev: string): string {
  const checked = checkLine(line)
  if (!checked.ok) return checked.why
  if (checked.entry.seq !== seq) return `it is entry ${checked.entry.seq} where entry ${seq} should be`
  if (checked.entry.prev !== prev) return 'its "prev" is not the hash of the line before'
  return 'the line is too long'
}

/** What every line begins with: looked at before a line is hashed, so that many beginnings of none cost little. */
const BEGIN = '{"v":1,"seq":'
const HEADER = /^\{"v":1,"seq":\d{1,16},"prev":"[0-9a-f]{64}","ts":"/
const HEADER_BYTES = 128

/**
 * The last line between `fromBytes` and `toBytes` that is whole in itself, wherever it belongs: what tells damage from a torn
 * write. Reads on in bounded pieces; a piece without a line end is skipped.
 */
export function lastWholeLine(
  fd: number,
  fromBytes: number,
  toBytes: number,
): { readonly seq: number; readonly h: string; readonly endBytes: number } | null {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES + MAX_LINE_BYTES)
  let at = fromBytes
  let carried = 0
  let last: { seq: number; h: string; endBytes: number } | null = null
  for (;;) {
    const want = Math.min(CHUNK_BYTES, toBytes - at)
    const got = want <= 0 ? 0 : readSync(fd, buffer, carried, want, at)
    if (got === 0) return last
    at += got
    const end = carried + got
    let from = 0
    for (;;) {
      const to = buffer.indexOf(10, from)
      if (to < 0 || to >= end) break
      // Bad bytes may have eaten a line's end: a whole line may start anywhere before its LF.
      const first = Math.max(from, to - MAX_LINE_BYTES + 1)
      for (let start = nextStart(buffer, first, to); start >= 0; start = nextStart(buffer, start + 1, to)) {
        if (!HEADER.test(buffer.toString('latin1', start, start + HEADER_BYTES))) continue
        const checked = checkLine(buffer.toString('utf8', start, to))
        if (!checked.ok) continue
        last = { seq: checked.entry.seq, h: checked.entry.h, endBytes: at - end + to + 1 }
        break
      }
      from = to + 1
    }
    carried = end - from
    if (carried >= MAX_LINE_BYTES) {
      from = end - MAX_LINE_BYTES + 1
      carried = end - from
    }
    buffer.copy(buffer, 0, from, end)
  }
}

function nextStart(buffer: Buffer, from: number, to: number): number {
  const at = buffer.indexOf(BEGIN, from)
  return at < 0 || at >= to ? -1 : at
}
