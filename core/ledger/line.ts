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

/** Builds what is hashed of a line from its stamp and `middle`, the JSON text from `"kind"` to the end of `data`. */
export function buildLine(stamp: Stamp, middle: string): Pick<Line, 'body' | 'h'> {
  const body = `{"v":1,"seq":${stamp.seq},"prev":"${stamp.prev}","ts":"${stamp.ts}","mono":${stamp.mono},"boot":"${stamp.boot}",${middle}`
  return { body, h: hash('sha256', body, 'hex') }
}

/** A line that was built. */
export interface Line {
  readonly seq: number
  /** What `h` is the hash of. */
  readonly body: string
  readonly h: string
}

/** The whole line, with its LF. */
export function lineText({ body, h }: Pick<Line, 'body' | 'h'>): string {
  return `${body},"h":"${h}"}\n`
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
const SEAL = /^,"h":"([0-9a-f]{64})"\}$/

/**
 * Reads one line, without its LF, and checks its form and its hash (not its place in the chain).
 * A line decoded from bytes that are not UTF-8 fails by its hash.
 */
export function checkLine(line: string): Checked {
  const body = line.slice(0, -SEAL_CHARS)
  const seal = SEAL.exec(line.slice(-SEAL_CHARS))
  if (!seal) return { ok: false, why: 'the line does not end with its hash' }
  const h = seal[1] ?? ''
  if (hash('sha256', body, 'hex') !== h) return { ok: false, why: 'the hash does not match the line' }
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
  const entry = {
    v: 1 as const,
    seq: Number(seq),
    prev,
    ts,
    mono: Number(mono),
    boot,
    // A reader meets kinds of later versions too; they are shown, not judged.
    kind: kind as Entry['kind'],
    ...(svc === undefined ? {} : { svc }),
    ...(inc === undefined ? {} : { inc }),
    ...(actor === undefined ? {} : { actor }),
    data: data as Data,
    h,
  }
  return { ok: true, entry }
}
