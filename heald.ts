/**
 * The front door and the composition root.
 *
 * 1. The compile cache is switched on before anything big is loaded: it is what keeps the daemon small and starts short.
 * 2. The argument line is taken apart by `core/cli/front.ts`, against the table in `core/cli/commands.ts`.
 * 3. Here, and only here, adapters are handed to the core.
 */
import { openCompileCache } from './core/cli/cache.ts'
import { commandName, stateFolder } from './core/cli/context.ts'

const argv = process.argv.slice(2)
openCompileCache(
  stateFolder(optionValue(argv, '--state'), process.env, process.getuid?.() ?? 0),
  commandName(argv) === 'up',
)

const { front } = await import('./core/cli/front.ts')
const { subcommands } = await import('./core/cli/commands.ts')

const table = subcommands({
  up: async () => {
    const { run } = await import('./core/cli/up.ts')
    return { run: (context, words, values) => run(context, words, values, () => import('./adapters/host/process.ts')) }
  },
})

await front(argv, table)

/** The one option that is needed before the argument line is parsed. */
function optionValue(words: readonly string[], name: string): string | undefined {
  const end = words.indexOf('--')
  const before = end < 0 ? words : words.slice(0, end)
  const inline = before.findLast(word => word.startsWith(`${name}=`))
  if (inline !== undefined) return inline.slice(name.length + 1)
  const at = before.lastIndexOf(name)
  return at < 0 ? undefined : before[at + 1]
}
