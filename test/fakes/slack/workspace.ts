import type { Upload } from './uploads.ts'
import type { View } from './views.ts'

// One workspace with one app in it: who may do what, what stands in its channels, and how fast it may be asked.

export interface WorkspaceOptions {
  readonly botToken?: string
  readonly appToken?: string
  readonly signingSecret?: string
  /** Ids of the channels the app is a member of. */
  readonly channels?: readonly string[]
  readonly scopes?: readonly string[]
}

export interface Stored {
  readonly ts: string
  /** False for what a person wrote. */
  readonly isOurs: boolean
  text: string
  blocks: readonly unknown[]
  metadata: unknown
  readonly threadTs: string | null
  readonly isBroadcast: boolean
  readonly unfurls: boolean
  editedTs: string | null
  /** Deleted, but there are answers to it: "This message was deleted." */
  isTombstone: boolean
  /** A person has locked its thread. */
  isLocked: boolean
}

export interface Room {
  readonly id: string
  isMember: boolean
  isArchived: boolean
  messages: Stored[]
}

/** An answer to a word: seen by one person alone, or a file in a channel. */
export interface Answered {
  text: string
  blocks: readonly unknown[]
  readonly channel: string
  readonly user: string
  readonly isEphemeral: boolean
  readonly atMs: number
  readonly file: { readonly name: string; readonly text: string } | null
}

export interface Workspace {
  readonly team: string
  readonly domain: string
  readonly appId: string
  readonly botUser: string
  readonly botId: string
  readonly botToken: string
  readonly appToken: string
  readonly signingSecret: string
  readonly scopes: Set<string>
  readonly rooms: Map<string, Room>
  isRevoked: boolean
  readonly breaches: string[]
  /** Ids of people who are in all channels. */
  readonly people: readonly string[]
  /** What answers to words, in order. */
  readonly answers: Answered[]
  readonly triggers: Map<string, { readonly bornMs: number; readonly user: string; isUsed: boolean }>
  readonly views: View[]
  readonly uploads: Map<string, Upload>
  /** Seconds to wait, or 0: counts one call of the method. */
  takeTurn(method: string, channel: string): number
  /** Names the next message. */
  nextTs(): string
  newId(prefix: string): string
}

/** "Short bursts >1 allowed" (https://docs.slack.dev/apis/web-api/rate-limits), not how short. */
const BURST = 5
const POSTS_PER_S = 1
/** Tier 3, per method and workspace. */
const TIER_3_PER_MINUTE = 50
const TIER_3 = new Set(['chat.update', 'chat.delete', 'conversations.history'])

export function createWorkspace(options: WorkspaceOptions = {}): Workspace {
  const {
    botToken = 'xoxb-1111-2222-fakebottoken',
    appToken = 'xapp-1-A0FAKE-3333-fakeapptoken',
    signingSecret = '8f742231b10e8888abcd99yyyzzz85a5',
    channels = ['C0ONE', 'C0TWO'],
    scopes = ['chat:write', 'commands', 'channels:history', 'files:write'],
  } = options
  const breaches: string[] = []
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  const calls = new Map<string, number[]>()
  const blockedUntilMs = new Map<string, number>()
  let lastTs = 0
  let ids = 0

  function limit(method: string, channel: string, nowMs: number): number {
    if (method === 'chat.postMessage') {
      const bucket = buckets.get(channel) ?? { tokens: BURST, atMs: nowMs }
      const tokens = Math.min(BURST, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * POSTS_PER_S)
      buckets.set(channel, { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs: nowMs })
      return tokens >= 1 ? 0 : 1
    }
    if (!TIER_3.has(method)) return 0
    const recent = (calls.get(method) ?? []).filter(atMs => nowMs - atMs < 60_000)
    const isFull = recent.length >= TIER_3_PER_MINUTE
    calls.set(method, isFull ? recent : [...recent, nowMs])
    return isFull ? Math.ceil((60_000 - (nowMs - (recent[0] ?? nowMs))) / 1000) : 0
  }

  return {
    team: 'T0FAKE',
    domain: 'fake',
    appId: 'A0FAKE',
    botUser: 'U0BOT',
    botId: 'B0BOT',
    botToken,
    appToken,
    signingSecret,
    scopes: new Set(scopes),
    rooms: new Map(channels.map(id => [id, { id, isMember: true, isArchived: false, messages: [] }])),
    isRevoked: false,
    breaches,
    people: ['U0HUMAN', 'U0BOB'],
    answers: [],
    triggers: new Map(),
    views: [],
    uploads: new Map(),
    takeTurn(method, channel) {
      const nowMs = Date.now()
      const key = method === 'chat.postMessage' ? `${method} ${channel}` : method
      if (nowMs < (blockedUntilMs.get(key) ?? 0)) breaches.push(`${key}: called before Retry-After was over`)
      const waitS = limit(method, channel, nowMs)
      if (waitS > 0) {
        breaches.push(`${key}: too fast`)
        blockedUntilMs.set(key, nowMs + waitS * 1000)
      }
      return waitS
    },
    nextTs() {
      lastTs = Math.max(lastTs + 1, Date.now() * 1000)
      return `${Math.floor(lastTs / 1e6)}.${String(lastTs % 1e6).padStart(6, '0')}`
    },
    newId(prefix) {
      ids += 1
      return `${prefix}${ids}`
    },
  }
}

export function messageIn(room: Room, ts: unknown): Stored | undefined {
  return room.messages.find(message => message.ts === ts)
}

/** As when somebody deletes it: with answers to it, a tombstone stays. */
export function deleteMessage(room: Room, ts: string): void {
  const message = messageIn(room, ts)
  if (message === undefined) return
  if (room.messages.some(({ threadTs }) => threadTs === ts)) message.isTombstone = true
  else room.messages = room.messages.filter(one => one !== message)
}
