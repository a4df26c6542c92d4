import type { KeyObject } from 'node:crypto'
import { openNote, signNote, splitNote, type VerifierKey } from './note.ts'
import { type Digest, fromBase64, toBase64 } from './tree/hash.ts'

/** What a checkpoint says: the log `origin` had `size` entries, and this is the root over them. */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Digest
}

/** A checkpoint with the note it came in; whose signature it bears has been checked. */
export interface SignedCheckpoint extends Checkpoint {
  readonly note: string
  readonly signedBy: readonly VerifierKey[]
}

/** The text of a C2SP checkpoint (https://c2sp.org/tlog-checkpoint), without extension lines. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  if (origin === '' || origin.includes('\n')) throw new TypeError(`${JSON.stringify(origin)} can't be an origin`)
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/** Reads such a text; null when it is none. Extension lines of others are passed over. */
export function parseCheckpoint(text: string): Checkpoint | null {
  if (!text.endsWith('\n')) return null
  const [origin = '', size = '', base64 = '', ...more] = text.slice(0, -1).split('\n')
  const root = fromBase64(base64)
  if (origin === '' || root === null || !/^(0|[1-9]\d{0,15})$/.test(size) || more.includes('')) return null
  const count = Number(size)
  return Number.isSafeInteger(count) ? { origin, size: count, root } : null
}

/** Signs a checkpoint in the name of its own origin, with each of the keys. */
export function signCheckpoint(checkpoint: Checkpoint, ...privateKeys: readonly KeyObject[]): string {
  return signNote(checkpointText(checkpoint), checkpoint.origin, ...privateKeys)
}

/**
 * The checkpoint in a note, if one of `keys` has signed it and it is of that key's own log: a key says nothing about
 * logs of other names.
 */
export function openCheckpoint(
  note: string,
  keys: readonly VerifierKey[],
): { readonly ok: true; readonly checkpoint: SignedCheckpoint } | { readonly ok: false; readonly why: string } {
  const opened = openNote(note, keys)
  if (!opened.ok) return opened
  const read = parseCheckpoint(opened.text)
  if (read === null) return { ok: false, why: 'the text that was signed is no checkpoint' }
  const signedBy = opened.signedBy.filter(({ name }) => name === read.origin)
  if (signedBy.length === 0)
    return { ok: false, why: `it is of the log ${read.origin}, for which none of its signers speaks` }
  return { ok: true, checkpoint: { ...read, note, signedBy } }
}

/** What a note claims, believed by nobody yet; null when it is no checkpoint. */
export function claimOf(note: string): Checkpoint | null {
  const parts = splitNote(note)
  return 'why' in parts ? null : parseCheckpoint(parts.text)
}
