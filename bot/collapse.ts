import type { ChannelSpec } from '../core/config/channel-spec.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import type { Card } from './card.ts'
import type { Cards } from './cards.ts'
import { isSpared } from './due.ts'
import { type Item, newItem } from './item.ts'
import { looksOf, type Place } from './render.ts'
import { isSilenced } from './route.ts'
import { emptySummary, type Summary, withCard } from './summary.ts'

/** So many cards that were over before a chat was told of them are still told one by one. */
const MOST_SINGLE = 10

export interface CollapseOptions {
  readonly channel: ChannelSpec['kind']
  readonly items: Map<string, Item>
  readonly cards: Cards
  readonly notice: NoticeSpec
  readonly place: Place
  readonly nowMs: number
}

/**
 * Puts what is over and was never told into one summary for each chat, in place: all that the quiet hours held back, and
 * what piled up while a chat could not be reached.
 */
export function collapse(options: CollapseOptions, quiet: { readonly digestMs: number } | null): void {
  const { items, channel, cards } = options
  const waiting = new Map<string, (readonly [Item, Card])[]>()
  for (const item of items.values()) {
    if (item.channel !== channel || item.what !== 'card' || item.reference !== null || item.isOpen) continue
    const card = cards.byId.get(item.card)
    if (card === undefined || !card.isOver || item.settledForMs === card.sinceMs) continue
    if (isSpared(item, card, { channel, isSilenced: isSilenced(card, cards.silences.values(), options.nowMs) })) {
      item.settledForMs = card.sinceMs
      continue
    }
    const list = waiting.get(item.chat) ?? []
    list.push([item, card])
    waiting.set(item.chat, list)
  }
  for (const [chat, all] of waiting) {
    const held = quiet === null ? [] : all.filter(([, card]) => card.severity !== 'critical')
    if (quiet !== null && held.length > 0) summarize(options, chat, 'quiet hours', quiet.digestMs, held)
    const rest = held.length === 0 ? all : all.filter(([, card]) => card.severity === 'critical')
    if (rest.length > MOST_SINGLE) summarize(options, chat, 'unreachable', options.nowMs, rest)
  }
}

function summarize(
  { items, channel, nowMs, place }: CollapseOptions,
  chat: string,
  reason: Summary['reason'],
  dueMs: number,
  told: readonly (readonly [Item, Card])[],
): void {
  // One that may be there already says what it said.
  const open = [...items.values()].find(
    item => item.channel === channel && item.chat === chat && item.summary?.reason === reason && !item.isOpen,
  )
  let summary = open?.summary ?? emptySummary(reason, told[0]?.[1].openedMs ?? nowMs, dueMs)
  for (const [item, card] of told) {
    summary = withCard(summary, card, looksOf(card, place).title)
    item.settledForMs = card.sinceMs
  }
  const id = open?.id ?? `summary ${reason} ${nowMs}|${channel}|${chat}`
  items.set(id, { ...newItem({ id, what: 'summary', channel, chat, card: '', graceMs: 0 }), ...open, summary })
}
