import type { WordSpec } from './word-spec.ts'
import { usageOf, WORDS } from './words.ts'

/** The table of docs/commands.md between its marks; a test keeps the two the same. */
export function wordsTable(): string {
  const rows = WORDS.map(spec => [
    `\`${`${spec.word} ${usageOf(spec)}`.trim()}\``.replaceAll('|', '\\|'),
    spec.summary,
    spec.role ?? 'anybody',
    marksOf(spec),
  ])
  const head = ['word', 'what it does', 'least role', 'and']
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

function marksOf({ does, destructive, code, host }: WordSpec): string {
  const marks = [
    ...(does === 'orders' ? ['order'] : []),
    ...(destructive ? ['bound to the state'] : []),
    ...(code ? ['code'] : []),
    ...(host === true ? ['host only'] : []),
  ]
  return marks.join(', ')
}
