import type { ChannelStatus } from '../api/notice-control.ts'
import type { Clock } from '../clock.ts'
import type { NoticeSpec } from '../config/notice-spec.ts'
import type { HostConfig } from '../config/spec.ts'
import type { Draft, Entry } from '../entry.ts'
import type { Incident, Incidents } from '../incident/fold.ts'
import { alarm, soonestOf } from './alarm.ts'
import type { BotPresence } from './bot-presence.ts'
import type { ChannelMemory, NoticeMemory } from './memory.ts'

/**
 * Life of a channel's trouble
 *
 * 1. The bot reports `channel.down`. Most of these are over in a moment, and nobody hears of them.
 * 2. Down for a minute, or at once where only somebody's change helps: an incident of the channel's own, `channel:<name>`.
 *    It goes the way of all incidents, so the other channels tell of it.
 * 3. `channel.up`, or a configuration without the channel: it is resolved. Resolved by hand, it stays so until the channel
 *    was up again.
 */
export interface ChannelHealthOptions {
  readonly clock: Clock
  readonly memory: NoticeMemory
  readonly incidents: Incidents
  readonly presence: Pick<BotPresence, 'isThere' | 'hasTold'>
  readonly append: (draft: Draft) => Promise<unknown>
  readonly warn: (text: string) => void
}

export interface ChannelHealth {
  /** Looks at all channels, and again whenever that is due. Before it was called once, nothing is recorded. */
  look(config: HostConfig): void
  take(entries: readonly Entry[]): void
  statuses(config: HostConfig): readonly ChannelStatus[]
  release(): void
}

const PATIENCE_MS = 60_000
const AGAIN_MS = 30_000
const PREFIX = 'channel:'

export function channelHealth(options: ChannelHealthOptions): ChannelHealth {
  const { clock, memory, incidents, presence } = options
  let config: HostConfig | null = null
  /** Names whose entry is on its way. */
  const writing = new Set<string>()
  const timer = alarm(clock, lookAgain)

  /** Trouble of this name: the newest incident. */
  function newest(name: string): Incident | undefined {
    return [...incidents.byId.values()].findLast(({ services }) => services[0] === PREFIX + name)
  }

  function lookAgain(): void {
    if (config === null) return
    const { notice } = config
    const names = new Set<string>(notice.channels.map(({ kind }) => kind))
    // One that is no longer configured may have left its incident.
    for (const { services, state } of incidents.byId.values())
      if (state !== 'resolved' && services[0]?.startsWith(PREFIX)) names.add(services[0].slice(PREFIX.length))
    const dues = [...names].map(name => lookAt(name, notice))
    timer.set(soonestOf(dues))
  }

  /** When to look again; null: when something happens. */
  function lookAt(name: string, notice: NoticeSpec): number | null {
    const channel = memory.channels.get(name)
    const trouble = newest(name)
    const isOpen = trouble !== undefined && trouble.state !== 'resolved'
    if (!notice.channels.some(({ kind }) => kind === name)) {
      if (isOpen) write(name, resolved(trouble, 'it is no longer configured'))
      return null
    }
    if (channel === undefined || channel.isUp) {
      if (isOpen && channel !== undefined) write(name, resolved(trouble, 'it is up again'))
      return null
    }
    if (isOpen || (trouble !== undefined && Date.parse(trouble.openedTs) >= channel.sinceMs)) return null
    const dueMs = troubleMs(channel)
    if (dueMs > clock.wallMs()) return dueMs
    write(name, opened(name, channel, notice))
    return null
  }

  /** When a channel that is down becomes an incident, wall clock. */
  function troubleMs({ isFinal, sinceMs }: ChannelMemory): number {
    const nowMs = clock.wallMs()
    // Told at a time that has yet to come: the clock was set back since, and how long it has been down is not known.
    return isFinal || sinceMs > nowMs + PATIENCE_MS ? nowMs : sinceMs + PATIENCE_MS
  }

  function isLost(name: string): boolean {
    const channel = memory.channels.get(name)
    return channel !== undefined && !channel.isUp && troubleMs(channel) <= clock.wallMs()
  }

  /** Where a route leads to no channel that works, nobody hears of what it is for. */
  function opened(name: string, { why, isFinal }: ChannelMemory, { routes }: NoticeSpec): Draft {
    const svc = PREFIX + name
    const isOnly = routes.some(({ to }) => to.includes(name) && to.every(each => each === name || isLost(each)))
    const cause = `the channel ${name} is down${isFinal ? ' until somebody changes something' : ''}: ${why}`
    const data = { severity: isOnly ? 'critical' : 'warning', cause, services: [svc] }
    return { kind: 'incident.opened', svc, inc: { svc }, opens: true, data }
  }

  function resolved({ id, services: [svc = ''], openedTs }: Incident, how: string): Draft {
    const downMs = Math.max(0, clock.wallMs() - Date.parse(openedTs))
    return { kind: 'incident.resolved', svc, inc: id, data: { downMs, how } }
  }

  function write(name: string, draft: Draft): void {
    if (writing.has(name)) return
    writing.add(name)
    options
      .append(draft)
      .catch(() => null)
      .then(recorded => {
        writing.delete(name)
        if (recorded === null) timer.set(clock.wallMs() + AGAIN_MS)
        else lookAgain()
      })
  }

  return {
    look(next) {
      config = next
      lookAgain()
    },
    take(entries) {
      if (entries.some(({ kind, svc }) => kind === 'channel.up' || kind === 'channel.down' || svc?.startsWith(PREFIX)))
        lookAgain()
    },
    statuses({ notice }) {
      return notice.channels.map(({ kind: name }) => {
        const told = memory.channels.get(name)
        if (!presence.isThere()) return { name, state: 'off', why: 'the bot is not connected' }
        if (told === undefined || !presence.hasTold(name))
          return { name, state: 'off', why: 'the bot has not told of it yet' }
        return { name, state: told.isUp ? 'up' : 'down', why: told.why === '' ? null : told.why }
      })
    },
    release() {
      config = null
      timer.set(null)
    },
  }
}
