import type { Subcommand } from './command.ts'

/** The rows of what tells about all the others. */
export function aboutRows(table: () => readonly Subcommand[]): readonly Subcommand[] {
  return [
    {
      name: 'completion',
      usage: 'bash|zsh|fish',
      summary: 'Print a script with which a shell completes the subcommands, their options and the names of services.',
      details: `bash    put "source <(heald completion bash)" into ~/.bashrc
zsh     heald completion zsh > a file _heald in a folder of $fpath, before compinit
fish    heald completion fish > ~/.config/fish/completions/heald.fish

The names of services, targets and incidents are those of the daemon that runs.`,
      options: {},
      load: async () => {
        const { complete } = await import('./completion.ts')
        return { run: (context, words) => complete(context, words, table()) }
      },
    },
    {
      name: 'help',
      usage: '[NAME]',
      summary: 'Show this list, or one subcommand in full.',
      options: {},
      load: async () => {
        const { helpOn } = await import('./help.ts')
        return { run: (context, words) => helpOn(context, words, table()) }
      },
    },
  ]
}
