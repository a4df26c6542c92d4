import type { ChannelSpec } from '../core/config/channel-spec.ts'
import type { Card } from './card.ts'
import type { Item } from './item.ts'

/**
 * What a card's item needs now. What pings and what doesn't:
 *
 * - The first post leaves at once, without a sound. Everything later is an edit, which wakes nobody.
 * - What is critical, not over and not acknowledged makes a sound when the grace time is over: by the first post, or by
 *   an answer to it. Only once, until it is over and begins again, or somebody has seen to it and more becomes critical.
 * - WhatsApp, where each edit and post is seen, waits for the grace time; what is over by then is not told.
 * - A silence keeps the first post and the sound back; what was posted before goes on. So do quiet hours, but for what is
 *   critical.
 * - A command is people's own doing: it is told without a sound, at any hour; one that waits for an approval makes one, by
 *   an answer that calls those who may give it. Not on WhatsApp, where nobody can.
 */
export type Need =
  | { readonly need: 'nothing' }
  | { readonly need: 'post'; readonly isSilent: boolean }
  | { readonly need: 'edit' }
  | { readonly need: 'ping' }
  /** It is over and was never told: nobody has to hear of it here, or the digest tells of it. */
  | { readonly need: 'settle' }
  | { readonly need: 'wait'; readonly untilMs: number }

export interface Moment {
  readonly nowMs: number
  readonly isSilenced: boolean
  /** When the channel's quiet hours end; null: it has none now. */
  readonly quietUntilMs: number | null
  /** Something else is to be shown than what is. */
  readonly isChanged: boolean
  readonly channel: ChannelSpec['kind']
}

/** Silences are looked at again so often: they end by an entry, which is news. */
const LATER_MS = 60_000
/** So long an answer waits for the names of those whom it is to call. */
const APPROVERS_MS = 3000

export function needOf(item: Item, card: Card, moment: Moment): Need {
  const { nowMs } = moment
  const soundAtMs = soundTime(item, card, nowMs)
  const isAlarm = isAlarming(card)
  if (item.settledForMs === card.sinceMs) return { need: 'nothing' }
  if (item.reference === null) return firstPost(item, card, moment, { isAlarm, soundAtMs })
  if (isAlarm && !moment.isSilenced && item.loudForMs !== alarmOf(card) && soundAtMs <= nowMs) return { need: 'ping' }
  if (moment.isChanged) return { need: 'edit' }
  const isSoundToCome = isAlarm && item.loudForMs !== alarmOf(card) && soundAtMs > nowMs
  return isSoundToCome ? { need: 'wait', untilMs: soundAtMs } : { need: 'nothing' }
}

function firstPost(
  item: Item,
  card: Card,
  { nowMs, isSilenced, quietUntilMs, channel }: Moment,
  { isAlarm, soundAtMs }: { isAlarm: boolean; soundAtMs: number },
): Need {
  const hasSounded = item.loudForMs === alarmOf(card)
  if (card.kind === 'command' && channel === 'whatsapp') return { need: 'settle' }
  const isSilent = !isAlarm || soundAtMs > nowMs || hasSounded || card.kind === 'command'
  // Begun already, or told and gone: people may have read it, so what it becomes has to be told in any case.
  if (item.isOpen || item.posts > 0) return { need: 'post', isSilent: isSilent || isSilenced }
  if (isSpared(item, card, { isSilenced, channel })) return { need: 'settle' }
  if (isSilenced) return { need: 'wait', untilMs: nowMs + LATER_MS }
  if (quietUntilMs !== null && card.severity !== 'critical' && card.kind !== 'command')
    return card.isOver ? { need: 'settle' } : { need: 'wait', untilMs: quietUntilMs }
  if (channel === 'whatsapp' && card.kind === 'incident' && soundAtMs > nowMs)
    return { need: 'wait', untilMs: soundAtMs }
  return { need: 'post', isSilent }
}

/** It is over, and nobody here has to hear of it, not even later. */
export function isSpared(
  { graceMs, isOpen, posts }: Item,
  { kind, isOver, changedMs, sinceMs }: Card,
  { isSilenced, channel }: Pick<Moment, 'isSilenced' | 'channel'>,
): boolean {
  if (!isOver || isOpen || posts > 0) return false
  return isSilenced || (channel === 'whatsapp' && kind === 'incident' && changedMs - sinceMs < graceMs)
}

/** Whether people are needed. A switch that is held is over for heald, and not for them. */
export function isAlarming({ severity, isOver, isAcked, about }: Card): boolean {
  if (about.what === 'incidents')
    return about.members.some(each => each.severity === 'critical' && each.state === 'open')
  if (about.what === 'command') return about.command.state === 'awaiting'
  return severity === 'critical' && !isAcked && (!isOver || (about.what === 'switch' && about.state === 'held'))
}

/** The trouble that a sound is made for, once: another one begins when people are needed again. */
export function alarmOf({ sinceMs, alarmMs }: Card): number {
  return Math.max(sinceMs, alarmMs)
}

/** When the grace time is over. Where the clock was set back since, nobody knows how much of it is left: none. */
function soundTime({ graceMs }: Item, { sinceMs, alarmMs, about }: Card, nowMs: number): number {
  // Whom it calls is asked of core.
  if (about.what === 'command') return about.approvers !== null || alarmMs > nowMs ? nowMs : alarmMs + APPROVERS_MS
  return sinceMs > nowMs + graceMs ? nowMs : sinceMs + graceMs
}
