import { claimOf } from './checkpoint.ts'
import { isSignatureLine } from './note.ts'
import { type Piece, piecesIn, unquoted } from './pasted.ts'

/*
 * The checkpoints in a text that was given as evidence. Nothing that looks like one may be passed over: a mail that wraps one
 * line of the newer of two would make its reader believe that both were compared. So each line that can only be of a checkpoint
 * has to be of one that was read; other text around them (headers of mails, greetings) is of no account.
 */

export interface GivenNotes {
  readonly notes: readonly string[]
  /** The first line of a checkpoint that can't be read, from 1; null: all are read. */
  readonly unreadLine: number | null
}

export function notesIn(text: string): GivenNotes {
  const found = piecesIn(text).filter(piece => claimOf(piece.text) !== null && isWhole(piece))
  const lines = text.split('\n')
  const own = new Set(found.flatMap(({ from, to }) => ownLines(lines, from, to)))
  const others = lines.map((line, index) => (own.has(index + 1) ? '' : unquoted(line)))
  // A line that was wrapped is one with the next.
  const at = others.findIndex(
    (line, index) => line !== '' && (isOfNote(line) || isOfNote(line + (others[index + 1] ?? ''))),
  )
  return { notes: found.map(piece => piece.text), unreadLine: at < 0 ? null : at + 1 }
}

/** A mail wraps its longest lines, those of its signatures. */
function isWhole({ text }: Piece): boolean {
  const origin = claimOf(text)?.origin ?? ''
  return text
    .split('\n')
    .filter(line => line.startsWith('— '))
    .every(line => isSignatureLine(line, origin))
}

/** The name, the size and the root of a checkpoint, and its signatures: lines between them may be those of another one. */
function ownLines(lines: readonly string[], from: number, to: number): number[] {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index)
  const written = numbers.filter(number => unquoted(lines[number - 1] ?? '') !== '')
  return written.filter((number, index) => index < 3 || unquoted(lines[number - 1] ?? '').startsWith('— '))
}

/** Controls and what is invisible, and the tags that a mail or a page sets around lines. */
const UNSEEN = /[\p{Cc}\p{Cf}]|<\/?(?:b|blockquote|br|code|div|li|p|pre|span|td|tr|tt)\b[^<>]*>/giu
/** A name of heald's alone in its line, whatever quotes it: before it initials and a mark at most. */
const NAME = /^(?:.*[>|])?[^\p{L}\p{N}]*(?:[^\s/]+\/)*heald\/[0-9a-f]{8}[^\p{L}\p{N}]*(?:=[0-9a-f]{2})*$/iu
/** 32 bytes in base64 that stand by themselves. */
const ROOT = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?:3D)?(?![A-Za-z0-9+/=])/u
/** Behind a name what is too long for a word. */
const SIGNED = /heald\/[0-9a-f]{8} +[A-Za-z0-9+/]{40}/iu

function isOfNote(line: string): boolean {
  const seen = line.replace(UNSEEN, '').trim()
  return NAME.test(seen) || ROOT.test(seen) || SIGNED.test(seen)
}
