import { Fault } from '../fault.ts'
import { ask } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { cleanLine, cutTo } from './text.ts'

/** `heald diff TARGET FROM TO`: what differs between two generations. */
export async function run(context: Context, words: readonly string[]): Promise<number> {
  const [target, from, to, extra] = words
  if (target === undefined || from === undefined || to === undefined || extra !== undefined)
    throw new Fault('usage.words', '"heald diff" takes TARGET FROM TO', {
      hint: 'Example: heald diff web release-4 release-5',
    })
  const query = new URLSearchParams({ from, to })
  const lines = (await ask(context, `/v1/targets/${encodeURIComponent(target)}/changes?${query}`)) as readonly string[]
  if (context.json) context.out(`${JSON.stringify({ target, from, to, lines })}\n`)
  else if (lines.length === 0)
    context.out(`Nothing that can be told differs between ${cleanLine(from)} and ${cleanLine(to)}.\n`)
  else context.out(`${lines.map(line => cutTo(cleanLine(line), context.columns)).join('\n')}\n`)
  return EXIT.done
}
