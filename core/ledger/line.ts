import { hash } from 'node:crypto'
import type { Data, Entry } from '../entry.ts'

/**
 * The bytes of one line. The writer's bytes are the truth: readers check them and never write them again.
 *
 *   {"v":1,"seq":41,"prev":"<64 hex>","ts":"…","mono":1,"boot":"<8 hex>","kind":"…",…,"data":{…},"h":"<64 hex>"}
 *
 * `h` is the SHA-256 of everything before `,"h":"`; `prev` is the `h` of the line before.
 */
export const ZEROS = '0'.repeat(64)

/** Longest line, its LF included. */
export const MAX_LINE_BYTES = 16_384

/** `,"h":"` + 64 hex + `"}`: what every line ends with, before its LF. */
export const SEAL_CHARS = 72

/** Where and when an entry is written. */
export interface Stamp {
  readonly seq: number
  readonly prev: string
  readonly ts: string
  /** Microseconds. */
  readonly mono: number
  readonly boot: string
}

/** What is hashed of a line, from its stamp and `middle`, the JSON text from `"kind"` to the end of `data`. */
export function bodyOf(stamp: Stamp, middle: string): string {
  return `{"v":1,"seq":${stamp.seq},"prev":"${stamp.prev}","ts":"${stamp.ts}","mono":${stamp.mono},"boot":"${stamp.boot}",${middle}`
}

/** Writes the line of `body` with its LF at `from`, where there must be room for it, and answers its hash and its end. */
export function writeLine(bytes: Buffer, from: number, body: string): { readonly h: string; readonly end: number } {
  const to = from + bytes.write(body, from)
  // No Buffer: one more of a line's bytes takes longer than to hash them.
  const h = hash('sha256', new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from), 'hex')
  return { h, end: to + bytes.write(`,"h":"${h}"}\n`, to, 'latin1') }
}

const UNSAFE = /[\u007f-\u009f\u2028\u2029]/
const UNSAFE_ALL = /[\u007f-\u009f\u2028\u2029]/g

/** JSON text in which no character can steer a terminal or be taken for a line break. */
export function safeJson(value: unknown): string {
  const text = JSON.stringify(value)
  if (!UNSAFE.test(text)) return text
  return text.replace(UNSAFE_ALL, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

export type Checked = { readonly ok: true; readonly entry: Entry } | { readonly ok: false; readonly why: string }

// Sticky and spelled out, so that a line with other keys, another order or a key twice is no entry.
const HEADER =
  /\{"v":1,"seq":(0|[1-9]\d{0,15}),"prev":"([0-9a-f]{64})","ts":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)","mono":(0|[1-9]\d{0,15}),"boot":"([0-9a-f]{8})","kind":"([a-z][a-z-]*(?:\.[a-z][a-z-]*)*)"(?:,"svc":"([^"\\]{1,64})")?(?:,"inc":"([^"\\]{1,96})")?(?:,"actor":"([^"\\]{1,128})")?,"data":/y
const SEAL = ',"h":"'

/** Why a line, without its LF, is not what was written; null: it ends with its own hash. Its form is not looked at. */
export function brokenSeal(line: string): string | null {
  const at = line.length - SEAL_CHARS
  const isSealed = line.startsWith(SEAL, at) && line.endsWith('"}')
  const h = line.slice(at + SEAL.length, -2)
  if (isSealed && hash('sha256', line.slice(0, Math.max(0, at)), 'hex') === h) return null
  return isSealed && /^[0-9a-f]{64}$/.test(h)
    ? 'the hash does not match the line'
    : 'the line does not end with its hash'
}

/**
 * Reads one line, without its LF, and checks its form and its hash (not its place in the chain).
 * A line decoded from bytes that are not UTF-8 fails by its hash.
 */
export function checkLine(line: string): Checked {
  const why = brokenSeal(line)
  if (why !== null) return { ok: false, why }
  const at = line.length - SEAL_CHARS
  const body = line.slice(0, at)
  HEADER.lastIndex = 0
  const found = HEADER.exec(body)
  if (!found) return { ok: false, why: 'the keys are not those of an entry, in their order' }
  let data: unknown
  try {
    data = JSON.parse(body.slice(HEADER.lastIndex))
  } catch {
    return { ok: false, why: '"data" is not JSON' }
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    return { ok: false, why: '"data" is not an object' }
  const [, seq, prev = '', ts = '', mono, boot = '', kind = '', svc, inc, actor] = found
  // A reader meets kinds of later versions too; they are shown, not judged.
  const begun = { v: 1, seq: Number(seq), prev, ts, mono: Number(mono), boot, kind: kind as Entry['kind'] }
  const entry = begun as { -readonly [key in keyof Entry]: Entry[key] }
  // One by one, in the order of the line: this is done for each of millions.
  if (svc !== undefined) entry.svc = svc
  if (inc !== undefined) entry.inc = inc
  if (actor !== undefined) entry.actor = actor
  entry.data = data as Data
  entry.h = line.slice(at + SEAL.length, -2)
  return { ok: true, entry }
}
