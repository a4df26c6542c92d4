import type { ChannelSpec } from './channel-spec.ts'
import { isRecord, type Path } from './document.ts'

/** What the check and the resolving of channels and notices both have to know. */

export type ChannelKind = ChannelSpec['kind']

export const CHANNEL_KINDS: readonly ChannelKind[] = ['telegram', 'discord', 'slack', 'whatsapp', 'console']

/** The key that lists where notices of a channel go; null: it has one place only. */
export const CHATS_KEY = {
  telegram: 'chats',
  discord: 'channels',
  slack: 'channels',
  whatsapp: 'chats',
  console: null,
} as const satisfies Record<ChannelKind, string | null>

/** The keys of a channel that name where a secret is, required or not. */
export const SECRET_KEYS = {
  telegram: ['token'],
  discord: ['token'],
  slack: ['botToken', 'appToken', 'signingSecret'],
  whatsapp: [],
  console: [],
} as const satisfies Record<ChannelKind, readonly string[]>

export const TELEGRAM_API = 'https://api.telegram.org'
export const DISCORD_API = 'https://discord.com/api'
export const SLACK_API = 'https://slack.com/api/'

export const MAX_CHATS = 50
export const MAX_ROUTES = 100
export const MAX_ESCALATION = 20
export const MAX_MAINTENANCE = 100

export const DEFAULT_GRACE_MS = 10_000
export const MOST_GRACE_MS = 600_000

/** The channels that are written, of known kinds, in the order of the file. */
export function channelsIn(file: unknown): ChannelKind[] {
  if (!isRecord(file) || !isRecord(file.channels)) return []
  return Object.keys(file.channels).flatMap(name => CHANNEL_KINDS.find(kind => kind === name) ?? [])
}

/** Where secrets are named: what stands there is never shown, since it may be the secret itself. */
export function secretPaths(file: unknown): Path[] {
  const operators = isRecord(file) && isRecord(file.operators) ? Object.keys(file.operators) : []
  return [
    ...CHANNEL_KINDS.flatMap(kind => SECRET_KEYS[kind].map(key => ['channels', kind, key])),
    ...operators.map(name => ['operators', name, 'totp']),
  ]
}

/** Whether some window of maintenance comes again and again. */
export function hasCron(file: unknown): boolean {
  const windows = isRecord(file) && Array.isArray(file.maintenance) ? file.maintenance : []
  return windows.some(window => isRecord(window) && Object.hasOwn(window, 'cron'))
}
