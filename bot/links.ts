import { randomBytes } from 'node:crypto'
import { parseText } from '../core/command/parse.ts'

/**
 * Buttons of answers, which need no offer of core's: each stands for a line that whoever presses it says. Only lines that
 * change nothing are made so, and `approve`, which core asks a code or a right for as if it were typed.
 */
export interface Links {
  /** A button whose answer is a message of its own. */
  say(line: string): string
  /** A button whose answer takes the place of the message that it is on: another page of it. */
  turn(line: string, page?: number): string
  /** Null: it is none of these. A line of '' is of a button that nobody knows any more. */
  read(button: string): Linked | null
}

export interface Linked {
  readonly line: string
  /** From 1 on. */
  readonly page: number
  readonly isInPlace: boolean
}

/** Telegram takes no more for a button, in bytes. */
const MOST_BYTES = 64
/** Lines that are too long for a button's id are kept here, until the bot ends. */
const MOST_KEPT = 1000

export function createLinks(): Links {
  const kept = new Map<string, string>()

  function idOf(mark: 'w' | 'p', page: number, line: string): string {
    const id = `${mark}:${page}:${line}`
    if (/^[\x20-\x7e]*$/.test(line) && id.length <= MOST_BYTES) return id
    const token = randomBytes(9).toString('base64url')
    kept.set(token, line)
    const [oldest] = kept.keys()
    if (kept.size > MOST_KEPT && oldest !== undefined) kept.delete(oldest)
    return `${mark}${mark}:${page}:${token}`
  }

  return {
    say: line => idOf('w', 1, line),
    turn: (line, page = 1) => idOf('p', page, line),
    read(button) {
      const found = /^(w|p|ww|pp):([1-9]\d{0,3}):(.*)$/s.exec(button)
      if (found === null) return null
      const [, mark = '', page = '', rest = ''] = found
      const line = mark.length === 2 ? (kept.get(rest) ?? '') : rest
      return { line: isHarmless(line) ? line : '', page: Number(page), isInPlace: mark.startsWith('p') }
    },
  }
}

/** Clients that were changed can send any id: then it is no more than what may be made. */
function isHarmless(line: string): boolean {
  try {
    const { spec, args } = parseText(line)
    return spec.does === 'reads' || spec.word === 'approve' || args['dry-run'] === true
  } catch {
    return false
  }
}
