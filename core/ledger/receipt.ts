/** What a receipt says: this entry, with a hash that begins like this. */
export interface Receipt {
  readonly seq: number
  /** The first 130 bits of `h`, as 26 base32 characters. */
  readonly code: string
}

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const CODE_CHARS = 26

/**
 * `#1042·` and 26 lowercase base32 characters (RFC 4648) of `h`: 130 bits, short enough for a chat's footer and far too
 * long to be met by chance or by force.
 */
export function receiptOf(seq: number, h: string): string {
  return `#${seq}·${codeOf(h)}`
}

/** Whether an entry is the one a receipt was given for. */
export function fitsReceipt(receipt: Receipt, entry: { readonly seq: number; readonly h: string }): boolean {
  return entry.seq === receipt.seq && codeOf(entry.h) === receipt.code
}

/** Reads a receipt as people paste it: any case, spaces around; null when it is none. */
export function parseReceipt(text: string): Receipt | null {
  const found = /^#?(\d{1,15})\s*[·.:]\s*([a-z2-7]{26})$/.exec(text.trim().toLowerCase())
  return found === null ? null : { seq: Number(found[1]), code: found[2] ?? '' }
}

/** The second half: what begins like one and was cut, or is longer than any. */
const RECEIPT = /(?<![\p{L}\p{N}])#?\d{1,15}\s*[·.:]\s*[a-z2-7]{26}(?![\p{L}\p{N}])|#\d+·\S+/giu

/** The receipts in a line of other text, also such as can't be read any more: nobody is to think that those were checked. */
export function receiptsIn(line: string): string[] {
  return line.match(RECEIPT) ?? []
}

function codeOf(h: string): string {
  const bits = BigInt(`0x${h}`) >> BigInt(256 - CODE_CHARS * 5)
  let code = ''
  for (let at = CODE_CHARS - 1; at >= 0; at--) code += ALPHABET[Number((bits >> BigInt(at * 5)) & 31n)]
  return code
}
