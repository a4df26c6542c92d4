import { aboutRows } from './about-rows.ts'
import type { Subcommand } from './command.ts'
import { hostCommands } from './host-commands.ts'
import { KEYGEN, LEDGER } from './ledger-rows.ts'
import { WORD_ROWS } from './words.ts'

/** What only the composition root can load, because it needs an adapter. */
export interface Injected {
  readonly up: Subcommand['load']
  readonly init: Subcommand['load']
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
    ...WORD_ROWS,
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
      name: 'totp',
      usage: 'OPERATOR [--config FILE]',
      summary:
        "Show what an operator's authenticator app needs for one-time codes; makes the secret where there is none.",
      details: `The secret stands where the configuration says (totp under operators); a file that is not there yet is made for its owner
alone. Prints a QR code for the app, and the same as an address. Codes: RFC 6238, six digits, 30 seconds.`,
      options: { config: { type: 'string' } },
      load: () => import('./totp.ts'),
    },
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
Where "heald install" has made WhatsApp a unit, run it as root: the session is kept there, else in the bot's folder.
It is as good as a password. To pair anew, unlink the device on the telephone first.

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
    ...hostCommands(injected),
    {
      name: 'config',
      usage: 'check [FILE]',
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
