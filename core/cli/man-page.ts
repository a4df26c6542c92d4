import type { Subcommand } from './command.ts'
import { EXIT_CODES_TEXT } from './commands.ts'
import { ENVIRONMENT, FILES, OPTIONS, type Told, WHAT } from './manual.ts'

/** The manual page heald(1), from the same table as help: in the man macros, which every `man` reads. */
export function manPage(table: readonly Subcommand[], version: string): string {
  const lines = [
    `.TH HEALD 1 "" "heald ${plain(version)}" "User commands"`,
    '.SH NAME',
    'heald \\- runs the services of one host and heals them',
    '.SH SYNOPSIS',
    '.B heald',
    '.I SUBCOMMAND',
    '.RI [ OPTIONS ]',
    '.SH DESCRIPTION',
    plain(WHAT),
    'Each subcommand below is also told by',
    '.BI "heald help " SUBCOMMAND\\fR.',
    '.SH SUBCOMMANDS',
    ...table.flatMap(section),
    '.SH OPTIONS',
    'Every subcommand takes these, before or after its name.',
    ...list(OPTIONS),
    '.SH EXIT STATUS',
    plain(EXIT_CODES_TEXT),
    '.SH FILES',
    'STATE is the folder of \\-\\-state.',
    ...list(FILES),
    '.SH ENVIRONMENT',
    ...list(ENVIRONMENT),
    '.SH SEE ALSO',
    '.BR systemctl (1),',
    '.BR nix\\-env (1),',
    '.BR sha256sum (1)',
  ]
  return `${lines.join('\n')}\n`
}

function section({ name, usage, summary, details }: Subcommand): string[] {
  const more = details === undefined ? [] : details.split('\n\n').flatMap(paragraph)
  return [`.SS "heald ${plain(`${name} ${usage}`.trim())}"`, plain(summary), ...more]
}

/** Help is laid out by hand; a page is laid out anew by whoever shows it, so what the layout meant is said instead. */
function paragraph(text: string): string[] {
  const lines: string[] = []
  let at = 'start' as 'start' | 'text' | 'item' | 'example'
  const enter = (next: typeof at, ...requests: string[]) => {
    if (at === 'example') lines.push('.fi', '.RE')
    at = next
    lines.push(...requests)
  }
  for (const line of text.split('\n')) {
    const [, term, meaning = ''] = /^(\S+) {2,}(.+)$/.exec(line) ?? []
    const [, example] = /^Examples?: (.+)$/.exec(line) ?? []
    if (term !== undefined) enter('item', '.TP', `.B ${plain(term)}`, plain(meaning))
    else if (example !== undefined) enter('example', '.PP', 'Examples:', '.RS 4', '.nf', plain(example))
    else if (line.startsWith(' ')) lines.push(plain(line.trim()))
    else if (at === 'text') lines.push(plain(line))
    else enter('text', '.PP', plain(line))
  }
  enter('text')
  return lines
}

function list(rows: Told): string[] {
  return rows.flatMap(([name, text]) => ['.TP', `.B ${plain(name)}`, plain(text)])
}

/** Text that is no request: what would be one, or another sign, is written as an escape; so is all beyond ASCII. */
function plain(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('"', '\\(dq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replaceAll(/[^\n -~]/gu, sign => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`)
  return escaped.startsWith('.') ? `\\&${escaped}` : escaped
}
