import { Fault } from '../fault.ts'
import { namesOf } from './ask.ts'
import { type Context, EXIT, type Subcommand } from './command.ts'
import { bashScript } from './completion-bash.ts'
import { fishScript } from './completion-fish.ts'
import { zshScript } from './completion-zsh.ts'
import { usage } from './front.ts'

/**
 * Life of a completion
 *
 * 1. `heald completion SHELL` prints a script, made from the table of subcommands and their usage lines.
 * 2. The shell answers from it, without heald, what does not change: subcommands, options, words to choose from.
 * 3. For the names of services, targets, incidents, silences and commands it runs `heald completion names KIND`.
 */
const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const satisfies Record<
  string,
  (table: readonly Subcommand[]) => string
>

const KINDS = ['services', 'targets', 'incidents', 'silences', 'commands'] as const

/** Nobody waits longer for a proposal. */
const ASK_MS = 2000

export async function complete(
  context: Context,
  words: readonly string[],
  table: readonly Subcommand[],
): Promise<number> {
  const [word, kind] = words
  const row = table.find(({ name }) => name === 'completion')
  if (word === 'names' && words.length === 2) return names(context, kind)
  const shell = Object.entries(SCRIPTS).find(([name]) => name === word)
  if (shell === undefined || words.length > 1) {
    throw usage('usage.words', '"heald completion" takes the name of a shell: bash, zsh or fish', row)
  }
  const script = shell[1](table)
  context.out(context.json ? `${JSON.stringify({ shell: shell[0], script })}\n` : script)
  return EXIT.done
}

/** Prints names, one a line. Where no daemon answers there are none to propose, and nothing to say in a prompt. */
async function names(context: Context, kind: string | undefined): Promise<number> {
  const known = KINDS.find(name => name === kind)
  if (known === undefined) return EXIT.usage
  const asking = { socket: context.socket, signal: AbortSignal.any([context.signal, AbortSignal.timeout(ASK_MS)]) }
  try {
    // Only what needs no quotes: a shell would have to put them.
    const usable = (await namesOf(asking, known)).filter(name => /^[\w.-]+$/.test(name))
    context.out(usable.map(name => `${name}\n`).join(''))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  return EXIT.done
}
