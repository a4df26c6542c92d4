import { ROLES, type WordSpec } from './word-spec.ts'
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
  return tableOf([head, ...rows])
}

/** Which role may say which words, unless `policy` says otherwise; the other table of docs/commands.md. */
export function rolesTable(): string {
  const who = [null, ...ROLES].map(role => [role ?? 'anybody, known or not', named(inChats, role)])
  const host = ['the host', named(({ host }) => host === true, 'admin')]
  return tableOf([['who', 'may say, besides what those above may'], ...who, host])
}

const inChats = ({ host }: WordSpec) => host !== true

function named(isMeant: (spec: WordSpec) => boolean, role: WordSpec['role']): string {
  const words = (WORDS as readonly WordSpec[]).filter(spec => spec.role === role && isMeant(spec))
  return words.length === 0 ? 'nothing' : words.map(({ word }) => `\`${word}\``).join(', ')
}

function tableOf([head = [], ...rows]: readonly (readonly string[])[]): string {
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
