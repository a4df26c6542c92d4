import type { ArgumentType, WordSpec } from './word-spec.ts'

const SERVICE = { name: 'service', type: 'service', help: 'name of a service' } as const
const TARGET = { name: 'target', type: 'target', help: 'name of what is switched' } as const
const INCIDENT = { name: 'id', type: 'incident', help: 'id of an incident, like agent-41' } as const
const COMMAND = { name: 'id', type: 'command', help: 'id of a command, like c17' } as const
const CODE = {
  name: 'code',
  type: 'code',
  optional: true,
  help: 'your one-time code, where one is needed',
} as const

type Row = Partial<WordSpec> & Pick<WordSpec, 'args' | 'summary' | 'examples'>

function reads<const W extends string>(word: W, row: Row): WordSpec & { readonly word: W; readonly does: 'reads' } {
  return { role: 'viewer', destructive: false, code: false, ...row, word, does: 'reads' }
}

function orders<const W extends string>(word: W, row: Row): WordSpec & { readonly word: W; readonly does: 'orders' } {
  return { role: 'operator', destructive: false, code: false, ...row, word, does: 'orders' }
}

/**
 * Every word that people say to heald, once: the parsing of typed text, slash commands and their options, autocomplete,
 * help, rights and the reference in docs/commands.md are made of this table. Nothing is loaded with it, so the bot and
 * each subcommand may use it.
 * In the order in which help lists them.
 */
