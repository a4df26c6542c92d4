import type { Subcommand } from './command.ts'
import { WORD_ROWS } from './words.ts'

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
    {
      name: 'ledger',
      usage: 'list [FILTERS] | show SEQ | follow | verify [DIR] | checkpoint | prove SEQ | check RECEIPT… | export DIR',
      summary: 'Read and check the tamper-evident record of everything that happened.',
      details: `list    newest first; --limit 50, --cursor N for the next page. Filters, words
        or flags: kind:service.exited (or service, exited), svc:, inc:, actor:,
        severity:, since:2h or 2026-08-21, until:, seq:1..9. Other words have to
        be in it, whole, or exit*, "in a row": heald ledger list svc:api oom
show    every field of one entry, its receipt, and the text kept aside for it.
follow  the last entries (--from SEQ), then each new one, until Ctrl-C.
verify  follows the chain and the tree through every line, and checks what was
        signed. Needs no daemon: DIR may be a copy. --key KEY and --checkpoint
        FILE: what you kept elsewhere. --workers N sets the threads.
        --commands: only the chain of commands, also of a file with nothing
        else in it; --receipt RECEIPT: one that was kept elsewhere.
checkpoint  signs what the ledger is now and prints the note.
prove   a full receipt: the entry, and all to prove it with elsewhere.
check   receipts, short (#41·…) or full, and checkpoints, as words, files or
        standard input. With --key KEY also where there is no ledger.
export  what was signed, as C2SP tlog-tiles, for other people's tools.

With --json: the ledger's own lines, and one document for verify.
Exit code 1: the ledger is damaged, or ends in a torn write.`,
      options: {
        kind: { type: 'string', multiple: true },
        svc: { type: 'string' },
        service: { type: 'string' },
        inc: { type: 'string' },
        incident: { type: 'string' },
        actor: { type: 'string' },
        severity: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        seq: { type: 'string' },
        from: { type: 'string' },
        to: { type: 'string' },
        text: { type: 'string' },
        limit: { type: 'string', short: 'n' },
        cursor: { type: 'string' },
        workers: { type: 'string' },
        key: { type: 'string', multiple: true },
        checkpoint: { type: 'string', multiple: true },
        commands: { type: 'boolean' },
        receipt: { type: 'string', multiple: true },
      },
      load: () => import('./ledger.ts'),
    },
    {
      name: 'keygen',
      usage: '',
      summary: "Make a new key for the ledger's checkpoints, and with it a new epoch; the key before it is erased.",
      details: `Prints the public key: keep it where this host can't change it. With it "heald ledger verify --key KEY" proves, also on a
copy elsewhere, that nobody has rewritten the ledger. The daemon does it where one runs.`,
      options: {},
      load: () => import('./ledger-keys.ts'),
    },
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
    {
      name: 'help',
      usage: '[NAME]',
      summary: 'Show this list, or one subcommand in full.',
      options: {},
      load: async () => {
        const { helpOn } = await import('./help.ts')
        return { run: (context, words) => helpOn(context, words, subcommands(injected)) }
      },
    },
  ]
}

/** What stands under the help of a subcommand that has no longer text of its own. */
export const EXIT_CODES_TEXT = exits
