import type { WhoAmI } from '../api/command-control.ts'
import type { Person } from '../command/port.ts'
import { noWords } from './arguments.ts'
import { ask, order } from './ask.ts'
import { type Context, EXIT } from './command.ts'
import { cleanLine, wrapLines } from './text.ts'

/** `heald whoami`, `heald oncall`. */
export const whoami = {
  async run(context: Context, words: readonly string[]): Promise<number> {
    noWords(words, 'whoami')
    const who = (await order(context, '/v1/whoami')) as WhoAmI
    const text = `You are ${cleanLine(who.by)}: the ledger names what you order so, whoever sits here. You may say everything (${who.role ?? 'nobody'}), and approve what others have asked for, once each.`
    context.out(context.json ? `${JSON.stringify(who)}\n` : `${wrapLines(text, context.columns)}\n`)
    return EXIT.done
  },
}

export const oncall = {
  async run(context: Context, words: readonly string[]): Promise<number> {
    noWords(words, 'oncall')
    const people = (await ask(context, '/v1/oncall')) as readonly Person[]
    const names = people.map(({ operator }) => operator)
    const text =
      names.length === 0
        ? 'Nobody is on call: "oncall" in heald.yaml names people.'
        : `On call: ${names.join(', then ')}`
    context.out(context.json ? `${JSON.stringify(people)}\n` : `${wrapLines(text, context.columns)}\n`)
    return EXIT.done
  },
}
