import type { CommandView } from '../command/port.ts'
import { noWords } from './arguments.ts'
import { ask } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { stateText } from './command-text.ts'
import { type Column, table } from './table.ts'
import { ago, agoAt } from './time.ts'

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'COMMAND', wraps: true },
  { title: 'BY' },
  { title: 'WHEN' },
  { title: 'STATE', wraps: true },
  { title: 'APPROVERS', wraps: true },
]

/** `heald commands`: those that wait or run, and the last that ended. */
export async function run(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'commands')
  const all = (await ask(context, '/v1/commands')) as readonly CommandView[]
  if (context.json) context.out(`${JSON.stringify(all)}\n`)
  else if (all.length === 0) context.out('No commands were given yet.\n')
  else context.out(listText(all, context))
  return EXIT.done
}

function listText(all: readonly CommandView[], { columns, colour, tz, nowMs }: Context): string {
  const rows = all.map(command => [
    command.id,
    command.line,
    command.operator,
    { text: agoAt(command.requestedTs, nowMs(), tz), short: ago(command.requestedTs, nowMs()) },
    command.state === 'awaiting' ? { text: stateText(command), colour: 'yellow' as const } : stateText(command),
    command.approvers.map(({ operator }) => operator).join(', '),
  ])
  return table(COLUMNS, rows, columns, colour)
}
