import type { Marked } from '../incident/mark.ts'
import { oneWord } from './arguments.ts'
import { orderFor } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { cleanLine, wrapLines } from './text.ts'
import { agoAt } from './time.ts'

/** `heald ack|resolve ID`. */
export const ack = { run: (context: Context, words: readonly string[]) => mark('ack', context, words) }
export const resolve = { run: (context: Context, words: readonly string[]) => mark('resolve', context, words) }

async function mark(verb: 'ack' | 'resolve', context: Context, words: readonly string[]): Promise<number> {
  const id = oneWord(words, verb, 'ID')
  const incident = (await orderFor(context, 'incidents', id, verb)) as Marked
  context.out(
    context.json
      ? `${JSON.stringify(incident)}\n`
      : `${wrapLines(doneText(verb, incident, context), context.columns)}\n`,
  )
  return EXIT.done
}

function doneText(verb: 'ack' | 'resolve', incident: Marked, { nowMs, tz }: Context): string {
  const { id, ackedBy, ackedTs, already, cause } = incident
  if (already !== true) return `${id} is ${verb === 'ack' ? 'acknowledged' : 'resolved'}: ${cleanLine(cause)}`
  const when = ackedTs === null ? '' : `, ${agoAt(ackedTs, nowMs(), tz)}`
  return `${id} had been acknowledged already by ${cleanLine(ackedBy ?? 'somebody')}${when}: ${cleanLine(cause)}`
}
