import type { Kind } from '../entry.ts'

const INCIDENT = ['id', 'severity', 'cause', 'services', 'by', 'step', 'downMs', 'how', 'attempts'] as const
const SWITCH = [
  ...['target', 'from', 'to', 'by', 'older', 'deadlineMs', 'verdict', 'exitCode', 'why', 'baseline', 'unchecked'],
  ...['tookMs', 'place'],
] as const
const ROLLBACK = [
  'target',
  'from',
  'to',
  'cause',
  'step',
  'tookMs',
  'why',
  'verdict',
  'exitCode',
  'current',
  'next',
  'place',
] as const
const GENERATION = ['target', 'generation', 'path', 'level', 'why', 'diff'] as const
const SILENCE = ['id', 'match', 'untilTs', 'by', 'why', 'how'] as const
const COMMAND = [
  ...['id', 'verb', 'args', 'via', 'dedupeKey', 'button', 'by', 'operator', 'role', 'seen', 'expiresTs', 'needs'],
  ...['offers', 'codeStep', 'wrongCodes', 'suppressed', 'why', 'code', 'changedTo', 'result', 'about'],
] as const
const DEAD_MAN = ['target', 'id', 'at', 'result', 'to', 'why', 'afterMs'] as const

/**
 * The fields of `data` that may be written, by kind. Anything else stays out of the ledger and is named in `withheld`:
 * what is written is for ever, so a field has to be let in on purpose.
 */
const TABLE: Readonly<Record<Kind, readonly string[]>> = {
  genesis: ['host', 'origin', 'version', 'publicKey'],
  'segment.opened': ['previous', 'tree', 'stateSha256'],
  'daemon.started': ['version', 'pid', 'boot', 'config', 'adopted'],
  'daemon.stopped': ['reason'],
  'config.applied': ['sha256', 'changes'],
  'service.started': ['pid', 'attempt', 'generation', 'generationPath', 'standby', 'unit'],
  'service.ready': ['pid', 'readyMs'],
  'service.exited': [
    ...['pid', 'exitCode', 'signal', 'exit', 'oom', 'uptimeMs', 'wanted', 'rssBytes', 'diagnosis', 'tail'],
    ...['launchError', 'attempt', 'result'],
  ],
  'service.unhealthy': ['check', 'verdict', 'misses', 'error', 'sinceMs'],
  'service.hung': ['check', 'verdict', 'misses', 'error', 'sinceMs', 'pid', 'tail'],
  'service.logged': ['pid', 'tail', 'rssBytes'],
  'service.restarting': ['attempt', 'delayMs', 'cause', 'by'],
  'service.recovered': ['downMs', 'attempts'],
  'service.adopted': ['pid', 'startTime', 'by', 'why', 'unit'],
  'service.stopped': ['pid', 'startTime', 'by', 'why', 'goingDown'],
  'service.held': ['pid', 'startTime', 'by', 'why', 'stayDown', 'waitsFor'],
  'service.released': ['unit', 'pid', 'why'],
  'crashloop.detected': ['failures', 'withinMs', 'verdict', 'why'],
  'incident.opened': INCIDENT,
  'incident.acked': INCIDENT,
  'incident.escalated': INCIDENT,
  'incident.resolved': INCIDENT,
  'switch.observed': SWITCH,
  'switch.armed': SWITCH,
  'switch.activating': SWITCH,
  'switch.probation': SWITCH,
  'switch.committing': SWITCH,
  'switch.committed': SWITCH,
  'switch.failed': SWITCH,
  'rollback.started': ROLLBACK,
  'rollback.activated': ROLLBACK,
  'rollback.verified': ROLLBACK,
  'rollback.failed': ROLLBACK,
  'rollback.held': ROLLBACK,
  'generation.quarantined': GENERATION,
  'generation.good': GENERATION,
  'deadman.armed': DEAD_MAN,
  'deadman.disarmed': DEAD_MAN,
  'deadman.fired': DEAD_MAN,
  'command.offered': COMMAND,
  'command.requested': COMMAND,
  'command.denied': COMMAND,
  'command.awaiting': COMMAND,
  'command.approved': COMMAND,
  'command.rejected': COMMAND,
  'command.expired': COMMAND,
  'command.started': COMMAND,
  'command.succeeded': COMMAND,
  'command.failed': COMMAND,
  'freeze.on': SILENCE,
  'freeze.off': SILENCE,
  'silence.created': SILENCE,
  'silence.ended': SILENCE,
  'escalation.due': ['incident', 'step', 'to', 'fallback', 'result', 'why', 'tookMs', 'tail'],
  'channel.down': ['channel', 'why', 'final'],
  'channel.up': ['channel', 'why'],
  'channel.delivered': ['channel', 'chat', 'card', 'reference', 'which', 'for', 'step'],
  'target.trouble': ['target', 'place', 'why'],
  'target.clear': ['target', 'place'],
  'checkpoint.posted': ['size', 'root', 'where', 'chat', 'reference'],
  'key.rotated': ['epoch', 'publicKey', 'fromSeq', 'why'],
  'key.begun': ['epoch'],
  'ledger.gap': ['what', 'op', 'code', 'why', 'segment', 'lost', 'refused', 'rewritten', 'sha256', 'fromTs', 'toTs'],
  'ledger.torn': ['segment', 'offset', 'bytes', 'sha256', 'savedAs'],
  'ledger.pruned': ['upTo', 'root', 'segments', 'archive'],
  'ledger.erased': ['seq', 'sha256'],
  'integrity.alert': ['what', 'why', 'segment', 'line', 'seq', 'mark', 'found', 'savedAs'],
  'clock.rewound': ['lastTs', 'nowTs', 'byMs'],
}

export const FIELDS = Object.fromEntries(
  Object.entries(TABLE).map(([kind, fields]) => [kind, new Set(fields)]),
) as unknown as Readonly<Record<Kind, ReadonlySet<string>>>
