import type { ChannelSpec } from './channel-spec.ts'

/** What a notice is about. */
export type NoticeKind = 'incident' | 'switch' | 'channel' | 'ledger' | 'silence' | 'command'

/** Each part that is not null has to fit. Names of services may have `*` for any characters. */
export interface MatchSpec {
  readonly severity: readonly ('info' | 'warning' | 'critical')[] | null
  readonly services: readonly string[] | null
  readonly kinds: readonly NoticeKind[] | null
}

/** The first route whose match fits says where a notice goes. */
export interface RouteSpec {
  readonly match: MatchSpec
  /** Names of channels; all chats of each. Empty: nowhere. */
  readonly to: readonly string[]
  /** An incident that is over within this makes no sound; WhatsApp waits for it. */
  readonly graceMs: number
}

export interface EscalationStep {
  /** After the incident was opened. */
  readonly afterMs: number
  /** `acked`: not once somebody has acknowledged it; `resolved`: until it is over. */
  readonly unless: 'acked' | 'resolved'
  readonly to: readonly string[]
}

/** In which pushes are hidden, once or again and again. */
export interface MaintenanceSpec {
  readonly match: MatchSpec
  readonly when:
    | { readonly fromMs: number; readonly toMs: number }
    /** In the host's time zone. */
    | { readonly cron: string; readonly forMs: number }
  readonly why: string
}

export interface NoticeSpec {
  /** In the order of the file; names are their kinds. */
  readonly channels: readonly ChannelSpec[]
  /** Never empty where there are channels: without any in the file, one that leads all to all. */
  readonly routes: readonly RouteSpec[]
  /** The last lines that a service wrote may go to chats. */
  readonly logs: boolean
  /** So many incidents of one service within this become one card. */
  readonly flap: { readonly changes: number; readonly withinMs: number }
  readonly escalation: readonly EscalationStep[]
  /** Run with the incident as JSON on its stdin when an escalation reached nobody; empty: none. */
  readonly fallback: readonly string[]
  readonly maintenance: readonly MaintenanceSpec[]
}

export interface BotSpec {
  /** `child`: heald starts and heals it; `unit`: somebody else does. */
  readonly run: 'child' | 'unit'
  /** Whom it runs as; null: heald's own user. */
  readonly user: string | null
  /** Folder of its own state, absolute; null: `bot` in heald's state folder. */
  readonly state: string | null
}
