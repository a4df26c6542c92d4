import type { CommandView } from '../command/port.ts'
import { Fault } from '../fault.ts'
import { oneWord } from './arguments.ts'
import { orderFor } from './ask.ts'
import { type Context, EXIT, type Values } from './command.ts'
import { stateText } from './command-text.ts'
import { secretLine } from './secret-line.ts'
import { wrapLines } from './text.ts'

/** `heald approve ID [--as OPERATOR]`, `heald deny ID`. */
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
  refuseCode(step, words)
  const id = normal(oneWord(words, step, 'ID'))
  const body = typeof values.as === 'string' ? { as: values.as, code: await codeOf(context, values.as) } : {}
  const command = (await orderFor(context, 'commands', id, step, body)) as CommandView
  const text = `${command.id} (${command.line}) ${stateText(command)}`
  context.out(context.json ? `${JSON.stringify(command)}\n` : `${wrapLines(text, context.columns)}\n`)
  return EXIT.done
}

/** What stands behind the id may be a code: it is not repeated. */
function refuseCode(step: 'approve' | 'deny', words: readonly string[]): void {
  if (words.length < 2) return
  throw new Fault(
    'usage.code',
    `"heald ${step}" takes ID only; a one-time code is no argument, since every user of this host can read those`,
    {
      hint:
        step === 'deny'
          ? 'leave it away: to deny takes no code'
          : 'leave it away: with --as OPERATOR you are asked for the code, or it is the first line of standard input. Use the next one: this one may have been read',
    },
  )
}

async function codeOf(context: Context, operator: string): Promise<string> {
  const code = (await secretLine(context, `One-time code of ${operator}: `))?.trim() ?? ''
  if (code !== '') return code
  throw new Fault('usage.code', `no code of ${operator} came, and nothing was approved`, {
    hint: 'type it when you are asked, or write it to standard input; without --as it is the host that approves, and needs none',
  })
}

/** `17` and `#c17` are `c17`. */
function normal(id: string): string {
  return id.toLowerCase().replace(/^#?c?(?=\d)/, 'c')
}
