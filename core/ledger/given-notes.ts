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
  const others = lines.map((line, index) => (own.has(index + 1) ? null : shown(unquoted(line))))
  const nextWritten = nextWrittenIn(others)
  const at = others.findIndex((line, index) => {
    if (line === null || line === '') return false
    // A line that was wrapped is one with the next.
    const next = others[index + 1] ?? ''
    const joined = line + next
    if (SIGNED.test(joined) || SIGNED_BELOW.test(`${line} ${next}`) || RUN_TOGETHER.test(joined)) return true
    if (within.has(index + 1) && ROOT.test(line)) return true
    return isPart(line, nextWritten[index] ?? '') || isPart(joined, nextWritten[index + 1] ?? '')
  })
  return { notes: found.map(piece => piece.text), unreadLine: at < 0 ? null : at + 1 }
}

/**
 * A mail wraps its longest lines, those of its signatures. And it changes a name: a mark before it, or a link in its place,
 * would make the checkpoint be that of another ledger, whose entries nobody compares.
 */
function isWhole({ text }: Piece): boolean {
  const origin = claimOf(text)?.origin ?? ''
  const signatures = text.split('\n').filter(line => line.startsWith('— '))
  const isOfHeald = [origin, ...signatures].some(line => HEALD.test(shown(line).replace(SET_IN, '')))
  const isAsSigned = HEALDS_NAME.test(origin) && signatures.some(line => line.startsWith(`— ${origin} `))
  return signatures.every(line => isSignatureLine(line, origin)) && (!isOfHeald || isAsSigned)
}

/** The end of a name, without what parts it, and what a page or a terminal sets into it to break or to colour it there. */
const HEALD = /heald[0-9a-f]{8}/iu
const SET_IN = /<\/?[a-z][a-z0-9-]{0,20}(?:\s[^<>]*)?\/?>|&#?[a-z0-9]{1,20};|\[[0-9;]{0,20}[mK]|[^a-z0-9]/giu
/** All of a name: a heald signs in no other than that of its ledger. */
const HEALDS_NAME = /^[\w.-]+\/heald\/[0-9a-f]{8}$/u

/** The name, the size and the root of a checkpoint, and its signatures: lines between them may be those of another one. */
function ownLines(lines: readonly string[], from: number, to: number): number[] {
  const written = numbersOf(from, to).filter(number => unquoted(lines[number - 1] ?? '') !== '')
  return written.filter((number, index) => index < 3 || unquoted(lines[number - 1] ?? '').startsWith('— '))
}

function numbersOf(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

/** Controls and what is invisible, and the tags that a mail or a page sets around lines. */
const UNSEEN = /[\p{Cc}\p{Cf}]|<\/?(?:b|blockquote|br|code|div|li|p|pre|span|td|tr|tt|wbr)\b[^<>]*>/giu
/** As pages and addresses write it. */
const SLASH = /&#47;|&#x2f;|&sol;|%2f/giu

function shown(line: string): string {
  return line.replace(UNSEEN, '').replace(SLASH, '/').trim()
}

/** 32 bytes in base64 that stand by themselves. */
const ROOT = /(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{43}=(?:3D)?(?![A-Za-z0-9+/=])/u
/** Behind a name what is too long for a word. */
const SIGNED = /heald\/[0-9a-f]{8}\s+[A-Za-z0-9+/]{40}/iu
/** The same where a mail has made two lines of it: all 68 bytes. */
const SIGNED_BELOW = /heald\/[0-9a-f]{8} [A-Za-z0-9+/]{91}=/iu
/** No key: it has its number between two of `+`. */
const RUN_TOGETHER = /heald\/[0-9a-f]{8}(?!\+[0-9a-f]{8}\+)\W{1,40}\d[\d.,']{0,40}\W{1,40}[A-Za-z0-9+/]{40}/iu

/*
 * Parts alone in their lines, as `alone` leaves them, perhaps behind ornaments. Whatever stands next to what matches the same
 * characters has a limit: else a line of 100,000 dots takes minutes.
 */
/** A name of heald's. */
const NAME = /^[^\p{L}\p{N}]{0,80}(?:[^\s/]+\/)*heald\/[0-9a-f]{8}(?:=[0-9a-f]{2})*=?$/iu
/** A number, also as people write it. */
const SIZE = /^[^\p{L}\p{N}]{0,80}\d[\d.,' ]{0,40}=?$/u
const ROOT_ALONE = /^[^\p{L}\p{N}]{0,80}[A-Za-z0-9+/]{43}=(?:3D)?=?$/u
/** A signature of any program, behind a dash. */
const SIGNED_BY_ANY = /^[^\p{L}\p{N}]{0,80}[—–-] *\S+ +[A-Za-z0-9+/]{40}/u

/** What such a line says, without initials and a mark that quote it, and ornaments at its end. */
function alone(line: string): string {
  let end = line.length
  while (end > 0 && /[^\p{L}\p{N}=]/u.test(line.charAt(end - 1))) end -= 1
  const written = line.slice(0, end)
  return written.slice(Math.max(written.lastIndexOf('>'), written.lastIndexOf('|')) + 1)
}

/** A part of a checkpoint, where the next line that is not empty is the part behind it. */
function isPart(line: string, nextWritten: string): boolean {
  const [part, next] = [alone(line), alone(nextWritten)]
  if (NAME.test(part)) return SIZE.test(next) || ROOT_ALONE.test(next)
  if (SIZE.test(part)) return ROOT_ALONE.test(next)
  return ROOT_ALONE.test(part) && SIGNED_BY_ANY.test(next)
}

/** For each line the next one that is not empty; '' where there is none, or one of a checkpoint that was read. */
function nextWrittenIn(others: readonly (string | null)[]): string[] {
  const next: string[] = []
  for (let index = others.length - 1, written = ''; index >= 0; index -= 1) {
    next[index] = written
    if (others[index] !== '') written = others[index] ?? ''
  }
  return next
}
