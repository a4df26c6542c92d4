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
  /** Bytes that were looked at: a writer may have added more since. */
  readonly seenBytes: number
  /** `prev` of the first line; null when there was no good line. */
  readonly firstPrev: string | null
  /** The first line that is not the next one of the chain. */
  readonly bad: { readonly seq: number; readonly line: number; readonly why: string } | null
}

/** What is wrong with a last line whose LF is missing. */
export const UNFINISHED = 'the line has no end'

const CHUNK_BYTES = 65_536
const HASH_CHARS = 64

/** Four characters as a DataView has them. To compare numbers takes a tenth of the time of comparing strings. */
const four = (chars: string): number => Buffer.from(chars, 'latin1').readInt32LE()
const [BEGIN_1, BEGIN_2, BEGIN_3, BEGIN_4] = [four('{"v"'), four(':1,"'), four('seq"'), ':'.charCodeAt(0)]
const [PREV_1, PREV_2, PREV_3] = [four(',"pr'), four('ev":'), '"'.charCodeAt(0)]
const PREV_END = Buffer.from('",').readInt16LE()
const [SEAL_1, SEAL_2] = [four(',"h"'), Buffer.from(':"').readInt16LE()]
const SEAL_END = Buffer.from('"}').readInt16LE()

/** Whether a line that is long enough has what each line has around its place and its hashes. */
function hasForm(view: DataView, from: number, prevAt: number, sealAt: number): boolean {
  return (
    view.getInt32(from, true) === BEGIN_1 &&
    view.getInt32(from + 4, true) === BEGIN_2 &&
    view.getInt32(from + 8, true) === BEGIN_3 &&
    view.getUint8(from + 12) === BEGIN_4 &&
    view.getInt32(prevAt - 9, true) === PREV_1 &&
    view.getInt32(prevAt - 5, true) === PREV_2 &&
    view.getUint8(prevAt - 1) === PREV_3 &&
    view.getInt16(prevAt + HASH_CHARS, true) === PREV_END &&
    view.getInt32(sealAt, true) === SEAL_1 &&
    view.getInt16(sealAt + 4, true) === SEAL_2 &&
    view.getInt16(sealAt + 6 + HASH_CHARS, true) === SEAL_END
  )
}

/** Whether what stands at `at` is the hash at `hashAt`: hex digits are the bytes of no NaN and of no zero. */
function isSameHash(view: DataView, hashAt: number, at: number): boolean {
  for (let n = 0; n < HASH_CHARS; n += 8)
    if (view.getFloat64(hashAt + n, true) !== view.getFloat64(at + n, true)) return false
  return true
}

/** The number that so many digits write; -1 where one of them is none. */
function numberAt(text: string, from: number, digits: number): number {
  let value = 0
  for (let at = from; at < from + digits; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/**
 * Follows the chain through a segment, line after line, until its end or its first bad line.
 * One hash a line and few comparisons: everything else would make a verification of millions of entries slow. So a line that
 * is no entry, and is in its place in the chain all the same, is left to those who read it.
 * `eachGood` is given the bytes that were found good, whole lines with their LF, in order; it may change them. `text` are
 * the same as latin1, and perhaps more behind them; `ends` are where the LFs stand.
 */
export function walkChain(
  fd: number,
  link: Link,
  validBytes: number,
  eachGood?: (bytes: Buffer, text: string, ends: readonly number[]) => void,
): Walk {
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES + MAX_LINE_BYTES)
  const view = new DataView(buffer.buffer)
  let { seq } = link
  let prev = link.prev
  let firstPrev: string | null = null
  let carried = 0
  let read = 0
  let goodBytes = 0
  let lines = 0
  let digits = String(seq).length
  let nextPower = 10 ** digits
  const ends: number[] = []
  const stop = (why: string): Walk => ({
    seq,
    h: prev,
    goodBytes,
    goodLines: lines,
    seenBytes: read,
    firstPrev,
    bad: { seq, line: lines + 1, why },
  })
  for (;;) {
    const want = Math.min(CHUNK_BYTES, validBytes - read)
    const got = want <= 0 ? 0 : readSync(fd, buffer, carried, want, read)
    if (got === 0) break
    read += got
    const end = carried + got
    const ascii = isAscii(buffer.subarray(0, end))
    const text = buffer.toString('latin1', 0, end)
    let from = 0
    // Where the hash of the line before stands, if that is in the buffer too.
    let hashAt = -1
    ends.length = 0
    for (;;) {
      const to = text.indexOf('\n', from)
      if (to < 0) break
      if (seq >= nextPower) {
        digits++
        nextPower *= 10
      }
      const prevAt = from + 22 + digits
      const sealAt = to - SEAL_CHARS
      const expected: string = prev ?? text.slice(prevAt, prevAt + HASH_CHARS)
      const isNext =
        sealAt >= prevAt + HASH_CHARS + 2 &&
        to - from < MAX_LINE_BYTES &&
        hasForm(view, from, prevAt, sealAt) &&
        numberAt(text, from + 13, digits) === seq &&
        (hashAt < 0 ? text.slice(prevAt, prevAt + HASH_CHARS) === expected : isSameHash(view, hashAt, prevAt)) &&
        (ascii || isUtf8(buffer.subarray(from, to)))
      const h = isNext ? hash('sha256', ascii ? text.slice(from, sealAt) : buffer.subarray(from, sealAt), 'hex') : ''
      hashAt = sealAt + 6
      if (!isNext || text.slice(hashAt, hashAt + HASH_CHARS) !== h) {
        if (from > 0) eachGood?.(buffer.subarray(0, from), text, ends)
        return stop(diagnose(buffer.toString('utf8', from, to), seq, expected))
      }
      firstPrev ??= expected
      prev = h
      seq++
      lines++
      goodBytes += to + 1 - from
      ends.push(to)
      from = to + 1
    }
    if (from > 0) eachGood?.(buffer.subarray(0, from), text, ends)
    carried = end - from
    if (carried >= MAX_LINE_BYTES) return stop(`the line is longer than ${MAX_LINE_BYTES} bytes`)
    buffer.copy(buffer, 0, from, end)
  }
  if (carried > 0) return stop(UNFINISHED)
  return { seq, h: prev, goodBytes, goodLines: lines, seenBytes: read, firstPrev, bad: null }
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
