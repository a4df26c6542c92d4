import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'

/*
 * C2SP signed notes (https://c2sp.org/signed-note), Ed25519 only:
 *
 *   text, ending with a newline
 *   (an empty line)
 *   — <key name> <base64 of the key's 4-byte id and the signature>
 */

/** Whom a note is believed from. */
export interface VerifierKey {
  readonly name: string
  /** 8 hex characters; an identifier, no proof of anything. */
  readonly id: string
  readonly publicKey: KeyObject
}

export type Opened =
  | { readonly ok: true; readonly text: string; readonly signedBy: readonly VerifierKey[] }
  | { readonly ok: false; readonly why: string }

/** Longest note that is read, bytes, and the most signatures in it. */
export const MAX_NOTE_BYTES = 65_536
const MAX_SIGNATURES = 64

const ED25519 = 1
/** What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const CONTROLS = /[\u0000-\u0009\u000b-\u001f]/
const NAME = /^[^\s+\u0085]+$/u
const SIGNATURE = /^— ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/u

/** The key of this name over 32 raw bytes; null when the name can't be one or the bytes are no key. */
export function verifierKey(name: string, raw: Buffer): VerifierKey | null {
  if (!NAME.test(name) || CONTROLS.test(name) || raw.length !== 32) return null
  try {
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: 'der', type: 'spki' })
    return { name, id: keyId(name, raw), publicKey }
  } catch {
    return null
  }
}

function keyId(name: string, raw: Buffer): string {
  const whole = Buffer.concat([Buffer.from(`${name}\n`), Buffer.from([ED25519]), raw])
  return hash('sha256', whole, 'hex').slice(0, 8)
}

/** The 32 raw bytes of an Ed25519 key (its public half, if it is a private one). */
export function rawPublicKey(key: KeyObject): Buffer {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length)
}

/** A key as people keep it: `name+<8 hex>+<base64 of 0x01 and the 32 bytes>`. */
export function vkeyOf({ name, id, publicKey }: VerifierKey): string {
  return `${name}+${id}+${Buffer.concat([Buffer.from([ED25519]), rawPublicKey(publicKey)]).toString('base64')}`
}

/** Reads such a key; null when it is none, or not of Ed25519. */
export function parseVkey(text: string): VerifierKey | null {
  const found = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text.trim())
  const [, name = '', id = '', base64 = ''] = found ?? []
  const bytes = strictBase64(base64)
  if (bytes === null || bytes[0] !== ED25519) return null
  const key = verifierKey(name, bytes.subarray(1))
  return key !== null && key.id === id ? key : null
}

/** Signs `text`, which has to end with a newline, with each of the keys. `name` is the signer's. */
export function signNote(text: string, name: string, ...privateKeys: readonly KeyObject[]): string {
  if (!text.endsWith('\n') || CONTROLS.test(text)) throw new TypeError('a note has to end with a newline and be plain')
  const lines = privateKeys.map(privateKey => {
    const raw = rawPublicKey(privateKey)
    if (verifierKey(name, raw) === null) throw new TypeError(`${JSON.stringify(name)} can't be the name of a key`)
    const signature = Buffer.concat([Buffer.from(keyId(name, raw), 'hex'), sign(null, Buffer.from(text), privateKey)])
    return `— ${name} ${signature.toString('base64')}\n`
  })
  return `${text}\n${lines.join('')}`
}

/**
 * The text of a note, if one of `keys` at least has signed it. Signatures of others are ignored; a wrong one under the
 * name and id of a known key makes the whole note wrong. Never throws, whatever it is given.
 */
export function openNote(note: string, keys: readonly VerifierKey[]): Opened {
  const parts = splitNote(note)
  if ('why' in parts) return { ok: false, why: parts.why }
  const { text, lines } = parts
  const signedBy = new Set<VerifierKey>()
  for (const line of lines) {
    const [, name, base64 = ''] = SIGNATURE.exec(line) ?? []
    const bytes = strictBase64(base64)
    if (name === undefined || bytes === null || bytes.length < 5 || !NAME.test(name))
      return { ok: false, why: 'a line after the last empty one is no signature' }
    const id = bytes.subarray(0, 4).toString('hex')
    const key = keys.find(each => each.name === name && each.id === id)
    if (key === undefined || signedBy.has(key)) continue
    if (!verify(null, Buffer.from(text), key.publicKey, bytes.subarray(4)))
      return { ok: false, why: `the signature of ${name} (key ${id}) does not fit the text` }
    signedBy.add(key)
  }
  return signedBy.size > 0
    ? { ok: true, text, signedBy: [...signedBy] }
    : { ok: false, why: 'nobody who is trusted has signed it' }
}

/** A line of a signature, whole; of heald's own kind where `name` is its signer's. */
export function isSignatureLine(line: string, name: string): boolean {
  const [, signer, base64 = ''] = SIGNATURE.exec(line) ?? []
  const bytes = strictBase64(base64)
  return signer !== undefined && bytes !== null && (signer === name ? bytes.length === 68 : bytes.length >= 5)
}

/** Whose signatures a note bears by its own word, as `name+id`; nothing of it is checked. */
export function signersOf(note: string): string[] {
  const parts = splitNote(note)
  if ('why' in parts) return []
  return parts.lines.map(line => {
    const [, name = '', base64 = ''] = SIGNATURE.exec(line) ?? []
    return `${name}+${Buffer.from(base64, 'base64').subarray(0, 4).toString('hex')}`
  })
}

/** Text and signature lines, not checked; `why` when it is no note at all. */
export function splitNote(
  note: string,
): { readonly text: string; readonly lines: readonly string[] } | { readonly why: string } {
  if (note.length > MAX_NOTE_BYTES) return { why: `it is longer than ${MAX_NOTE_BYTES} characters` }
  if (CONTROLS.test(note) || !note.isWellFormed()) return { why: 'it holds characters that no note may hold' }
  if (!note.endsWith('\n')) return { why: 'its last line has no end' }
  // The text may hold empty lines itself: only the last one parts it from the signatures.
  const at = note.lastIndexOf('\n\n')
  if (at < 0) return { why: 'it has no empty line before signatures' }
  const lines = note.slice(at + 2, -1).split('\n')
  if (lines.length > MAX_SIGNATURES || lines[0] === '') return { why: 'it has no signatures, or too many' }
  return { text: note.slice(0, at + 1), lines }
}

/** Null unless it is the one standard base64 text of its bytes. */
export function strictBase64(text: string): Buffer | null {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : null
}
