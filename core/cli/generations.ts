import type { GenerationStatus } from '../api/switch-control.ts'
import { optionalWord } from './arguments.ts'
import { askGenerations } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { type Cell, type Column, table } from './table.ts'
import { cleanLine } from './text.ts'
import { ago, agoAt } from './time.ts'

const COLUMNS: readonly Column[] = [
  { title: 'TARGET' },
  { title: 'GENERATION' },
  { title: 'WHEN' },
  { title: 'STATE' },
  { title: 'WHY', wraps: true },
  { title: 'PATH', shrinks: true },
]

/** `heald generations [TARGET]`: what could run, what does, and what is known of each. Newest first. */
export async function run(context: Context, words: readonly string[]): Promise<number> {
  const target = optionalWord(words, 'generations', 'TARGET')
  const generations = await askGenerations(context, target)
  if (context.json) context.out(`${JSON.stringify(generations)}\n`)
  else if (generations.length > 0) context.out(listText(generations, context))
  else if (target !== null) context.out(`${cleanLine(target)} has no generations yet.\n`)
  else context.out('No target has generations. Targets are configured under "targets" in heald.yaml.\n')
  return EXIT.done
}

function listText(generations: readonly GenerationStatus[], { columns, colour, tz, nowMs }: Context): string {
  const rows = generations.map(generation => [
    generation.target,
    generation.generation,
    { text: agoAt(generation.createdTs, nowMs(), tz), short: ago(generation.createdTs, nowMs()) },
    marksOf(generation),
    generation.why ?? '',
    generation.path,
  ])
  return table(COLUMNS, rows, columns, colour)
}

function marksOf({ current, knownGood, quarantined }: GenerationStatus): Cell {
  const marks = [
    ...(current ? ['● current'] : []),
    ...(knownGood ? ['✓ known-good'] : []),
    ...(quarantined ? ['✗ quarantined'] : []),
  ]
  const colour = quarantined ? 'red' : current ? 'green' : knownGood ? 'cyan' : undefined
  return { text: marks.join(', '), ...(colour === undefined ? {} : { colour }) }
}
