import { claimOf } from './checkpoint.ts'
import { receiptsIn } from './receipt.ts'
import { FULL_RECEIPT } from './tlog-proof.ts'

/** What the signatures of a note begin with. */
const SIGNATURE = '— '
/** Of the text of a checkpoint: three, and extensions of other programs. */
const MAX_TEXT_LINES = 100

/**
 * The receipts and checkpoints in a text as people keep and paste them: several in a row, with empty lines between them or
 * none, with the line ends of Windows, quoted with `> `, with other text around them. What is none of ours is handed on too,
 * a line each.
 *
 * Each is made of parts that an empty line ends:
 *
 *   a short receipt   anywhere in a line
 *   a checkpoint      its text · its signatures
 *   a full receipt    what begins with `c2sp.org/tlog-proof@v1` · its checkpoint's text · the signatures of that
 */
export function pastedIn(text: string): string[] {
  return piecesIn(text).map(piece => piece.text)
}

/** One of those, and the lines that it was made of, the first and the last one, from 1. */
export interface Piece {
  readonly text: string
  readonly from: number
  readonly to: number
}

/** The same, each with its place. */
export function piecesIn(text: string): Piece[] {
  const parts = partsOf(text)
  const pieces: Piece[] = []
  for (let at = 0; at < parts.length; ) {
    const [part = [], second, third] = parts.slice(at, at + 3)
    const begin = isText(part) && isSignatures(second) ? beginOf(part, second) : null
    if (part[0]?.text === FULL_RECEIPT && isText(second) && isSignatures(third)) {
      pieces.push(pieceOf(part, second, third))
      at += 3
    } else if (part[0]?.text === FULL_RECEIPT) {
      pieces.push(pieceOf(part))
      at += 1
    } else if (begin !== null) {
      pieces.push(...linesOf(part.slice(0, begin)), pieceOf(part.slice(begin), second ?? []))
      at += 2
    } else {
      pieces.push(...linesOf(part))
      at += 1
    }
  }
  return pieces
}

interface Line {
  readonly text: string
  /** From 1. */
  readonly number: number
}

type Part = readonly Line[]

function isText(part: Part | undefined): part is Part {
  return part !== undefined && part[0]?.text !== FULL_RECEIPT && !isSignatures(part)
}

function isSignatures(part: Part | undefined): part is Part {
  return part?.[0]?.text.startsWith(SIGNATURE) === true
}

/** Where the checkpoint of these signatures begins: whatever was written right above it is no line of it. Null: there is none. */
function beginOf(text: Part, signatures: Part): number | null {
  const first = Math.max(0, text.length - MAX_TEXT_LINES)
  const at = text.findIndex((_, index) => {
    return index >= first && claimOf(pieceOf(text.slice(index), signatures).text) !== null
  })
  if (at >= 0) return at
  // A damaged one stays in one piece; but a receipt may stand above a line that begins like a signature, as "— Jane" does.
  return text.some(line => receiptsIn(line.text).length > 0) ? null : 0
}

/** Short receipts, and lines without one. */
function linesOf(part: Part): Piece[] {
  return part.flatMap(({ text, number }) => {
    const found = receiptsIn(text)
    return (found.length === 0 ? [text] : found).map(each => ({ text: each, from: number, to: number }))
  })
}

function pieceOf(...parts: readonly Part[]): Piece {
  const numbers = parts.flatMap(lines => lines.map(({ number }) => number))
  return {
    text: `${parts.map(lines => lines.map(({ text }) => text).join('\n')).join('\n\n')}\n`,
    from: numbers[0] ?? 0,
    to: numbers.at(-1) ?? 0,
  }
}

/** A line without what quotes it. */
export function unquoted(line: string): string {
  return line.trim().replace(/^(?:>\s*)+/, '')
}

/** Signatures end a part too, and a full receipt begins one. */
function partsOf(text: string): Part[] {
  const parts: Line[][] = []
  let part: Line[] = []
  for (const [index, each] of text.split('\n').entries()) {
    const line = unquoted(each)
    const isOther = line.startsWith(SIGNATURE) !== isSignatures(part)
    if (line === '' || line === FULL_RECEIPT || isOther) {
      if (part.length > 0) parts.push(part)
      part = []
    }
    if (line !== '') part.push({ text: line, number: index + 1 })
  }
  return part.length > 0 ? [...parts, part] : parts
}
