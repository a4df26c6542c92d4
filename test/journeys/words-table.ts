import type { Word } from '../../core/command/words.ts'

/** One right use, said by the first person unless told. `{…}` is filled in: see `words-site.ts`. */
export interface Use {
  readonly line: string
  readonly by?: 0 | 1
  /** What is answered at once. */
  readonly says: RegExp
  /** How the command has to end that it leads to, or moves on; left out: it only reads. */
  readonly ends?: 'awaiting' | 'succeeded' | 'rejected'
}

export interface Row {
  /** Wrong uses, each with what its answer has to say: what is wrong, and what to write instead. */
  readonly wrong: { readonly [line: string]: readonly RegExp[] }
  readonly right: readonly Use[]
}

const NO_SERVICE = [/there is no service "wbe"/i, /lists them/]
const NO_TARGET = [/there is no target "ap"/i, /the targets are: app/i]
const NO_GENERATION = [/r9/, /generations app/]
const NO_INCIDENT = [/there is no incident "agent-999"/i, /lists them|There are: flap-\d+/]
const NO_COMMAND = [/there is no command c999/i, /commands lists them/i]
const NO_ENTRY = [/no entry (#?)999999/i, /\d/]

function needs(word: string, what: string): { readonly [line: string]: readonly RegExp[] } {
  return { [word]: [new RegExp(`"${word}" needs ${what}`, 'i'), new RegExp(`Write: ${word} `)] }
}

/** Where words have fields, what is too much stands in the last of them. */
function no(word: string, argument: string): readonly RegExp[] {
  return [
    new RegExp(`"${word}" takes no "${argument}"|${argument}" can['’]t be the \\w+ of "${word}"`, 'i'),
    new RegExp(`Write: ${word}|Write it like`),
  ]
}

function bad(word: string, name: string, like: RegExp): readonly RegExp[] {
  return [new RegExp(`can['’]t be the ${name} of "${word}"`), like]
}

/** Every word that people can say, with ways to get it wrong and to get it right, in the order of the word table. */
export const TABLE: { readonly [word in Word]: Row } = {
  status: {
    wrong: { 'status wbe': NO_SERVICE, 'status We!b': bad('status', 'service', /Write it like web-1/) },
    right: [
      { line: 'status', says: /4 services/ },
      { line: 'status job', says: /1 service[\s\S]*job/ },
    ],
  },
  incidents: {
    wrong: { 'incidents all': no('incidents', 'all') },
    right: [{ line: 'incidents', says: /1 incident is open[\s\S]*{incident}/ }],
  },
  incident: {
    wrong: {
      ...needs('incident', 'ID'),
      'incident agent': bad('incident', 'id', /Write it like agent-41/),
      'incident agent-999': NO_INCIDENT,
    },
    right: [{ line: 'incident {incident}', says: /Incident {incident}[\s\S]*flap/ }],
  },
  ledger: {
    wrong: { 'ledger since:yesterdy': [/since|yesterdy/, /\d+[mhd]|write/i] },
    right: [{ line: 'ledger svc:job kind:service', says: /Ledger: svc:job kind:service[\s\S]*job/ }],
  },
  show: {
    wrong: { ...needs('show', 'SEQ'), 'show me': bad('show', 'seq', /Write it like 41/), 'show 999999': NO_ENTRY },
    right: [{ line: 'show 1', says: /Entry #1/ }],
  },
  verify: {
    wrong: { 'verify nonsense': [/nonsense|receipt/i, /./] },
    right: [
      { line: 'verify', says: /The ledger is whole: \d+ entries/ },
      { line: 'verify {receipt}', says: /1 receipt: all of them fit/ },
    ],
  },
  proof: {
    wrong: { ...needs('proof', 'SEQ'), 'proof x': bad('proof', 'seq', /Write it like 41/), 'proof 999999': NO_ENTRY },
    right: [{ line: 'proof 1', says: /Full receipt of entry #1/ }],
  },
  generations: {
    wrong: { 'generations ap': NO_TARGET, 'generations a_b': bad('generations', 'target', /Write it like web-1/) },
    right: [{ line: 'generations app', says: /r2[\s\S]*r1/ }],
  },
  diff: {
    wrong: {
      ...needs('diff', 'TARGET'),
      'diff app': [/"diff" needs FROM/i, /Write: diff TARGET FROM TO/],
      'diff ap r1 r2': NO_TARGET,
      'diff app r1 r9': NO_GENERATION,
    },
    right: [{ line: 'diff app r1 r2', says: /What r2 of app has other than r1[\s\S]*agent\.cjs/ }],
  },
  rollback: {
    wrong: {
      ...needs('rollback', 'TARGET'),
      'rollback ap': NO_TARGET,
      'rollback app r9': NO_GENERATION,
      'rollback app --dry-rn': [
        /"rollback" has no "--dry-rn"|"--dry-rn" can't be the to of "rollback"/i,
        /Write: rollback TARGET \[TO\] \[--dry-run\]|Write it like release-4/,
      ],
      'rollback app r1 now': no('rollback', 'now'),
    },
    right: [
      {
        line: 'rollback app --dry-run',
        says: /Dry run: app would go back to r1[\s\S]*r2 runs now[\s\S]*Nothing was changed/,
      },
      { line: 'rollback app', says: /Waiting: rollback app/, ends: 'awaiting' },
      { line: 'approve {command} {code}', by: 1, says: /rollback app/, ends: 'succeeded' },
    ],
  },
  deploy: {
    wrong: {
      ...needs('deploy', 'TARGET'),
      'deploy app': [/"deploy" needs REF/i, /Write: deploy TARGET REF/],
      'deploy ap r2': NO_TARGET,
      'deploy app r9': NO_GENERATION,
    },
    right: [{ line: 'deploy app r2', says: /deploy app r2/, ends: 'succeeded' }],
  },
  restart: {
    wrong: { ...needs('restart', 'SERVICE'), 'restart wbe': NO_SERVICE, 'restart job now': no('restart', 'now') },
    right: [{ line: 'restart job', says: /(Done|Running): restart job/, ends: 'succeeded' }],
  },
  stop: {
    wrong: { ...needs('stop', 'SERVICE'), 'stop wbe': NO_SERVICE },
    right: [{ line: 'stop job', says: /(Done|Running): stop job/, ends: 'succeeded' }],
  },
  start: {
    wrong: { 'start wbe': NO_SERVICE, 'start job job': no('start', 'job') },
    right: [{ line: 'start job', says: /(Done|Running): start job/, ends: 'succeeded' }],
  },
  logs: {
    wrong: {
      ...needs('logs', 'SERVICE'),
      'logs wbe': NO_SERVICE,
      'logs flap many': bad('logs', 'lines', /Write it like 50/),
    },
    right: [{ line: 'logs flap 5', says: /What flap wrote last[\s\S]*no luck/ }],
  },
  ack: {
    wrong: { ...needs('ack', 'ID'), 'ack flap': bad('ack', 'id', /agent-41/), 'ack agent-999': NO_INCIDENT },
    right: [{ line: 'ack {incident}', says: /(Done|Running): ack {incident}/, ends: 'succeeded' }],
  },
  resolve: {
    wrong: { ...needs('resolve', 'ID'), 'resolve agent-999': NO_INCIDENT },
    right: [{ line: 'resolve {incident}', says: /(Done|Running): resolve {incident}/, ends: 'succeeded' }],
  },
  silence: {
    wrong: {
      ...needs('silence', 'SERVICE'),
      'silence job': [/"silence" needs FOR/i, /Write: silence SERVICE FOR \[WHY\]/],
      'silence job soon': [/can't be the for of "silence"/, /Write a number with ms, s, m, h or d/],
      'silence wbe 1h': NO_SERVICE,
      'silence job 9999d': [/long/i, /366|year|1d|2h/],
    },
    right: [{ line: 'silence job 1h new disk', says: /(Done|Running): silence job 1h new disk/, ends: 'succeeded' }],
  },
  silences: {
    wrong: { 'silences job': no('silences', 'job') },
    right: [{ line: 'silences', says: /{silence}[\s\S]*new disk/ }],
  },
  unsilence: {
    wrong: {
      ...needs('unsilence', 'ID'),
      'unsilence silence-999': [/there is no silence "silence-999"/i, /lists those that stand/],
    },
    right: [{ line: 'unsilence {silence}', says: /(Done|Running): unsilence {silence}/, ends: 'succeeded' }],
  },
  commands: {
    wrong: { 'commands all': no('commands', 'all') },
    right: [{ line: 'commands', says: /No command waits for anybody[\s\S]*unsilence/ }],
  },
  approve: {
    wrong: {
      ...needs('approve', 'ID'),
      'approve it': bad('approve', 'id', /Write it like c17/),
      'approve c999': NO_COMMAND,
      'approve c999 123456': NO_COMMAND,
    },
    right: [
      { line: 'rollback app r1', says: /Waiting: rollback app r1/, ends: 'awaiting' },
      { line: 'approve {command} {code}', by: 1, says: /rollback app r1/, ends: 'succeeded' },
    ],
  },
  deny: {
    wrong: { ...needs('deny', 'ID'), 'deny c999': NO_COMMAND },
    right: [
      { line: 'rollback app r2', says: /Waiting: rollback app r2/, ends: 'awaiting' },
      { line: 'deny {command}', by: 1, says: /Turned down: rollback app r2/, ends: 'rejected' },
    ],
  },
  whoami: {
    wrong: { 'whoami please': no('whoami', 'please') },
    right: [
      { line: 'whoami', says: /You are alice, an admin/ },
      { line: 'whoami', by: 1, says: /You are bob, an operator/ },
    ],
  },
  oncall: { wrong: { 'oncall now': no('oncall', 'now') }, right: [{ line: 'oncall', says: /On call: bob/ }] },
  freeze: {
    wrong: { [`freeze ${'x'.repeat(301)}`]: [/can['’]t be the why of "freeze"|has 301 characters/, /./] },
    right: [{ line: 'freeze audit until noon', says: /(Done|Running): freeze audit until noon/, ends: 'succeeded' }],
  },
  unfreeze: {
    wrong: { 'unfreeze app': no('unfreeze', 'app') },
    right: [{ line: 'unfreeze', says: /(Done|Running): unfreeze/, ends: 'succeeded' }],
  },
  // On the host only: refused here in whatever way it is said, and the refusal is recorded.
  unlock: {
    wrong: { ...needs('unlock', 'OPERATOR') },
    right: [{ line: 'unlock bob', says: /"unlock" is for the host's command line only/ }],
  },
  report: {
    wrong: {
      ...needs('report', 'ID'),
      'report agent-999': NO_INCIDENT,
      'report {incident} pdf': [/can['’]t be the form of "report"/, /Write one of html, md/],
    },
    right: [{ line: 'report {incident} md', says: /(?=[\s\S]*Report of incident {incident})[\s\S]*{incident}\.md/ }],
  },
  help: {
    wrong: { 'help rolback': [/there is no word "rolback"/i, /did you mean rollback\?/i] },
    right: [{ line: 'help', says: /What can be said to heald/ }],
  },
}
