import { claimOf } from './checkpoint.ts'
import { isSignatureLine } from './note.ts'
import { type Piece, piecesIn, unquoted } from './pasted.ts'

/*
 * The checkpoints in a text that was given as evidence. Nothing that looks like one may be passed over: a mail that wraps one
 * line of the newer of two would make its reader believe that both were compared. So what can only be of a checkpoint has to
 * be of one that was read:
 *
 *   a signature of heald's, a checkpoint run together in one line    wherever it stands
 *   a name of heald's, a number, 32 bytes in base64, a signature     two of them in a row, each alone in its line
 *   32 bytes in base64                                               between the lines of one that was read
 *
 * Other text around them (headers of mails, headings, keys of other programs, greetings) is of no account.
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
  const within = new Set(found.flatMap(({ from, to }) => numbersOf(from, to)))
  /** Null: of a checkpoint that was read. */
  const others = lines.map((line, index) => (own.has(index + 1) ? null : unquoted(line).replace(UNSEEN, '').trim()))
  const at = others.findIndex((line, index) => {
    if (line === null || line === '') return false
    // A line that was wrapped is one with the next.
    const joined = line + (others[index + 1] ?? '')
    if (SIGNED.test(joined) || RUN_TOGETHER.test(joined)) return true
    return (within.has(index + 1) && ROOT.test(line)) || isPartBeforePart(others, index)
  })
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
  const written = numbersOf(from, to).filter(number => unquoted(lines[number - 1] ?? '') !== '')
  return written.filter((number, index) => index < 3 || unquoted(lines[number - 1] ?? '').startsWith('— '))
}

function numbersOf(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

/** Controls and what is invisible, and the tags that a mail or a page sets around lines. */
const UNSEEN = /[\p{Cc}\p{Cf}]|<\/?(?:b|blockquote|br|code|div|li|p|pre|span|td|tr|tt)\b[^<>]*>/giu
/** A name of heald's alone in its line, whatever quotes it: before it initials and a mark at most. */
const NAME = /^(?:.*[>|])?[^\p{L}\p{N}]*(?:[^\s/]+\/)*heald\/[0-9a-f]{8}[^\p{L}\p{N}]*(?:=[0-9a-f]{2})*$/iu
/** A number in the same way, also as people write it. */
const SIZE = /^(?:.*[>|])?[^\p{L}\p{N}]*\d[\d.,' ]*[^\p{L}\p{N}]*$/u
/** 32 bytes in base64 that stand by themselves, and such alone in their line. */
const ROOT = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?:3D)?(?![A-Za-z0-9+/=])/u
const ROOT_ALONE = /^(?:.*[>|])?[^\p{L}\p{N}]*[A-Za-z0-9+/]{43}=(?:3D)?[^\p{L}\p{N}]*$/u
/** Behind a name what is too long for a word. */
const SIGNED = /heald\/[0-9a-f]{8} +[A-Za-z0-9+/]{40}/iu
/** The same of another program's, behind a dash. */
const SIGNED_BY_ANY = /^(?:.*[>|])?[^\p{L}\p{N}]*[—–-]+ *\S+ +[A-Za-z0-9+/]{40}/u
const RUN_TOGETHER = /heald\/[0-9a-f]{8}\W+\d[\d.,']*\W+[A-Za-z0-9+/]{40}/iu

/** A part of a checkpoint, and the next one right behind it, or behind empty lines. */
function isPartBeforePart(others: readonly (string | null)[], index: number): boolean {
  const line = others[index] ?? ''
  const next = lineAfter(others, index + 1)
  if (NAME.test(line)) return SIZE.test(next) || ROOT_ALONE.test(next)
  if (SIZE.test(line)) return ROOT_ALONE.test(next)
  if (ROOT_ALONE.test(line)) return SIGNED_BY_ANY.test(next)
  return NAME.test(line + (others[index + 1] ?? '')) && SIZE.test(lineAfter(others, index + 2))
}

/** The next one that is not empty; '' where a checkpoint follows that was read. */
function lineAfter(others: readonly (string | null)[], from: number): string {
  return others.slice(from).find(line => line !== '') ?? ''
}
