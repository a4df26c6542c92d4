import type { Delivery, PostedCheckpoint } from '../api/bot-report.ts'
import type { SilenceStatus } from '../api/notice-control.ts'
import type { MatchSpec } from '../config/notice-spec.ts'
import type { Entry, Json } from '../entry.ts'

/**
 * What has to be known of notices after a restart: a fold over the ledger's entries, bounded, part of the snapshot. It is
 * the one part of this folder that each daemon loads.
 */
export interface NoticeMemory {
  /** By name: what the bot last told of each channel. */
  readonly channels: Map<string, ChannelMemory>
  /** Those that stand, by id, oldest first. */
  readonly silences: Map<string, Silence>
  /** Windows of maintenance that have begun, by id: when each ends or was to end, wall clock. */
  readonly windows: Map<string, number>
  /** Where notices stand in chats, the oldest news first. */
  readonly deliveries: Map<string, Delivery>
  /** By channel and chat: the newest checkpoint that was posted there. */
  readonly witnesses: Map<string, Witness>
  /** Steps of escalation that were due, of incidents that are not over, by `stepKey`. */
  readonly escalations: Map<string, EscalationMemory>
  /** How many silences were made by hand, ever. */
  madeByHand: number
}

/** As people and programs are told of it. */
export function silenceStatus({ id, match, fromMs, untilMs, by, why }: Silence): SilenceStatus {
  const [fromTs, untilTs] = [new Date(fromMs).toISOString(), new Date(untilMs).toISOString()]
  return { id, match, fromTs, untilTs, by, why }
}

export interface Witness extends Omit<PostedCheckpoint, 'reference'> {
  /** When it was told of, wall clock. */
  readonly atMs: number
}

export interface ChannelMemory {
  readonly isUp: boolean
  /** Nothing but somebody's change helps. */
  readonly isFinal: boolean
  readonly why: string
  /** Since when it is up, or down, wall clock. */
  readonly sinceMs: number
}

export interface Silence {
  readonly id: string
  readonly match: MatchSpec
  readonly fromMs: number
  readonly untilMs: number
  readonly by: string
  readonly why: string
}

export interface EscalationMemory {
  readonly incident: string
  readonly step: number
  readonly dueMs: number
  /** The bot has told somebody. */
  readonly isConfirmed: boolean
  /** The fallback program has run, whatever came of it. */
  readonly hasFallenBack: boolean
}

export const MOST_SILENCES = 1000
const MOST_WINDOWS = 1000
const MOST_DELIVERIES = 2000
export const MOST_ESCALATIONS = 10_000
const MOST_CHANNELS = 20
const MOST_WITNESSES = 100
/** A window's id is kept for so long after its end, should the wall clock go back. */
const WINDOW_KEPT_MS = 86_400_000

export const MAINTENANCE = 'maintenance-'

export function emptyNotices(): NoticeMemory {
  return {
    ...{ channels: new Map(), silences: new Map(), windows: new Map(), deliveries: new Map(), escalations: new Map() },
    witnesses: new Map(),
    madeByHand: 0,
  }
}

/** Takes one entry in, in place. Never throws: entries may be of other versions. */
export function rememberNotice(memory: NoticeMemory, entry: Entry): void {
  const { kind, data } = entry
  switch (kind) {
    case 'channel.up':
    case 'channel.down':
      channelTold(memory, entry)
      break
    case 'channel.delivered':
      delivered(memory, entry)
      break
    case 'checkpoint.posted':
      posted(memory, entry)
      break
    case 'silence.created':
      silenceCreated(memory, entry)
      break
    case 'silence.ended': {
      const id = textOf(data.id)
      memory.silences.delete(id)
      // Configured again it begins anew; ended by hand it does not.
      if (data.how === 'not configured') memory.windows.delete(id)
      break
    }
    case 'escalation.due':
      escalated(memory, entry)
      break
    case 'incident.resolved':
      for (const [key, { incident }] of memory.escalations) if (incident === entry.inc) memory.escalations.delete(key)
      break
  }
}

export function stepKey(incident: string, step: number): string {
  return `${incident} ${step}`
}

export function deliveryKey({ channel, chat, card, for: why, step }: Omit<Delivery, 'reference' | 'which'>): string {
  return JSON.stringify([channel, chat, card, why, step])
}

function channelTold(memory: NoticeMemory, { kind, data, ts }: Entry): void {
  const name = textOf(data.channel)
  const isUp = kind === 'channel.up'
  const before = memory.channels.get(name)
  const sinceMs = before?.isUp === isUp ? before.sinceMs : Date.parse(ts)
  put(memory.channels, name, { isUp, isFinal: data.final === true, why: textOf(data.why), sinceMs }, MOST_CHANNELS)
}

