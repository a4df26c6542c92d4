import { EXIT } from './command.ts'

/** Codes of Faults by which somebody was told no, rather than that something is broken. */
const REFUSED = new Set([
  'daemon.stopping',
  'incident.resolved',
  'ledger.busy',
  'ledger.closed',
  'ledger.degraded',
  'ledger.locked',
  'silence.many',
  'socket.busy',
])

/** Families of codes by which SafeSwitch and the order of commands say that they will not, or not now. */
const REFUSES = /^(target|switch|command)\./

/** Codes of Faults that a wrong path on the command line leads to. */
const WRONG_PATH = new Set(['config.missing', 'config.unreadable', 'export.folder', 'folder.unusable'])

/** The exit code for a Fault's code; 130, as shells have it, for what Ctrl-C ended. */
export function exitOf(code: string): number {
  if (code === 'interrupted') return 130
  // A mistake of heald, whatever the rest of the code says.
  if (code.startsWith('internal.')) return EXIT.bad
  if (code.startsWith('usage.') || code.endsWith('.unknown') || WRONG_PATH.has(code)) return EXIT.usage
  if (code === 'daemon.unreachable' || code === 'daemon.timeout') return EXIT.unreachable
  if (code.endsWith('.refused') || REFUSED.has(code) || REFUSES.test(code)) return EXIT.refused
  return EXIT.bad
}
