import type { SilenceStatus } from '../api/notice-control.ts'
import { Fault } from '../fault.ts'
import { spanOf } from '../incident/measure.ts'
import { matchInWords } from '../incident/notice-words.ts'
import { noWords, oneWord } from './arguments.ts'
import { askSilences, orderFor } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { type Column, table } from './table.ts'
import { cleanLine, wrapLines } from './text.ts'
import { agoAt, clockTime } from './time.ts'

/** `heald silence SERVICE FOR [WHY]`, `heald silences`, `heald unsilence ID`. */
export const silence = { run: create }
export const silences = { run: list }
export const unsilence = { run: end }

async function create(context: Context, words: readonly string[]): Promise<number> {
  const [service, long, ...why] = words
  if (service === undefined || long === undefined)
    throw new Fault('usage.words', '"heald silence" needs SERVICE and FOR: whose notices, and for how long', {
      hint: 'Example: heald silence web 2h new disk',
    })
  const body = { for: long, why: why.join(' ') }
  const made = (await orderFor(context, 'services', service, 'silence', body)) as SilenceStatus
  const until = clockTime(made.untilTs, context.nowMs(), context.tz)
  const text = `${made.id}: notices of ${cleanLine(matchInWords(made.match))} are silent until ${until}`
  tell(context, made, `${text}. To end it: heald unsilence ${made.id}`)
  return EXIT.done
}

async function end(context: Context, words: readonly string[]): Promise<number> {
  const id = oneWord(words, 'unsilence', 'ID')
  const over = (await orderFor(context, 'silences', id, 'end')) as SilenceStatus
  tell(context, over, `${over.id} is over: notices of ${cleanLine(matchInWords(over.match))} make a sound again`)
  return EXIT.done
}

function tell(context: Context, silence: SilenceStatus, text: string): void {
  context.out(context.json ? `${JSON.stringify(silence)}\n` : `${wrapLines(text, context.columns)}\n`)
}

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'ABOUT' },
  { title: 'UNTIL' },
  { title: 'LEFT', align: 'right' },
  { title: 'SINCE' },
  { title: 'BY' },
  { title: 'WHY', wraps: true },
]

async function list(context: Context, words: readonly string[]): Promise<number> {
  noWords(words, 'silences')
  const all = await askSilences(context)
  if (context.json) context.out(`${JSON.stringify(all)}\n`)
  else context.out(all.length === 0 ? 'Nothing is silenced.\n' : listText(all, context))
  return EXIT.done
}

function listText(all: readonly SilenceStatus[], { columns, colour, tz, nowMs }: Context): string {
  const now = nowMs()
  const rows = all.map(({ id, match, fromTs, untilTs, by, why }) => [
    id,
    matchInWords(match),
    clockTime(untilTs, now, tz),
    spanOf(Math.max(0, Date.parse(untilTs) - now)),
    agoAt(fromTs, now, tz),
    by,
    why,
  ])
  return table(COLUMNS, rows, columns, colour)
}
