import type { MatchSpec } from '../config/notice-spec.ts'

export interface ChannelStatus {
  readonly name: string
  /** `off`: nobody has told of it yet, or the bot is not connected. */
  readonly state: 'up' | 'down' | 'off'
  /** In words; null when there is nothing to say. */
  readonly why: string | null
}

export interface SilenceStatus {
  readonly id: string
  readonly match: MatchSpec
  /** ISO 8601. */
  readonly fromTs: string
  readonly untilTs: string
  /** Who asked for it; `heald` for maintenance of the configuration. */
  readonly by: string
  readonly why: string
}

export interface SilenceOrder {
  /** Name of a service, with `*` for any characters, or `all`. */
  readonly service: string
  /** How long, as people write it: `2h`. */
  readonly for: string
  readonly why: string
}

/** What the socket's server asks about notices. Errors are Faults. */
export interface NoticeControl {
  /** Those that stand, oldest first. */
  silences(): readonly SilenceStatus[]
  /** Throws the Fault that the order would be refused with. */
  checkSilence(order: SilenceOrder): Promise<void>
  /** Resolves when it is durable. */
  silence(order: SilenceOrder, by: string): Promise<SilenceStatus>
  unsilence(id: string, by: string): Promise<SilenceStatus>
}
