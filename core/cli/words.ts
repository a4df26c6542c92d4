import { usageOf, type Word, wordSpec } from '../command/words.ts'
import { Fault } from '../fault.ts'
import type { Subcommand } from './command.ts'

type Load = Subcommand['load']

/** A word of the table as a subcommand; `also`: options that only the command line has. A code is never an argument here. */
function row(word: Word, load: Load, more: Partial<Subcommand> & { readonly also?: string } = {}): Subcommand {
  const spec = wordSpec(word)
  const { also = '', ...rest } = more
  const args = spec?.args.filter(({ type }) => type !== 'code') ?? []
  const usage = `${usageOf({ args })} ${also}`.trim()
  return { name: word, usage, summary: spec?.summary ?? '', options: {}, load, ...rest }
}

/** Another name of a part of `heald ledger`. */
function ofLedger(part: string, options: Subcommand['options'] = {}): Pick<Subcommand, 'load' | 'options'> {
  return {
    options,
    load: async () => {
      const { run } = await import('./ledger.ts')
      return { run: (context, words, values) => run(context, [part, ...words], values) }
    },
  }
}

const KEPT = {
  key: { type: 'string', multiple: true },
  checkpoint: { type: 'string', multiple: true },
  'accept-gap': { type: 'boolean' },
  receipt: { type: 'string', multiple: true },
  commands: { type: 'boolean' },
} as const

/** Every word that is said in chats, as a subcommand: the same table, the same rights, the same entries. */
export const WORD_ROWS: readonly Subcommand[] = [
  row('status', () => import('./status.ts'), {
    also: '[--watch]',
    details: `--watch keeps the table up to date on a terminal (q or Ctrl-C ends it); elsewhere each change is printed.
Exit code 1 means that a service is not well, a target is held, or entries are not being recorded.`,
    options: { watch: { type: 'boolean', short: 'w' } },
  }),
  row('start', async () => (await import('./service.ts')).start),
  row('stop', async () => (await import('./service.ts')).stop),
  row('restart', async () => (await import('./service.ts')).restart),
  row('deploy', async () => (await import('./switch.ts')).deploy, {
    details: `REF is what the kind of target calls a generation: the folder of a release, the number of a Nix generation, or a path.
Each step is shown as it is recorded. The switch belongs to the daemon: Ctrl-C ends only the showing.

--force      also a generation that is quarantined, because it has failed before
--unchecked  although nothing checks how the services of this target are

Examples: heald deploy web release-7
          heald deploy system /nix/store/…-nixos-system --json
Exit code 1: it was rolled back, failed or is held. Exit code 3: it was refused and nothing was changed.`,
    options: { force: { type: 'boolean' }, unchecked: { type: 'boolean' } },
  }),
  row('rollback', async () => (await import('./switch.ts')).rollback, {
    also: '[--to N]',
    details: `Without TO it leads to the last known-good generation that is not running. --dry-run only says which that is. During a
switch it ends the switch and leads back.

Examples: heald rollback web --dry-run
          heald rollback web --to release-5
Exit code 1: it failed or is held. Exit code 3: it was refused and nothing was changed.`,
    options: { to: { type: 'string' }, 'dry-run': { type: 'boolean' } },
  }),
  row('generations', () => import('./generations.ts'), {
    details: `Newest first. A generation that failed is quarantined: "heald deploy" takes it again only with --force.
Example: heald generations web`,
  }),
  row('diff', () => import('./diff.ts')),
  row('logs', () => import('./logs.ts'), {
    also: '[--lines N] [--follow]',
    details:
      'Reads the files in <state>/logs, so it works without the daemon. To a pipe or file the bytes go as they are; --follow goes on showing new ones.',
    options: { lines: { type: 'string', short: 'n' }, follow: { type: 'boolean', short: 'f' } },
  }),
  row('incidents', () => import('./incidents.ts'), {
    also: '[--all]',
    details:
      'Works from the ledger files when the daemon is not running. --all lists every incident that is kept (1,000).',
    options: { all: { type: 'boolean' } },
  }),
  row('incident', () => import('./incident.ts'), {
    also: '[--report md|html] [--without-lines]',
    details:
      'Works from the ledger files when the daemon is not running. --report prints it as a document to share; --without-lines leaves out what services wrote. Example: heald incident agent-41 --report html > agent-41.html',
    options: { report: { type: 'string' }, 'without-lines': { type: 'boolean' } },
  }),
  row('report', async () => {
    const { run } = await import('./incident.ts')
    return { run: (context, words) => run(context, words.slice(0, 1), { report: formOf(words) }) }
  }),
  row('ack', async () => (await import('./ack.ts')).ack),
  row('resolve', async () => (await import('./ack.ts')).resolve),
  row('silence', async () => (await import('./silence.ts')).silence, {
    details: `SERVICE may have * for any characters, or be "all". FOR is written like 30m, 2h or 1d. The start and the end of a
silence are announced; escalation of what it is about waits for its end.

Examples: heald silence web 2h new disk
          heald silence 'web-*' 30m`,
  }),
  row('silences', async () => (await import('./silence.ts')).silences),
  row('unsilence', async () => (await import('./silence.ts')).unsilence),
  row('commands', () => import('./command-list.ts')),
  row('approve', async () => (await import('./decide.ts')).approve, {
    also: '[--as OPERATOR]',
    details: `It is the host's own approval, which counts once, whoever sits here, and needs no code. With --as it is the approval
of OPERATOR, whose one-time code is asked for on the terminal and not shown; where standard input is no terminal it is
the first line of that. It is never an argument: every user of the host can read those.

Examples: heald approve c17
          heald approve c17 --as alice`,
    options: { as: { type: 'string' } },
  }),
  row('deny', async () => (await import('./decide.ts')).deny),
  row('freeze', async () => (await import('./freeze.ts')).freeze),
  row('unfreeze', async () => (await import('./freeze.ts')).unfreeze),
  row('whoami', async () => (await import('./who.ts')).whoami),
  row('oncall', async () => (await import('./who.ts')).oncall),
  row('show', ...loadAnd(ofLedger('show'))),
  row('proof', ...loadAnd(ofLedger('prove'))),
  row(
    'verify',
    async () => {
      const { run } = await import('./ledger.ts')
      return {
        run: (context, words, values) => run(context, [words.length === 0 ? 'verify' : 'check', ...words], values),
      }
    },
    { options: KEPT },
  ),
  row('unlock', async () => (await import('./freeze.ts')).unlock),
]

function loadAnd({ load, options }: Pick<Subcommand, 'load' | 'options'>): [Load, Partial<Subcommand>] {
  return [load, { options }]
}

function formOf([, form = 'html', extra]: readonly string[]): string {
  if (extra === undefined && (form === 'html' || form === 'md')) return form
  throw new Fault('usage.words', `"heald report" takes ID and html or md, not also "${extra ?? form}"`)
}
