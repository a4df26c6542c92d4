import { cleanLine } from '../core/cli/text.ts'
import { type Person, PLATFORMS } from '../core/command/port.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { spanOf } from '../core/incident/measure.ts'
import type { Card } from './card.ts'
import { cleaned } from './cleaned.ts'
import { alarmOf, isAlarming } from './due.ts'
import { cardItemId, type Item, newItem } from './item.ts'
import type { Called, Message } from './message.ts'
import { footerOf, leadOf, looksOf, type Place } from './render.ts'

/** A ping waits so long for the card that it answers to, which may be refused or held back. */
const WAIT_FOR_CARD_MS = 5000

/** The card's item at this chat gets an answer with a sound, once for the present trouble. */
export function addPing(items: Map<string, Item>, item: Item, card: Card, place: Place): void {
  item.loudForMs = alarmOf(card)
  const id = `ping ${alarmOf(card)}|${item.id}`
  if (items.has(id)) return
  const { channel, chat, graceMs } = item
  items.set(
    id,
    newItem({ id, what: 'ping', channel, chat, card: card.id, graceMs, words: pingOf(card, place, channel) }),
  )
}

/** Chats that an escalation step calls, each with a ping; the answer names them. */
export function escalate(
  items: Map<string, Item>,
  card: Card,
  { incident, step, to }: { readonly incident: string; readonly step: number; readonly to: readonly string[] },
  { notice, place, nowMs }: { readonly notice: NoticeSpec; readonly place: Place; readonly nowMs: number },
): { readonly channel: string; readonly chat: string }[] {
  const chats = notice.channels
    .filter(({ kind }) => to.includes(kind))
    .flatMap(({ kind, chats }) => chats.map(chat => ({ channel: kind, chat })))
  for (const { channel, chat } of chats) {
    const id = `escalation ${incident} ${step}|${channel}|${chat}`
    if (items.has(id)) continue
    const why = `Nobody has acknowledged it for ${spanOf(nowMs - card.sinceMs)}, so you are called (step ${step + 1}).`
    const words = pingOf(card, place, channel, why)
    const escalation = { incident, step, dueMs: nowMs }
    items.set(id, newItem({ id, what: 'ping', channel, chat, card: card.id, graceMs: 0, words, escalation }))
  }
  return chats
}

function pingOf(card: Card, place: Place, channel: string, why = ''): Message {
  const lead = why === '' ? [] : [{ block: 'text' as const, text: why }]
  return cleaned({
    ...looksOf(card, place),
    blocks: [...lead, ...leadOf(card)],
    footer: footerOf(card, place),
    buttons: [],
    ...(card.about.what === 'command' ? { calls: callsOf(card.about.approvers ?? [], channel) } : {}),
  })
}

/** Those who may approve it, by what this platform calls them. */
function callsOf(people: readonly Person[], channel: string): Called[] {
  const platform = PLATFORMS.find(each => each === channel)
  return people.map(person => ({
    name: cleanLine(person.operator),
    // On Slack the team may stand before it.
    id: platform === undefined ? null : (person[platform][0]?.split('/').at(-1) ?? null),
  }))
}

/** What it calls people for is over by now, or somebody has seen to it: nobody is woken for that. */
export function isLate({ escalation }: Item, card: Card): boolean {
  if (escalation === null) return !isAlarming(card)
  const { about, isOver } = card
  const its = about.what === 'incidents' ? about.members.find(({ id }) => id === escalation.incident) : undefined
  return isOver || its?.state === 'resolved'
}

/** Whether the card that the ping answers to is there, or has been waited for long enough. */
export function looksReady(ping: Item, items: ReadonlyMap<string, Item>, nowMs: number): boolean {
  if (ping.isOpen || cardItem(ping, items)?.reference != null) return true
  // Also when the clock was set back since.
  return Math.abs(nowMs - (ping.escalation?.dueMs ?? 0)) > WAIT_FOR_CARD_MS
}

/** Reference of the message that a ping answers to; null where there is none. */
export function replyTo(item: Item, items: ReadonlyMap<string, Item>): string | null {
  return item.what === 'ping' ? (cardItem(item, items)?.reference ?? null) : null
}

function cardItem({ card, channel, chat }: Item, items: ReadonlyMap<string, Item>): Item | undefined {
  return items.get(cardItemId(card, channel, chat))
}
