import type { CommandView } from '../command/port.ts'
import { Fault } from '../fault.ts'
import { oneWord } from './arguments.ts'
import { orderFor } from './ask.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { stateText } from './command-text.ts'
import { wrapLines } from './text.ts'

/** `heald approve ID [CODE] [--as OPERATOR]`, `heald deny ID`. */
export const approve = {
  run: (context: Context, words: readonly string[], values: Values) => decide('approve', context, words, values),
}
export const deny = {
  run: (context: Context, words: readonly string[], values: Values) => decide('deny', context, words, values),
}

async function decide(
  step: 'approve' | 'deny',
  context: Context,
  words: readonly string[],
  values: Values,
): Promise<number> {
  const [, second, ...rest] = words
  const code = step === 'approve' ? second : undefined
  const id = oneWord(code === undefined ? words : [...words.slice(0, 1), ...rest], step, 'ID')
  const as = typeof values.as === 'string' ? values.as : context.env.SUDO_USER
  if (code !== undefined && as === undefined)
    throw new Fault('usage.code', 'a code is somebody’s, and here nobody is named', {
      hint: `write: heald approve ${id} CODE --as OPERATOR; without a code it is the host that approves`,
    })
  const body = code === undefined ? {} : { code, as }
  const command = (await orderFor(context, 'commands', normal(id), step, body)) as CommandView
  const text = `${command.id} (${command.line}) ${stateText(command)}`
  context.out(context.json ? `${JSON.stringify(command)}\n` : `${wrapLines(text, context.columns)}\n`)
  return EXIT.done
}

/** `17` and `#c17` are `c17`. */
function normal(id: string): string {
  return id.toLowerCase().replace(/^#?c?(?=\d)/, 'c')
}