function delivered(memory: NoticeMemory, { data, inc }: Entry): void {
  const { which, step } = data
  const delivery: Delivery = {
    ...{ channel: textOf(data.channel), chat: textOf(data.chat), card: textOf(data.card) },
    ...{ reference: textOf(data.reference), which: which === 'edit' ? 'edit' : 'post' },
    ...{ for: data.for === 'escalation' ? 'escalation' : 'card', incident: inc ?? null },
    step: typeof step === 'number' ? step : null,
  }
  put(memory.deliveries, deliveryKey(delivery), delivery, MOST_DELIVERIES)
  if (delivery.for !== 'escalation') return
  // A report that names no step is about all that were due.
  for (const [key, due] of memory.escalations)
    if (due.incident === inc && (delivery.step ?? due.step) === due.step)
      memory.escalations.set(key, { ...due, isConfirmed: true })
}

function posted(memory: NoticeMemory, { data, ts }: Entry): void {
  const [channel, chat, root] = [textOf(data.where), textOf(data.chat), textOf(data.root)]
  if (typeof data.size !== 'number') return
  put(
    memory.witnesses,
    witnessKey(channel, chat),
    { channel, chat, size: data.size, root, atMs: Date.parse(ts) },
    MOST_WITNESSES,
  )
}

export function witnessKey(channel: string, chat: string): string {
  return JSON.stringify([channel, chat])
}

function silenceCreated(memory: NoticeMemory, { data, ts }: Entry): void {
  const id = textOf(data.id)
  const untilMs = Date.parse(textOf(data.untilTs))
  if (id === '' || Number.isNaN(untilMs)) return
  const silence = { id, match: matchFrom(data.match), fromMs: Date.parse(ts), untilMs }
  put(memory.silences, id, { ...silence, by: textOf(data.by), why: textOf(data.why) }, MOST_SILENCES)
  if (!id.startsWith(MAINTENANCE)) {
    memory.madeByHand = Math.max(memory.madeByHand + 1, Number(/-(\d{1,15})$/.exec(id)?.[1] ?? 0))
    return
  }
  for (const [window, endMs] of memory.windows)
    if (endMs + WINDOW_KEPT_MS < silence.fromMs) memory.windows.delete(window)
  put(memory.windows, id, untilMs, MOST_WINDOWS)
}

function escalated(memory: NoticeMemory, { data, ts }: Entry): void {
  const { incident, step, fallback } = data
  if (typeof incident !== 'string' || typeof step !== 'number') return
  const key = stepKey(incident, step)
  const before = memory.escalations.get(key)
  // Its incident was over by then.
  if (before === undefined && fallback === true) return
  const due = before ?? { incident, step, dueMs: Date.parse(ts), isConfirmed: false, hasFallenBack: false }
  put(memory.escalations, key, fallback === true ? { ...due, hasFallenBack: true } : due, MOST_ESCALATIONS)
}

/** Puts a value last; beyond `most`, the first one is forgotten. */
export function put<K, T>(map: Map<K, T>, key: K, value: T, most: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= most) return
  const oldest = map.keys().next().value
  if (oldest !== undefined) map.delete(oldest)
}

export function matchFrom(json: Json | undefined): MatchSpec {
  const { services, severity, kinds } = (typeof json === 'object' && json !== null ? json : {}) as Record<string, Json>
  const texts = (value: Json | undefined) =>
    Array.isArray(value) ? value.filter((item: Json) => typeof item === 'string').map(String) : null
  return {
    ...{ services: texts(services), severity: texts(severity) as MatchSpec['severity'] },
    kinds: texts(kinds) as MatchSpec['kinds'],
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

const MAPS = ['channels', 'silences', 'windows', 'deliveries', 'witnesses', 'escalations'] as const

export function noticesToJson(memory: NoticeMemory): object {
  const maps = MAPS.map(name => [name, [...(memory[name] as Map<string, unknown>)]])
  return { ...Object.fromEntries(maps), madeByHand: memory.madeByHand }
}

/** Puts what a snapshot says into `memory`; a part that has not the shape counts as empty, as in older snapshots. */
export function fillNotices(memory: NoticeMemory, json: unknown): void {
  if (typeof json !== 'object' || json === null) return
  const { madeByHand, ...maps } = json as { readonly [key: string]: unknown }
  if (typeof madeByHand === 'number') memory.madeByHand = madeByHand
  for (const name of MAPS) {
    const pairs = maps[name]
    if (!Array.isArray(pairs)) continue
    for (const pair of pairs)
      if (Array.isArray(pair) && typeof pair[0] === 'string')
        (memory[name] as Map<string, unknown>).set(pair[0], pair[1])
  }
}
