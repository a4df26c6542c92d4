/**
 * Text for terminals. Names, errors and log lines may come from a service or from whoever talks to it, and a terminal
 * obeys what it is sent: escape sequences, "erase line", text that runs from right to left. So everything that is not
 * ours goes through here before it is shown.
 */

/** Controls, direction marks, invisible and tag characters, and halves of pairs. */
const UNSAFE =
  /[\p{Cc}\p{Cs}\u061C\u00AD\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u206F\uFEFF\uFFF9-\uFFFB\u{E0000}-\u{E007F}]/gu

/** One line: every unsafe character is shown instead of sent (`␛`, `<202e>`); tabs and line ends become spaces. */
export function cleanLine(text: string): string {
  return text.replace(/\r?\n|\t/g, ' ').replace(UNSAFE, shown)
}

/** Several lines: as `cleanLine`, but line feeds stay and tabs become eight columns. */
export function cleanLines(text: string): string {
  return text.replace(UNSAFE, char =>
    char === '\n' ? char : char === '\t' ? '        ' : char === '\r' ? '' : shown(char),
  )
}

/** A value as JSON, with nothing in it that a terminal obeys: it is escaped, so it stays the same value. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, char =>
    Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join(''),
  )
}

function shown(char: string): string {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x20) return String.fromCodePoint(0x2400 + code)
  if (code === 0x7f) return '\u2421'
  return code >= 0xd800 && code <= 0xdfff ? '\ufffd' : `<${code.toString(16).padStart(2, '0')}>`
}

// Made on first use: the daemon, which only cleans lines, never loads the tables behind it (2 MB).
let segmenter: Intl.Segmenter | undefined
const ASCII = /^[ -~]*$/
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const WIDE = new RegExp(
  '^(?:\\p{Emoji_Presentation}|.\\ufe0f|' +
    '[\\u1100-\\u115f\\u2329\\u232a\\u2e80-\\u303e\\u3041-\\u33ff\\u3400-\\u4dbf\\u4e00-\\ua4cf\\ua960-\\ua97f' +
    '\\uac00-\\ud7a3\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6\\u{20000}-\\u{3fffd}])',
  'u',
)

function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

/** Columns that `text` takes on a terminal: two for East Asian wide characters and emoji, none for combining marks. */
export function columnsOf(text: string): number {
  if (ASCII.test(text)) return text.length
  let columns = 0
  for (const { segment } of graphemes(text)) columns += columnsOfOne(segment)
  return columns
}

/** `text` cut to at most `columns` columns, with `…` as the last one when something is missing. */
export function cutTo(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text
  return columns < 1 ? '' : `${beginningOf(text, columns - 1)}…`
}

/** As many whole characters of `text` as fit into `columns`. */
function beginningOf(text: string, columns: number): string {
  let used = 0
  let end = 0
  for (const { segment } of graphemes(text)) {
    used += columnsOfOne(segment)
    if (used > columns) break
    end += segment.length
  }
  return text.slice(0, end)
}

function columnsOfOne(grapheme: string): number {
  if (ZERO_WIDTH.test(grapheme)) return 0
  return WIDE.test(grapheme) ? 2 : 1
}

/**
 * `text`, which has to be clean, as lines of at most `columns` columns (but at least two), broken at spaces where that
 * is possible. What does not fit into `mostLines` of them is cut, with `…` at the end.
 */
export function wrapTo(text: string, columns: number, mostLines = Number.POSITIVE_INFINITY): string[] {
  const width = Math.max(2, columns)
  const lines: string[] = []
  let rest = text.trim()
  while (rest !== '' && lines.length < mostLines) {
    if (columnsOf(rest) <= width) return [...lines, rest]
    if (lines.length === mostLines - 1) return [...lines, cutTo(rest, width)]
    const piece = beginningOf(rest, width)
    const fits = rest[piece.length] === ' ' ? piece.length : piece.lastIndexOf(' ')
    // A line that a long word would leave nearly empty is filled with the word's beginning instead.
    const at = fits > 0 && columnsOf(piece.slice(0, fits)) * 3 >= width ? fits : piece.length
    lines.push(rest.slice(0, at).trimEnd())
    rest = rest.slice(at).trimStart()
  }
  return lines
}

/** Several lines, each wrapped by itself; what goes on keeps its line's indent. */
export function wrapLines(text: string, columns: number): string {
  if (columns === Number.POSITIVE_INFINITY) return text
  return text
    .split('\n')
    .flatMap(line => {
      if (columnsOf(line) <= columns) return [line]
      const indent = /^ */.exec(line)?.[0] ?? ''
      return wrapTo(line, columns - indent.length).map(part => `${indent}${part}`)
    })
    .join('\n')
}

/** `text` beside a `title` of `width` columns, itself wrapped in a column of its own; below the title where there is no room. */
export function beside(title: string, width: number, text: string, columns: number): string {
  const room = columns - width - 4
  if (room < 12) return wrapLines(`  ${title.trim()}\n    ${text}`, columns)
  return `  ${title}  ${wrapTo(text, room).join(`\n${' '.repeat(width + 4)}`)}`
}

/** `1 entry`, `12,345 entries`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
