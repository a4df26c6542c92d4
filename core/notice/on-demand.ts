import type { ServiceStatus, Status } from '../api/control.ts'
import type { ChannelStatus, NoticeControl } from '../api/notice-control.ts'
import type { Follow } from '../api/routes.ts'
import type { Clock } from '../clock.ts'
import type { ChatCommands } from '../command/port.ts'
import type { HostConfig } from '../config/spec.ts'
import type { Draft, Entry } from '../entry.ts'
import { messageOf } from '../fault.ts'
import type { Incidents } from '../incident/fold.ts'
import type { Head } from '../ledger/ledger.ts'
import type { BotSocketOptions } from './bot-socket.ts'
import type { CheckpointStore } from './checkpoint-desk.ts'
import { type NoticeMemory, silenceStatus } from './memory.ts'

export interface NoticesOptions {
  readonly clock: Clock
  readonly state: string
  readonly socket: string
  readonly memory: NoticeMemory
  readonly incidents: Incidents
  readonly config: () => HostConfig
  readonly head: () => Head
  readonly checkpoints: CheckpointStore
  readonly commands: ChatCommands
  readonly status: () => Status
  readonly supervisor: {
    statuses(): readonly ServiceStatus[]
    stale(config: HostConfig): readonly string[]
    service(name: string): { restart(by: string): Promise<void> }
  }
  readonly append: (draft: Draft) => Promise<unknown>
  readonly follow: Follow
  readonly findAccount: BotSocketOptions['findAccount']
  readonly warn: (text: string) => void
  /** For tests: how long a confirmation of an escalation is waited for. */
  readonly confirmMs?: number
  /** A Fault while nothing can be recorded: orders are refused then. */
  readonly mustRecord: () => void
  /** Resolves when all services are taken up and the ledger's past is known. */
  readonly whenReady: () => Promise<unknown>
}

/** All that core does about notices: the bot's socket, the health of channels, silences, maintenance, escalation. */
export interface Notices extends NoticeControl {
  /** The configuration that holds from now on, at the start and after each reload. Never rejects. */
  apply(config: HostConfig): Promise<void>
  /** The past is known: timers run from now on. Called again after each `apply`. */
  begin(): void
  /** Entries that have just become durable and are folded. */
  take(entries: readonly Entry[]): void
  /** The last lines of a service that ended, and the entry that says so. */
  noteTail(seq: number, tail: string): void
  /** In the order of the configuration. */
  channels(): readonly ChannelStatus[]
  /** Stops timers. */
  release(): void
  /** Closes the bot's socket, bounded. */
  close(timeoutMs: number): Promise<void>
}

/** Loaded only where something is configured, or was before: an idle daemon does without its memory. */
export function noticesOnDemand(options: NoticesOptions): Notices {
  const { memory, warn } = options
  let loaded: Notices | null = null
  let hasBegun = false

  async function load(): Promise<Notices> {
    const { createNotices } = await import('./notices.ts')
    loaded ??= createNotices(options)
    return loaded
  }
  const isNeeded = ({ notice }: HostConfig) =>
    notice.channels.length + notice.escalation.length + notice.maintenance.length > 0 ||
    memory.silences.size + memory.channels.size > 0

  /** For orders, which need it whatever is configured. */
  async function ready(): Promise<Notices> {
    options.mustRecord()
    await options.whenReady()
    const notices = loaded ?? (await load())
    if (hasBegun) notices.begin()
    return notices
  }

  async function apply(config: HostConfig): Promise<void> {
    if (loaded === null && !isNeeded(config)) return
    try {
      const notices = await load()
      await notices.apply(config)
      if (hasBegun) notices.begin()
    } catch (error) {
      warn(`notices could not be taken up: ${messageOf(error)}`)
    }
  }

  return {
    apply,
    begin() {
      hasBegun = true
      if (loaded !== null) loaded.begin()
      // Of what the past has told it was not known before that this is needed.
      else void apply(options.config())
    },
    take: entries => loaded?.take(entries),
    noteTail: (seq, tail) => loaded?.noteTail(seq, tail),
    channels: () => loaded?.channels() ?? [],
    silences: () => [...memory.silences.values()].map(silenceStatus),
    checkSilence: async order => (await ready()).checkSilence(order),
    silence: async (order, by) => (await ready()).silence(order, by),
    unsilence: async (id, by) => (await ready()).unsilence(id, by),
    release: () => loaded?.release(),
    close: async timeoutMs => loaded?.close(timeoutMs),
  }
}
