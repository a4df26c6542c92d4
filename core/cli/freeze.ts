import type { Frozen } from '../api/command-control.ts'
import { noWords, oneWord } from './arguments.ts'
import { order } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { wrapLines } from './text.ts'

/** `heald freeze [WHY]`, `heald unfreeze`, `heald unlock OPERATOR`. */
export const freeze = {
  async run(context: Context, words: readonly string[]): Promise<number> {
    const answer = (await order(context, '/v1/freeze', { why: words.join(' ') })) as Frozen
    const told =
      'No rollback begins by itself until "heald unfreeze". Services that crash are restarted, and orders are carried out as always.'
    return tell(context, answer, answer.already === true ? `It was frozen already. ${told}` : `Frozen. ${told}`)
  },
}

export const unfreeze = {
  async run(context: Context, words: readonly string[]): Promise<number> {
    noWords(words, 'unfreeze')
    const answer = (await order(context, '/v1/unfreeze')) as Frozen
    const told = answer.already === true ? 'Nothing was frozen.' : 'What heald does by itself is allowed again.'
    return tell(context, answer, told)
  },
}

export const unlock = {
  async run(context: Context, words: readonly string[]): Promise<number> {
    const operator = oneWord(words, 'unlock', 'OPERATOR')
    const answer = await order(context, `/v1/operators/${encodeURIComponent(operator)}/unlock`)
    return tell(context, answer, `The one-time codes of ${operator} are taken again.`)
  },
}

function tell(context: Context, answer: unknown, text: string): number {
  context.out(context.json ? `${JSON.stringify(answer)}\n` : `${wrapLines(text, context.columns)}\n`)
  return EXIT.done
}