export const WORDS = [
  reads('status', {
    args: [{ ...SERVICE, optional: true }],
    examples: ['status', 'status agent'],
    summary: 'Show every service and target, or one service: its state, since when, and what is wrong with it.',
  }),
  reads('incidents', {
    args: [],
    examples: ['incidents'],
    summary: 'List incidents: the open ones and the last resolved ones.',
  }),
  reads('incident', {
    args: [INCIDENT],
    examples: ['incident agent-41'],
    summary: 'Tell one incident from first sign to recovery.',
  }),
  reads('ledger', {
    examples: ['ledger', 'ledger svc:api kind:exited since:2h "out of memory"'],
    args: [{ name: 'filter', type: 'filter', optional: true, help: 'like svc:api kind:exited since:2h "oom"' }],
    summary: 'Find entries of the ledger, newest first.',
  }),
  reads('show', {
    examples: ['show 41'],
    args: [{ name: 'seq', type: 'seq', help: 'number of an entry, or its receipt' }],
    summary: 'Show every field of one entry, and its receipt.',
  }),
  reads('verify', {
    examples: ['verify', 'verify #41·abcdefghijklmnopqrstuvwxyz'],
    args: [{ name: 'receipts', type: 'receipts', optional: true, help: 'receipts from any channel; none: all of it' }],
    summary: 'Check the whole ledger, or receipts against it.',
  }),
  reads('proof', {
    examples: ['proof 41'],
    args: [{ name: 'seq', type: 'seq', help: 'number of an entry, or its receipt' }],
    summary: 'Give a full receipt: the entry, and all to prove it with elsewhere.',
  }),
  reads('generations', {
    args: [{ ...TARGET, optional: true }],
    examples: ['generations web'],
    summary: 'List the generations of all targets or of one: which runs, which are known to be good, which failed.',
  }),
  reads('diff', {
    examples: ['diff web release-4 release-5'],
    args: [
      TARGET,
      { name: 'from', type: 'generation', help: 'the older generation' },
      { name: 'to', type: 'generation', help: 'the newer generation' },
    ],
    summary: 'Say what differs between two generations of a target.',
  }),
  orders('rollback', {
    destructive: true,
    code: true,
    args: [
      TARGET,
      { name: 'to', type: 'generation', optional: true, help: 'to which; left out: the last known-good one' },
      { name: 'dry-run', type: 'flag', optional: true, help: 'only say where it would lead' },
    ],
    examples: ['rollback web', 'rollback web release-4', 'rollback web --dry-run'],
    summary: 'Lead a target back to a generation that is known to be good.',
  }),
  orders('deploy', {
    destructive: true,
    code: true,
    args: [
      TARGET,
      { name: 'ref', type: 'generation', help: 'the generation: folder of a release, number, or path' },
      { name: 'force', type: 'flag', optional: true, help: 'also one that is quarantined' },
      { name: 'unchecked', type: 'flag', optional: true, help: 'although nothing checks the services' },
    ],
    examples: ['deploy web release-7'],
    summary: 'Switch a target to a generation, watch its services, and commit it or roll back.',
  }),
  orders('restart', {
    destructive: true,
    args: [SERVICE],
    examples: ['restart agent'],
    summary: 'Stop a service, start it again and wait until it is ready.',
  }),
  orders('stop', {
    destructive: true,
    code: true,
    args: [SERVICE],
    examples: ['stop agent'],
    summary: 'Stop a service and everything it started; it stays stopped until it is started.',
  }),
  orders('start', {
    args: [SERVICE],
    examples: ['start agent'],
    summary: 'Start a stopped or held service and wait until it is ready.',
  }),
  reads('logs', {
    role: 'operator',
    examples: ['logs agent', 'logs agent 50'],
    args: [SERVICE, { name: 'lines', type: 'count', optional: true, help: 'how many lines, 20 unless told' }],
    summary: 'Show the last lines that a service wrote; in chats only where notify.logs allows it.',
  }),
  orders('ack', {
    args: [INCIDENT],
    examples: ['ack agent-41'],
    summary: 'Acknowledge an incident: you have seen it and take care of it.',
  }),
  orders('resolve', {
    args: [INCIDENT],
    examples: ['resolve agent-41'],
    summary: 'Close an incident by hand.',
  }),
  orders('silence', {
    examples: ['silence web 2h new disk', 'silence web-* 30m'],
    args: [
      { name: 'service', type: 'services', help: 'a service, a part of a name with *, or all' },
      { name: 'for', type: 'duration', help: 'how long, like 30m, 2h or 1d' },
      { name: 'why', type: 'text', optional: true, help: 'the reason, for the others' },
    ],
    summary: 'Keep notices of a service quiet for a while; healing, incidents and the ledger go on as always.',
  }),
  reads('silences', {
    args: [],
    examples: ['silences'],
    summary: 'List the silences that stand, those of planned maintenance among them.',
  }),
  orders('unsilence', {
    examples: ['unsilence silence-3'],
    args: [{ name: 'id', type: 'silence', help: 'id of a silence, like silence-3' }],
    summary: 'End a silence now.',
  }),
  reads('commands', {
    args: [],
    examples: ['commands'],
    summary: 'List commands: those that wait for somebody or run, and the last ones that ended.',
  }),
  orders('approve', {
    args: [COMMAND, CODE],
    examples: ['approve c17', 'approve c17 123456'],
    summary: "Approve somebody else's command that waits for it.",
  }),
  orders('deny', {
    args: [COMMAND],
    examples: ['deny c17'],
    summary: 'Turn down a command that waits, or withdraw your own.',
  }),
  reads('whoami', {
    role: null,
    args: [],
    examples: ['whoami'],
    summary: 'Say who heald takes you for, what you may do, and the id that an admin needs to know you by.',
  }),
  reads('oncall', {
    args: [],
    examples: ['oncall'],
    summary: 'Say who is on call.',
  }),
  orders('freeze', {
    examples: ['freeze', 'freeze audit until noon'],
    args: [{ name: 'why', type: 'text', optional: true, help: 'the reason, for the others' }],
    summary: 'Stop all automatic changes: no rollback begins by itself. Restarts, notices and orders of people go on.',
  }),
  orders('unfreeze', {
    destructive: true,
    code: true,
    args: [],
    examples: ['unfreeze'],
    summary: 'Let automatic changes happen again.',
  }),
  orders('unlock', {
    role: 'admin',
    host: true,
    examples: ['unlock alice'],
    args: [{ name: 'operator', type: 'operator', help: 'whose codes were wrong too often' }],
    summary: 'Let an operator whose one-time codes were wrong five times try again. Only on the host.',
  }),
  reads('report', {
    examples: ['report agent-41', 'report agent-41 md'],
    args: [
      INCIDENT,
      { name: 'form', type: 'choice', choices: ['html', 'md'], optional: true, help: 'html unless told' },
    ],
    summary: 'Give the whole story of an incident as a file to share.',
  }),
  reads('help', {
    role: null,
    examples: ['help', 'help rollback'],
    args: [{ name: 'word', type: 'word', optional: true, help: 'one of the words' }],
    summary: 'List the words, or say all about one.',
  }),
] as const

export type Word = (typeof WORDS)[number]['word']
/** Words that are commands of their own; `approve` and `deny` are steps of somebody else's. */
export type Verb = Exclude<Extract<(typeof WORDS)[number], { does: 'orders' }>['word'], 'approve' | 'deny'>

const BY_NAME: ReadonlyMap<string, WordSpec> = new Map(WORDS.map(spec => [spec.word, spec]))

export function wordSpec(word: string): WordSpec | undefined {
  return BY_NAME.get(word)
}

export function isVerb(word: unknown): word is Verb {
  return typeof word === 'string' && word !== 'approve' && word !== 'deny' && wordSpec(word)?.does === 'orders'
}

/** For the usage line, behind the word: `TARGET [TO] [--dry-run]`. */
export function usageOf({ args }: Pick<WordSpec, 'args'>): string {
  return args
    .map(({ name, type, optional, choices }) => {
      const shown = type === 'flag' ? `--${name}` : (choices?.join('|') ?? `${name.toUpperCase()}${isMany(type)}`)
      return optional === true ? `[${shown}]` : shown
    })
    .join(' ')
}

function isMany(type: ArgumentType): string {
  return type === 'receipts' || type === 'filter' ? '…' : ''
}
