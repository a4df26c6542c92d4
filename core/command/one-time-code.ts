import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { Fault } from '../fault.ts'

/*
 * One-time codes as authenticator apps make them: RFC 6238 with its defaults (SHA-1, 30 s, 6 digits), over RFC 4226. A code
 * is taken once: after it, nothing of its time step or before it is.
 */

export const STEP_MS = 30_000
const DIGITS = 6
/** Clocks of telephones differ; RFC 6238, section 5.2, allows one step. */
const WINDOW = 1
/** More wrong tries in a row lock an operator's codes, until somebody on the host unlocks them. */
export const MOST_WRONG = 5

/** The code of a counter: RFC 4226, section 5.3. */
export function codeOf(secret: Uint8Array, counter: number): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', secret).update(message).digest()
  const offset = (mac.at(-1) ?? 0) & 15
  const number = mac.readUInt32BE(offset) & 0x7fffffff
  return String(number % 10 ** DIGITS).padStart(DIGITS, '0')
}

/** The time step whose code this is, a little around now and after `usedStep`; null: it is none, or not any more. */
export function acceptedStep(secret: Uint8Array, code: string, nowMs: number, usedStep: number): number | null {
  if (!/^\d{6}$/.test(code)) return null
  const now = Math.floor(nowMs / STEP_MS)
  let found: number | null = null
  // All of them are compared, so that how long it takes says nothing.
  for (let step = now - WINDOW; step <= now + WINDOW; step += 1) {
    if (step < 0) continue
    const isRight = timingSafeEqual(Buffer.from(codeOf(secret, step)), Buffer.from(code))
    if (isRight && step > usedStep) found ??= step
  }
  return found
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** RFC 4226 asks for 128 bits at least, and recommends 160. */
const SECRET_BYTES = 20
const LEAST_BYTES = 10

export function newSecret(): string {
  return base32(randomBytes(SECRET_BYTES))
}

/** Of a file or variable: base32, in any case, with or without blanks. Throws a Fault that does not show it. */
export function secretFrom(text: string): Buffer {
  const plain = text.replaceAll(/[\s=-]/g, '').toUpperCase()
  const bits = [...plain].map(char => ALPHABET.indexOf(char))
  const bytes = Buffer.alloc(Math.floor((bits.length * 5) / 8))
  if (bits.includes(-1) || bytes.length < LEAST_BYTES)
    throw new Fault('totp.secret', 'the secret of the one-time codes is not base32 of at least 80 bits', {
      hint: 'remove its file and let "heald totp OPERATOR" make a new one',
    })
  let buffer = 0
  let held = 0
  let at = 0
  for (const five of bits) {
    buffer = ((buffer << 5) | five) & 0xfff
    held += 5
    if (held < 8) continue
    held -= 8
    bytes[at] = (buffer >> held) & 0xff
    at += 1
  }
  return bytes
}

function base32(bytes: Uint8Array): string {
  let text = ''
  let buffer = 0
  let held = 0
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff
    held += 8
    while (held >= 5) {
      held -= 5
      text += ALPHABET[(buffer >> held) & 31]
    }
  }
  return held === 0 ? text : text + ALPHABET[(buffer << (5 - held)) & 31]
}

/** What authenticator apps read from a QR code. */
export function provisioningUri(host: string, operator: string, secret: string): string {
  const plain = secret.replaceAll(/[\s=-]/g, '').toUpperCase()
  const label = encodeURIComponent(`heald ${host}:${operator}`)
  const query = `secret=${plain}&issuer=${encodeURIComponent(`heald ${host}`)}&algorithm=SHA1&digits=6&period=30`
  return `otpauth://totp/${label}?${query}`
}
