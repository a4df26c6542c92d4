import { spanOf } from '../incident/measure.ts'
import { oneWord } from './arguments.ts'
import { orderFor } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { cleanLine } from './text.ts'

/** `heald start|stop|restart SERVICE`: waits until it is so, and says how long that took. */
export const start = { run: (context: Context, words: readonly string[]) => act('start', context, words) }
export const stop = { run: (context: Context, words: readonly string[]) => act('stop', context, words) }
export const restart = { run: (context: Context, words: readonly string[]) => act('restart', context, words) }

interface Done {
  readonly state: string
  readonly pid: number | null
  readonly tookMs: number
}

async function act(verb: 'start' | 'stop' | 'restart', context: Context, words: readonly string[]): Promise<number> {
  const name = oneWord(words, verb, 'SERVICE')
  const done = (await orderFor(context, 'services', name, verb)) as Done
  const pid = done.pid === null ? '' : `, pid ${done.pid}`
  context.out(
    context.json
      ? `${JSON.stringify({ service: name, ...done })}\n`
      : `${cleanLine(name)} is ${done.state}${pid}, after ${spanOf(done.tookMs)}\n`,
  )
  return EXIT.done
}
