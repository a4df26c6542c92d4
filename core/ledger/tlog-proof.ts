import type { Entry } from '../entry.ts'
import { openCheckpoint, type SignedCheckpoint } from './checkpoint.ts'
import { checkLine } from './line.ts'
import { strictBase64, type VerifierKey } from './note.ts'
import { type Digest, fromBase64, leafHash, toBase64 } from './tree/hash.ts'
import { verifyInclusion } from './tree/proof.ts'

/*
 * A full receipt: everything needed to prove, far from the ledger and with nothing but a public key, that an entry is
 * in it. It is a C2SP tlog-proof (https://c2sp.org/tlog-proof), whose `extra` holds the entry's line:
 *
 *   c2sp.org/tlog-proof@v1
 *   extra <base64 of the line>
 *   index <seq>
 *   <base64 hash, from the leaf's sibling up>
 *   …
 *   (an empty line)
 *   <checkpoint, a signed note>
 */

/** Its first line. */
export const FULL_RECEIPT = 'c2sp.org/tlog-proof@v1'

/** Longest full receipt that is read, characters. */
export const MAX_PROOF_CHARS = 131_072
const MAX_HASHES = 64

export interface FullReceipt {
  /** The entry's line without its LF. */
  readonly line: string
  readonly index: number
  readonly proof: readonly Digest[]
  /** The signed note. */
  readonly checkpoint: string
}

export function fullReceiptText({ line, index, proof, checkpoint }: FullReceipt): string {
  const head = [FULL_RECEIPT, `extra ${Buffer.from(line).toString('base64')}`, `index ${index}`, ...proof.map(toBase64)]
  return `${head.join('\n')}\n\n${checkpoint}`
}

export function looksLikeFullReceipt(text: string): boolean {
  return text.trimStart().startsWith(FULL_RECEIPT)
}

/** Reads a full receipt, checking nothing but its form; a text says why it is none. */
export function parseFullReceipt(text: string): FullReceipt | string {
  if (text.length > MAX_PROOF_CHARS) return `it is longer than ${MAX_PROOF_CHARS} characters`
  const at = text.indexOf('\n\n')
  if (at < 0) return 'it has no checkpoint'
  const [first, extra = '', index = '', ...hashes] = text.slice(0, at).split('\n')
  if (first !== FULL_RECEIPT) return `its first line is not ${FULL_RECEIPT}`
  const base64 = /^extra ([A-Za-z0-9+/]+={0,2})$/.exec(extra)?.[1]
  if (base64 === undefined) return 'it does not hold the entry (no line "extra")'
  const place = /^index (0|[1-9]\d{0,15})$/.exec(index)?.[1]
  if (place === undefined) return 'it does not say which entry it is for (no line "index")'
  if (hashes.length > MAX_HASHES) return 'it has more hashes than any tree'
  const proof = hashes.map(fromBase64)
  if (!proof.every(each => each !== null)) return 'one of its hashes is none'
  const line = strictBase64(base64)?.toString('utf8')
  if (line === undefined) return 'the entry in it is not written in the one way that there is'
  return { line, index: Number(place), proof, checkpoint: text.slice(at + 2) }
}

export type Proved =
  | { readonly ok: true; readonly entry: Entry; readonly checkpoint: SignedCheckpoint }
  | { readonly ok: false; readonly why: string }

/**
 * Whether the entry in a full receipt is in the log of one of `keys`. The line is believed only because its leaf, as
 * computed here, leads to the root that was signed.
 */
export function proveFullReceipt(receipt: FullReceipt, keys: readonly VerifierKey[]): Proved {
  const opened = openCheckpoint(receipt.checkpoint, keys)
  if (!opened.ok) return { ok: false, why: `its checkpoint can't be believed: ${opened.why}` }
  const { size, root } = opened.checkpoint
  const { index, line, proof } = receipt
  if (!verifyInclusion({ leaf: leafHash(line), index, size, proof, root }))
    return { ok: false, why: `the proof does not lead from this entry to the root that was signed` }
  const checked = checkLine(line)
  if (!checked.ok) return { ok: false, why: `the entry is damaged: ${checked.why}` }
  if (checked.entry.seq !== index) return { ok: false, why: `the entry is #${checked.entry.seq}, not #${index}` }
  return { ok: true, entry: checked.entry, checkpoint: opened.checkpoint }
}
