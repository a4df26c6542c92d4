import { Refused } from './answer.ts'
import { type Entity, EntityError, parseHtml } from './html.ts'
import type { Button } from './world.ts'

export interface TextLimit {
  /** UTF-16 code units, after the entities are parsed. */
  readonly most: number
  /** What is said of an empty one; null: it may be empty. */
  readonly empty: string | null
  readonly tooLong: string
}

/** Of the text as it comes, in bytes. */
const MOST_RAW_BYTES = 1 << 15
const MOST_DATA_BYTES = 64
const MOST_BUTTONS = 100
const MOST_IN_A_ROW = 8

/** Text with its entities, trimmed and cleaned as Telegram does it. */
export function readText(
  given: unknown,
  mode: unknown,
  { most, empty, tooLong }: TextLimit,
  note: (oddity: string) => void,
): { text: string; entities: readonly Entity[] } {
  const raw = given === undefined || given === null ? '' : String(given)
  if (Buffer.byteLength(raw) > MOST_RAW_BYTES) throw new Refused(400, 'Bad Request: text is too long')
  if (!raw.isWellFormed()) throw new Refused(400, 'Bad Request: strings must be encoded in UTF-8')
  if (mode !== undefined && mode !== null && mode !== '' && String(mode).toLowerCase() !== 'html') {
    throw new Refused(400, 'Bad Request: unsupported parse_mode')
  }
  const parsed = mode ? parse(raw) : { text: raw, entities: [], dropped: [] }
  for (const mark of parsed.dropped) note(mark)
  const cleaned = parsed.text.replaceAll('\r', '').replaceAll(/[\0-\x08\x0b-\x1f]/g, ' ')
  const start = cleaned.length - cleaned.trimStart().length
  const text = cleaned.trim()
  if (text === '' && empty !== null) throw new Refused(400, `Bad Request: ${empty}`)
  if (text.length > most) throw new Refused(400, `Bad Request: ${tooLong}`)
  const entities = parsed.entities.map(entity => ({ ...entity, offset: Math.max(0, entity.offset - start) }))
  return { text, entities }
}

function parse(raw: string): ReturnType<typeof parseHtml> {
  try {
    return parseHtml(raw)
  } catch (error) {
    if (!(error instanceof EntityError)) throw error
    throw new Refused(400, `Bad Request: can't parse entities: ${error.message}`)
  }
}

export function readTruth(value: unknown): boolean {
  return value === true || ['true', '1', 'yes'].includes(String(value).toLowerCase())
}

/** An inline keyboard: core.telegram.org/bots/api#inlinekeyboardmarkup. Other kinds of keyboards are none of ours. */
export function readButtons(given: unknown): readonly (readonly Button[])[] {
  if (given === undefined || given === null || given === '') return []
  const markup: unknown = typeof given === 'string' ? JSON.parse(given) : given
  const rows: unknown = (markup as Record<string, unknown>).inline_keyboard
  if (!Array.isArray(rows) || !rows.every(Array.isArray)) {
    throw new Refused(400, 'Bad Request: object expected as reply markup')
  }
  if (rows.flat().length > MOST_BUTTONS) throw new Refused(400, 'Bad Request: reply markup is too long')
  if (rows.some(row => row.length > MOST_IN_A_ROW)) throw new Refused(400, 'Bad Request: BUTTON_ROW_TOO_LONG')
  return rows.filter(row => row.length > 0).map(row => row.map(readButton))
}

function readButton(given: unknown): Button {
  const wrong = (what: string) => new Refused(400, `Bad Request: can't parse inline keyboard button: ${what}`)
  if (typeof given !== 'object' || given === null) throw wrong('InlineKeyboardButton must be an Object')
  const { text, callback_data: data, style, ...more } = given as Record<string, unknown>
  if (typeof text !== 'string') throw wrong('Can\'t find field "text"')
  if (text.trim() === '') throw wrong('Inline keyboard button text must be non-empty')
  if (typeof data !== 'string') throw wrong('Text buttons are unallowed in the inline keyboard')
  if (style !== undefined && !['danger', 'success', 'primary'].includes(String(style)))
    throw wrong('Invalid button style')
  if (Object.keys(more).length > 0) throw wrong(`the fake knows no ${Object.keys(more).join(', ')}`)
  const bytes = Buffer.byteLength(data)
  if (bytes < 1 || bytes > MOST_DATA_BYTES) throw new Refused(400, 'Bad Request: BUTTON_DATA_INVALID')
  return { text, callback_data: data }
}
