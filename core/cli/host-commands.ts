import type { Subcommand } from './command.ts'
import type { Injected } from './commands.ts'

/** Subcommands that look at this host, or set heald up on it. */
export function hostCommands(injected: Injected): readonly Subcommand[] {
  return [
    {
      name: 'init',
      usage: '[--config FILE] [--force]',
      summary: 'Write a commented heald.yaml to begin with; it offers the units of this host.',
      options: { config: { type: 'string' }, force: { type: 'boolean' } },
      load: injected.init,
    },
  ]
}
