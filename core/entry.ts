/**
 * What an entry of the ledger is, before and after it is written.
 *
 * `must` entries (orders, switches, keys) are awaited: their promise resolves when they are durable and rejects when
 * they can't be. `soft` ones (health) never reject and nothing waits for them: healing goes on without a disk.
 */
export const KINDS = {
  genesis: 'must',
  'segment.opened': 'must',
  'daemon.started': 'must',
  'daemon.stopped': 'must',
  'config.applied': 'must',
  'service.started': 'soft',
  'service.ready': 'soft',
  'service.exited': 'soft',
  'service.unhealthy': 'soft',
  'service.hung': 'soft',
  'service.logged': 'soft',
  'service.restarting': 'soft',
  'service.recovered': 'soft',
  'service.adopted': 'soft',
  'service.stopped': 'soft',
  'service.held': 'soft',
  'service.released': 'soft',
  'crashloop.detected': 'must',
  'incident.opened': 'soft',
  'incident.acked': 'soft',
  'incident.escalated': 'soft',
  'incident.resolved': 'soft',
  'switch.observed': 'must',
  'switch.armed': 'must',
  'switch.activating': 'must',
  'switch.probation': 'must',
  'switch.committing': 'must',
  'switch.committed': 'must',
  'switch.failed': 'must',
  'rollback.started': 'must',
  'rollback.activated': 'must',
  'rollback.verified': 'must',
  'rollback.failed': 'must',
  'rollback.held': 'must',
  'generation.quarantined': 'must',
  'generation.good': 'must',
  'deadman.armed': 'must',
  'deadman.disarmed': 'must',
  'deadman.fired': 'must',
  'command.offered': 'must',
  'command.requested': 'must',
  'command.denied': 'must',
  'command.awaiting': 'must',
  'command.approved': 'must',
  'command.rejected': 'must',
  'command.expired': 'must',
  'command.started': 'must',
  'command.succeeded': 'must',
  'command.failed': 'must',
  'freeze.on': 'must',
  'freeze.off': 'must',
  'silence.created': 'must',
  'silence.ended': 'must',
  'escalation.due': 'must',
  'channel.down': 'soft',
  'channel.up': 'soft',
  'channel.delivered': 'soft',
  'target.trouble': 'must',
  'target.clear': 'must',
  'checkpoint.posted': 'must',
  'key.rotated': 'must',
  'key.begun': 'must',
  'ledger.gap': 'must',
  'ledger.torn': 'must',
  'ledger.pruned': 'must',
  'ledger.erased': 'must',
  'integrity.alert': 'must',
  'clock.rewound': 'must',
} as const satisfies Record<string, 'must' | 'soft'>

export type Kind = keyof typeof KINDS

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }
export type Data = { readonly [key: string]: Json | undefined }

/**
 * The incident an entry belongs to. Its id is `<svc>-<seq of the opening entry>`, so it is known only once the opening
 * entry's line is built; entries queued in the same turn share the reference and are written after it.
 */
export interface IncidentRef {
  readonly svc: string
  seq?: number
}

/**
 * A chain of its own inside the ledger: each of its entries names the `h` of the one before in `data.prevCommand`. The writer
 * fills that in and moves `h` on when it builds the line, so entries that are queued together follow each other too.
 */
export interface ChainRef {
  /** Of the newest entry of the chain; 64 zeros before the first. */
  h: string
}

/** What a caller hands to the ledger. */
export interface Draft {
  readonly kind: Kind
  readonly svc?: string
  /** An id, or the reference of an incident opened in this run. */
  readonly inc?: string | IncidentRef
  /** True on the one entry that opens `inc`: the writer sets `inc.seq` to this entry's own seq. */
  readonly opens?: boolean
  /** `heald`, `local:admin`, `outside`, `telegram:<id>` … Left out: `heald`. */
  readonly actor?: string
  readonly data: Data
  /** The chain of commands, on each of its entries. */
  readonly chain?: ChainRef
  /** Text that may have to be erased later: stored aside, its salted SHA-256 goes to `data.tail`. */
  readonly tail?: string
}

/** One line of the ledger, parsed. */
export interface Entry {
  readonly v: 1
  readonly seq: number
  /** `h` of the entry before, 64 hex; zeros for seq 0. */
  readonly prev: string
  /** Wall clock, ISO 8601 with milliseconds, UTC. */
  readonly ts: string
  /** Monotonic clock, microseconds since boot. */
  readonly mono: number
  /** First 8 hex of the kernel's boot id. */
  readonly boot: string
  readonly kind: Kind
  readonly svc?: string
  readonly inc?: string
  readonly actor?: string
  readonly data: Data
  readonly h: string
}

/** The text form of an incident reference, `<svc>-<seq>`; `<svc>-?` while its opening entry waits for its line. */
export function incidentId(ref: string | IncidentRef): string {
  return typeof ref === 'string' ? ref : `${ref.svc}-${ref.seq ?? '?'}`
}

/** The actor of an order: who is known for certain, without the name claimed beside it (`local:admin/alice`). */
export function actorOf(by: string): string {
  // On Slack what stands behind the slash is known for certain as well.
  return by.startsWith('local:') ? (by.split('/', 1)[0] ?? by) : by
}
