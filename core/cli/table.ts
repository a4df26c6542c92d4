import { type Colour, paint } from './colour.ts'
import { cleanLine, columnsOf, cutTo, wrapTo } from './text.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut when the terminal is too narrow; the widest such column is cut first. */
  readonly shrinks?: boolean
  /**
   * Holds sentences that go on in the next line, or are cut if it `shrinks` too. Where little room would be left for
   * them they stand below their rows. One column at most.
   */
  readonly wraps?: boolean
}

/** `short` stands in its place where the whole text would not fit: what is left out must not matter much. */
export type Cell = string | { readonly text: string; readonly colour?: Colour; readonly short?: string }

interface Cut {
  readonly text: string
  readonly colour: Colour | undefined
}

interface Grid {
  readonly head: readonly Column[]
  /** Clean, one cell for each column of `head`. */
  readonly rows: readonly (readonly Cut[])[]
}

const GAP = '  '
const INDENT = '    '
const LEAST_COLUMNS = 8
/** A sentence of which less than this is left says too little. */
const LEAST_SENTENCE = 24
/** Of one long text, on lines of its own. */
const MOST_LINES = 4
/** Beside titles there has to be room for a value; else it goes below its title. */
const LEAST_VALUE = 12

/**
 * A table for people, aligned by what a terminal shows, every cell cleaned; columns that are empty in every row are
 * left out. It is never wider than the terminal. What does not fit is tried in this order: short texts; less width;
 * the column of sentences on lines of its own, below each row; each row as a block of `TITLE value`.
 * @param columns of the terminal; Infinity when the output is not one: then nothing is cut
 */
export function table(
  head: readonly Column[],
  rows: readonly (readonly Cell[])[],
  columns: number,
  colour: boolean,
): string {
  const whole = gridOf(head, rows, false)
  if (widthOf(whole) <= columns) return drawn(whole, columns, colour)
  const short = gridOf(head, rows, true)
  const wrapping = short.head.findIndex(column => column.wraps === true)
  const least = Math.min(LEAST_SENTENCE, naturalWidths(short)[wrapping] ?? 0)
  const widths = shrunk(short, columns)
  if (sum(widths) <= columns && (widths[wrapping] ?? 0) >= least) return drawn(short, columns, colour)
  if (wrapping > 0) {
    const rest = without(short, wrapping)
    const below = short.rows.map(row => row[wrapping])
    if (sum(shrunk(rest, columns)) <= columns) return drawn(rest, columns, colour, below)
  }
  return stacked(short, columns, colour)
}

function gridOf(head: readonly Column[], rows: readonly (readonly Cell[])[], isShort: boolean): Grid {
  const all = rows.map(row => head.map((_, at) => cutOf(row[at], isShort)))
  const used = head.map((_, at) => at).filter(at => all.some(row => row[at]?.text !== ''))
  return {
    head: used.flatMap(at => head[at] ?? []),
    rows: all.map(row => used.flatMap(at => row[at] ?? [])),
  }
}

function cutOf(cell: Cell | undefined, isShort: boolean): Cut {
  if (typeof cell !== 'object') return { text: cleanLine(cell ?? ''), colour: undefined }
  return { text: cleanLine(isShort ? (cell.short ?? cell.text) : cell.text), colour: cell.colour }
}

function without({ head, rows }: Grid, at: number): Grid {
  return { head: head.toSpliced(at, 1), rows: rows.map(row => row.toSpliced(at, 1)) }
}

function naturalWidths({ head, rows }: Grid): number[] {
  return head.map(({ title }, at) => Math.max(columnsOf(title), ...rows.map(row => columnsOf(row[at]?.text ?? ''))))
}

function sum(widths: readonly number[]): number {
  return widths.reduce((all, width) => all + width, 0) + GAP.length * Math.max(0, widths.length - 1)
}

function widthOf(grid: Grid): number {
  return sum(naturalWidths(grid))
}

function shrunk(grid: Grid, columns: number): number[] {
  const widths = naturalWidths(grid)
  // Bounded by the longest text there is, a line of the ledger.
  for (let over = sum(widths) - columns; over > 0; over--) {
    let widest = -1
    for (const [at, { shrinks, wraps }] of grid.head.entries())
      if ((shrinks ?? wraps) === true && (widths[at] ?? 0) > Math.max(LEAST_COLUMNS, widths[widest] ?? 0)) widest = at
    if (widest < 0) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

/** One line a row, and below it what stands in `below` for it. */
function drawn(grid: Grid, columns: number, colour: boolean, below: readonly (Cut | undefined)[] = []): string {
  const widths = shrunk(grid, columns)
  const line = (cells: readonly Cut[]) =>
    cells
      .map((cell, at) => {
        const width = widths[at] ?? 0
        const text = cutTo(cell.text, width)
        const space = ' '.repeat(width - columnsOf(text))
        const painted = paint(text, cell.colour, colour)
        return grid.head[at]?.align === 'right' ? space + painted : at === cells.length - 1 ? painted : painted + space
      })
      .join(GAP)
      .trimEnd()
  const lines = [line(grid.head.map(({ title }) => ({ text: title, colour: 'dim' })))]
  const wrapping = grid.head.findIndex(column => column.wraps === true && column.shrinks !== true)
  for (const [index, row] of grid.rows.entries()) {
    const more = below[index]
    const sentence = row[wrapping]
    const [first = '', ...rest] = wrapTo(sentence?.text ?? '', widths[wrapping] ?? 0, MOST_LINES)
    lines.push(line(sentence === undefined ? row : row.with(wrapping, { ...sentence, text: first })))
    for (const text of rest)
      lines.push(line(row.map(({ colour }, at) => ({ text: at === wrapping ? text : '', colour }))))
    if (more !== undefined && more.text !== '')
      for (const part of wrapTo(more.text, columns - INDENT.length, MOST_LINES))
        lines.push(`${INDENT}${paint(part, more.colour, colour)}`)
  }
  return `${lines.join('\n')}\n`
}

/** Each row as a block, a line for each value that is not empty. */
function stacked({ head, rows }: Grid, columns: number, colour: boolean): string {
  const titleWidth = Math.max(...head.map(({ title }) => columnsOf(title)))
  const isBeside = columns >= titleWidth + GAP.length + LEAST_VALUE
  const indent = isBeside ? ' '.repeat(titleWidth + GAP.length) : GAP.slice(0, Math.max(0, columns - LEAST_COLUMNS))
  const blocks = rows.map(row =>
    row.flatMap((cell, at) => {
      if (cell.text === '') return []
      const { title = '', shrinks, wraps } = head[at] ?? {}
      const parts = wrapTo(
        cell.text,
        columns - indent.length,
        (shrinks ?? wraps) === true ? MOST_LINES : Number.POSITIVE_INFINITY,
      )
      const values = parts.map(part => `${indent}${paint(part, cell.colour, colour)}`)
      const dim = paint(cutTo(title, columns), 'dim', colour)
      if (!isBeside) return [dim, ...values]
      const [first = '', ...rest] = values
      return [`${dim}${' '.repeat(indent.length - columnsOf(title))}${first.slice(indent.length)}`, ...rest]
    }),
  )
  return `${blocks.map(lines => lines.join('\n')).join('\n\n')}\n`
}
