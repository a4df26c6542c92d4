import type { Incident } from '../incident/fold.ts'
import { oneWord } from './arguments.ts'
import { orderFor } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { cleanLine } from './text.ts'

/** `heald ack|resolve ID`. */
export const ack = { run: (context: Context, words: readonly string[]) => mark('ack', context, words) }
export const resolve = { run: (context: Context, words: readonly string[]) => mark('resolve', context, words) }

async function mark(verb: 'ack' | 'resolve', context: Context, words: readonly string[]): Promise<number> {
  const id = oneWord(words, verb, 'ID')
  const incident = (await orderFor(context, 'incidents', id, verb)) as Incident
  const done = verb === 'ack' ? 'acknowledged' : 'resolved'
  context.out(
    context.json ? `${JSON.stringify(incident)}\n` : `${incident.id} is ${done}: ${cleanLine(incident.cause)}\n`,
  )
  return EXIT.done
}
