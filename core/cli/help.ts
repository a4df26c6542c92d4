import { Fault } from '../fault.ts'
import { type Context, EXIT, type Subcommand } from './command.ts'
import { EXIT_CODES_TEXT } from './commands.ts'
import { usage } from './front.ts'
import { ENVIRONMENT, FILES, OPTIONS, type Told, WHAT } from './manual.ts'
import { nearest } from './suggest.ts'
import { wrapLines, wrapTo } from './text.ts'
import { usageOf } from './usage.ts'

/** `heald help` and `--help`: all subcommands, or one in full; `heald help ledger show` is `heald help ledger`. */
export async function helpOn(
  context: Context,
  words: readonly string[],
  table: readonly Subcommand[],
): Promise<number> {
  const [name, verb, ...more] = words
  if (name === undefined) {
    context.out(context.json ? `${JSON.stringify(table.map(asJson))}\n` : overview(table, context.columns))
    return EXIT.done
  }
  const row = table.find(command => command.name === name)
  if (row === undefined) {
    const near = nearest(
      name,
      table.map(command => command.name),
    )
    const hint = near === undefined ? '"heald help" lists all subcommands.' : `Did you mean "heald help ${near}"?`
    throw new Fault('usage.command', `there is no subcommand "${name}"`, { hint })
  }
  const { verbs } = usageOf(row)
  const [extra] = verbs.size === 0 ? words.slice(1) : more
  if (extra !== undefined) throw usage('usage.words', `"heald help" takes one name, not also "${extra}"`, undefined)
  if (verb !== undefined && !verbs.has(verb)) throw usage('usage.words', `"heald ${name}" has no "${verb}"`, row)
  context.out(context.json ? `${JSON.stringify(asJson(row))}\n` : wrapLines(inFull(row), context.columns))
  return EXIT.done
}

function asJson({ name, usage, summary, details, options }: Subcommand): object {
  return { name, usage, summary, details: details ?? null, options: Object.keys(options) }
}

function overview(table: readonly Subcommand[], columns: number): string {
  const list = (rows: Told) => {
    const width = Math.max(...rows.map(([name]) => name.length))
    return rows.flatMap(([name, text]) => {
      const [first = '', ...rest] = wrapTo(text, Math.max(20, columns - width - 4))
      return [`  ${name.padEnd(width)}  ${first}`, ...rest.map(line => `${' '.repeat(width + 4)}${line}`)]
    })
  }
  const lines = [
    wrapLines(WHAT, columns),
    '',
    'Usage: heald SUBCOMMAND [OPTIONS]',
    '',
    ...list(table.map(row => [row.name, row.summary])),
    '',
    'Options of every subcommand:',
    ...list(OPTIONS),
    '',
    'Files, with STATE for the folder of --state:',
    ...list(FILES),
    '',
    'Environment:',
    ...list(ENVIRONMENT),
    '',
    wrapLines(EXIT_CODES_TEXT, columns),
  ]
  return `${lines.join('\n')}\n`
}

function inFull(row: Subcommand): string {
  const details = row.details === undefined ? '' : `\n${row.details}\n`
  return `${`Usage: heald ${row.name} ${row.usage}`.trimEnd()}\n\n${row.summary}\n${details}\n${EXIT_CODES_TEXT}\n`
}
