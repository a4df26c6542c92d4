import { claimOf } from './checkpoint.ts'
import { FULL_RECEIPT } from './tlog-proof.ts'

/** What the signatures of a note begin with. */
const SIGNATURE = '— '

/**
 * The receipts and checkpoints in a text as people keep and paste them: several in a row, with empty lines between them or
 * none, with the line ends of Windows, with other text around them. What is none of ours is handed on too, a line each.
 *
 * Each is made of parts that an empty line ends:
 *
 *   a short receipt   one line
 *   a checkpoint      its text · its signatures
 *   a full receipt    what begins with `c2sp.org/tlog-proof@v1` · its checkpoint's text · the signatures of that
 */
export function pastedIn(text: string): string[] {
  const parts = partsOf(text)
  const pieces: string[] = []
  for (let at = 0; at < parts.length; ) {
    const [part = [], second, third] = parts.slice(at, at + 3)
    if (part[0] === FULL_RECEIPT && isText(second) && isSignatures(third)) {
      pieces.push(pieceOf(part, second, third))
      at += 3
    } else if (part[0] === FULL_RECEIPT) {
      pieces.push(pieceOf(part))
      at += 1
    } else if (isText(part) && isSignatures(second)) {
      // Whatever was written right above it is no line of a checkpoint.
      const from = Math.max(
        0,
        part.findIndex((_, index) => claimOf(pieceOf(part.slice(index), second)) !== null),
      )
      pieces.push(...part.slice(0, from), pieceOf(part.slice(from), second))
      at += 2
    } else {
      pieces.push(...part)
      at += 1
    }
  }
  return pieces
}

type Part = readonly string[]

function isText(part: Part | undefined): part is Part {
  return part !== undefined && part[0] !== FULL_RECEIPT && !isSignatures(part)
}

function isSignatures(part: Part | undefined): part is Part {
  return part?.[0]?.startsWith(SIGNATURE) === true
}

function pieceOf(...parts: readonly Part[]): string {
  return `${parts.map(lines => lines.join('\n')).join('\n\n')}\n`
}

/** Signatures end a part too, and a full receipt begins one. */
function partsOf(text: string): Part[] {
  const parts: string[][] = []
  let part: string[] = []
  for (const each of text.split('\n')) {
    const line = each.trim()
    const isOther = line.startsWith(SIGNATURE) !== isSignatures(part)
    if (line === '' || line === FULL_RECEIPT || isOther) {
      if (part.length > 0) parts.push(part)
      part = []
    }
    if (line !== '') part.push(line)
  }
  return part.length > 0 ? [...parts, part] : parts
}
