import { type Colour, paint } from './colour.ts'
import { cleanLine, columnsOf, cutTo } from './text.ts'

export interface Column {
  readonly title: string
  readonly align?: 'left' | 'right'
  /** May be cut when the terminal is too narrow; the last such column is cut first. */
  readonly shrinks?: boolean
}

export type Cell = string | { readonly text: string; readonly colour?: Colour }

const GAP = '  '
const LEAST_COLUMNS = 8

/**
 * A table for people: one line a row, aligned by what a terminal shows, every cell cleaned. Columns that are empty in
 * every row are left out.
 * @param columns of the terminal; Infinity when the output is not one: then nothing is cut
 */
export function table(
  head: readonly Column[],
  rows: readonly (readonly Cell[])[],
  columns: number,
  colour: boolean,
): string {
  const texts = rows.map(row => head.map((_, at) => cleanLine(textOf(row[at]))))
  const used = head.map((_, at) => at).filter(at => texts.some(row => row[at] !== ''))
  const widths = new Map(
    used.map(at => [at, Math.max(...[head[at]?.title ?? '', ...texts.map(row => row[at] ?? '')].map(columnsOf))]),
  )
  shrink(head, widths, columns)
  const line = (cells: readonly string[], paintCell: (at: number, text: string) => string) =>
    used
      .map((at, index) => {
        const width = widths.get(at) ?? 0
        const text = cutTo(cells[at] ?? '', width)
        const space = ' '.repeat(width - columnsOf(text))
        const last = index === used.length - 1
        return head[at]?.align === 'right' ? space + paintCell(at, text) : paintCell(at, text) + (last ? '' : space)
      })
      .join(GAP)
      .trimEnd()
  const lines = [
    line(
      head.map(column => column.title),
      (_, text) => paint(text, 'dim', colour),
    ),
  ]
  for (const [index, row] of texts.entries())
    lines.push(line(row, (at, text) => paint(text, colourOf(rows[index]?.[at]), colour)))
  return `${lines.join('\n')}\n`
}

function shrink(head: readonly Column[], widths: Map<number, number>, columns: number): void {
  let over = [...widths.values()].reduce((sum, width) => sum + width, 0) + GAP.length * (widths.size - 1) - columns
  for (const at of [...widths.keys()].reverse()) {
    const width = widths.get(at) ?? 0
    if (over <= 0 || head[at]?.shrinks !== true || width <= LEAST_COLUMNS) continue
    const less = Math.min(over, width - LEAST_COLUMNS)
    widths.set(at, width - less)
    over -= less
  }
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === 'object' ? cell.text : (cell ?? '')
}

function colourOf(cell: Cell | undefined): Colour | undefined {
  return typeof cell === 'object' ? cell.colour : undefined
}
