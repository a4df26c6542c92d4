import { aboutRows } from './about-rows.ts'
import type { Subcommand } from './command.ts'
import { KEYGEN, LEDGER } from './ledger-commands.ts'

/** What only the composition root can load, because it needs an adapter. */
export interface Injected {
  readonly up: Subcommand['load']
  readonly bot: Subcommand['load']
  readonly whatsapp: Subcommand['load']
  readonly doctor: Subcommand['load']
  readonly fakes: Subcommand['load']
}

const exits =
  'Exit codes: 0 done, 1 the thing asked about is bad, 2 wrong use, 3 refused, 4 the daemon cannot be reached.'

/** Every subcommand, in the order in which help lists them. Modules are loaded only when their row is chosen. */
export function subcommands(injected: Injected): readonly Subcommand[] {
  return [
    {
      name: 'up',
      usage: '[--config FILE] [--once]',
      summary:
        'Run the services of heald.yaml in the foreground and heal them; without a configuration, a guided tour.',
      details: `Without --config, heald.yaml in the current folder is used, then /etc/heald/heald.yaml. When there is neither, a sample
service is started, broken in several ways and healed before your eyes; --once ends after that.

SIGTERM and a crash end heald only: the services keep running and are adopted by the next "heald up".
To stop them too, use "heald down".`,
      options: { config: { type: 'string' }, once: { type: 'boolean' } },
      load: injected.up,
    },
    {
      name: 'status',
      usage: '[--watch]',
      summary: 'Show every service and target: its state, since when, restarts, health check and open incident.',
      details: `--watch keeps the table up to date on a terminal (q or Ctrl-C ends it); elsewhere each change is printed.
Exit code 1 means that a service is not well, a target is held, or entries are not being recorded.`,
      options: { watch: { type: 'boolean', short: 'w' } },
      load: () => import('./status.ts'),
    },
    {
      name: 'start',
      usage: 'SERVICE',
      summary: 'Start a stopped or held service and wait until it is ready.',
      options: {},
      load: async () => (await import('./service.ts')).start,
    },
    {
      name: 'stop',
      usage: 'SERVICE',
      summary: 'Stop a service and everything it started; it stays stopped until "heald start".',
      options: {},
      load: async () => (await import('./service.ts')).stop,
    },
    {
      name: 'restart',
      usage: 'SERVICE',
      summary: 'Stop a service, start it again and wait until it is ready.',
      options: {},
      load: async () => (await import('./service.ts')).restart,
    },
    {
      name: 'deploy',
      usage: 'TARGET REF [--force] [--unchecked]',
      summary: 'Switch a target to a generation, watch its services, and commit it or roll back.',
      details: `REF is what the kind of target calls a generation: the folder of a release, the number of a Nix generation, or a path.
Each step is shown as it is recorded. The switch belongs to the daemon: Ctrl-C ends only the showing.

--force      also a generation that is quarantined, because it has failed before
--unchecked  although nothing checks how the services of this target are

Examples: heald deploy web release-7
          heald deploy system /nix/store/…-nixos-system --json
Exit code 1: it was rolled back, failed or is held. Exit code 3: it was refused and nothing was changed.`,
      options: { force: { type: 'boolean' }, unchecked: { type: 'boolean' } },
      load: async () => (await import('./switch.ts')).deploy,
    },
    {
      name: 'rollback',
      usage: 'TARGET [--to N] [--dry-run]',
      summary: 'Lead a target back to a generation that is known to be good.',
      details: `Without --to it leads to the last known-good generation that is not running. --dry-run only says which that is. During a
switch it ends the switch and leads back.

Examples: heald rollback web --dry-run
          heald rollback web --to release-5
Exit code 1: it failed or is held. Exit code 3: it was refused and nothing was changed.`,
      options: { to: { type: 'string' }, 'dry-run': { type: 'boolean' } },
      load: async () => (await import('./switch.ts')).rollback,
    },
    {
      name: 'generations',
      usage: '[TARGET]',
      summary: 'List the generations of all targets or of one: which runs, which are known to be good, which failed.',
      details: `Newest first. A generation that failed is quarantined: "heald deploy" takes it again only with --force.
Example: heald generations web`,
      options: {},
      load: () => import('./generations.ts'),
    },
    {
      name: 'logs',
      usage: 'SERVICE [--lines N] [--follow]',
      summary: 'Show the last lines that a service wrote; --follow goes on showing new ones.',
      details:
        'Reads the files in <state>/logs, so it works without the daemon. To a pipe or file the bytes go as they are.',
      options: { lines: { type: 'string', short: 'n' }, follow: { type: 'boolean', short: 'f' } },
      load: () => import('./logs.ts'),
    },
    {
      name: 'incidents',
      usage: '[--all]',
      summary: 'List incidents: the open ones and the last resolved ones.',
      details:
        'Works from the ledger files when the daemon is not running. --all lists every incident that is kept (1,000).',
      options: { all: { type: 'boolean' } },
      load: () => import('./incidents.ts'),
    },
    {
      name: 'incident',
      usage: 'ID [--report md|html]',
      summary: 'Tell one incident from first sign to recovery; --report prints it as a document to share.',
      details:
        'Works from the ledger files when the daemon is not running. Example: heald incident agent-41 --report html > agent-41.html',
      options: { report: { type: 'string' } },
      load: () => import('./incident.ts'),
    },
    {
      name: 'ack',
      usage: 'ID',
      summary: 'Acknowledge an incident: you have seen it and take care of it.',
      options: {},
      load: async () => (await import('./ack.ts')).ack,
    },
    {
      name: 'resolve',
      usage: 'ID',
      summary: 'Close an incident by hand.',
      options: {},
      load: async () => (await import('./ack.ts')).resolve,
    },
    {
      name: 'silence',
      usage: 'SERVICE FOR [WHY]',
      summary: 'Keep notices of a service quiet for a while; healing, incidents and the ledger go on as always.',
      details: `SERVICE may have * for any characters, or be "all". FOR is written like 30m, 2h or 1d. The start and the end of a
silence are announced; escalation of what it is about waits for its end.

Examples: heald silence web 2h new disk
          heald silence 'web-*' 30m`,
      options: {},
      load: async () => (await import('./silence.ts')).silence,
    },
    {
      name: 'silences',
      usage: '',
      summary: 'List the silences that stand, those of planned maintenance among them.',
      options: {},
      load: async () => (await import('./silence.ts')).silences,
    },
    {
      name: 'unsilence',
      usage: 'ID',
      summary: 'End a silence now.',
      options: {},
      load: async () => (await import('./silence.ts')).unsilence,
    },
    {
      name: 'reload',
      usage: '[--dry-run] [--restart]',
      summary: 'Read the configuration again and apply it, all or nothing.',
      details: `Services whose command, environment, folder or user changed keep running as before and are marked "restart pending",
unless --restart is given. --dry-run only says what would be done.`,
      options: { 'dry-run': { type: 'boolean' }, restart: { type: 'boolean' } },
      load: () => import('./reload.ts'),
    },
    {
      name: 'down',
      usage: '',
      summary: 'Stop all services in order, then the daemon.',
      options: {},
      load: () => import('./down.ts'),
    },
    LEDGER,
    KEYGEN,
    {
      name: 'bot',
      usage: '[--socket FILE] [--folder DIR]',
      summary: 'Relay notices to the configured chats; "heald up" runs and heals it, so this is for running it apart.',
      details: `It needs the daemon's bot.sock (--socket), which gives it its part of the configuration, and a folder of its own for what it
remembers (--folder; <state>/bot unless told otherwise). It may run as another user, in another container too: set
"bot: { run: unit }" in heald.yaml, so that heald does not start one itself.`,
      options: { socket: { type: 'string' }, folder: { type: 'string' } },
      load: injected.bot,
    },
    {
      name: 'whatsapp',
      usage: 'pair [--phone NUMBER] [--config FILE]',
      summary: 'Link the bot to a telephone: shows a code in the terminal to scan, or one to type.',
      details: `--phone takes the number in the international form, digits only, and shows a code to type on that telephone instead.
The session is kept in the bot's folder and is as good as a password. To pair anew, unlink the device on the telephone first.

WhatsApp has no official way for bots like this: a number that is used so can get banned.`,
      options: { phone: { type: 'string' }, config: { type: 'string' } },
      load: injected.whatsapp,
    },
    {
      name: 'fakes',
      usage: '[--port N] [--whatsapp]',
      summary: 'Start fake Telegram, Discord and Slack on this machine, to see notices without any account.',
      details: `Prints a configuration for them, and shows their chats at http://127.0.0.1:8700/. They take the port of --port and the
three after it (four with --whatsapp, which needs Chromium). Only in a clone of heald. Ctrl-C ends it.`,
      options: { port: { type: 'string' }, whatsapp: { type: 'boolean' } },
      load: injected.fakes,
    },
    {
      name: 'init',
      usage: '[--config FILE] [--force]',
      summary: 'Write a commented heald.yaml to begin with.',
      options: { config: { type: 'string' }, force: { type: 'boolean' } },
      load: () => import('./init.ts'),
    },
    {
      name: 'config',
      usage: 'check [--config FILE]',
      summary: 'Check the configuration: every error with its line, what is wrong and what to write instead.',
      options: { config: { type: 'string' } },
      load: () => import('./config.ts'),
    },
    {
      name: 'doctor',
      usage: '',
      summary:
        'Say what this host can do: control groups, memory limits, users, disk; and whether channels can be reached.',
      options: {},
      load: injected.doctor,
    },
    ...aboutRows(() => subcommands(injected)),
  ]
}

/** What stands under the help of a subcommand that has no longer text of its own. */
export const EXIT_CODES_TEXT = exits
