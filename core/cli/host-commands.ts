import type { Subcommand } from './command.ts'
import type { Injected } from './commands.ts'

/** Subcommands that look at this host, or set heald up on it. */
export function hostCommands(injected: Injected): readonly Subcommand[] {
  return [
    {
      name: 'init',
      usage: '[FILE] [--force]',
      summary: 'Write a commented heald.yaml to begin with; it offers the units of this host.',
      options: { config: { type: 'string' }, force: { type: 'boolean' } },
      load: injected.init,
    },
    {
      name: 'install',
      usage: '[--config FILE]',
      summary: 'Make heald a unit of systemd on this host, and start it (not on NixOS, which has a way of its own).',
      details: `Writes heald.service, and heald-recover.service, which leads back at boot what was being switched when the machine
went down. Where a chat of Telegram, Discord or Slack has its token in a file: heald-again.service, which tries heald
again when systemd has given up, heald-failed.service and heald-back.service, which tell that chat of it. With
"bot: { run: unit }" and channels: heald-bot.service, and heald-whatsapp.socket with heald-whatsapp@.service where
WhatsApp is a channel; their tokens are in files of /etc/heald/credentials, for root only. The configuration is
that of the heald that is installed, else /etc/heald/heald.yaml. Run it again after an upgrade or when channels have changed.`,
      options: { config: { type: 'string' } },
      load: () => import('./install.ts'),
    },
    {
      name: 'uninstall',
      usage: '[--purge]',
      summary: 'Stop heald and the services it runs, and remove what "heald install" made.',
      details: `Units that heald looks after go on. The configuration and the ledger are kept, unless --purge is given. Generations of
Nix are not: what heald has pinned may be collected. It refuses in the middle of a switch, and where heald is no unit.`,
      options: { purge: { type: 'boolean' } },
      load: () => import('./uninstall.ts'),
    },
  ]
}
