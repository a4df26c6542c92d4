import type { MatchSpec } from '../core/config/notice-spec.ts'
import type { Entry } from '../core/entry.ts'
import { SEVERITIES } from '../core/incident/fold.ts'
import type { Card } from './card.ts'
import { followCommand } from './command-card.ts'
import { followIncidentCard, incidentOf } from './incident-card.ts'
import { followSilence } from './silence-card.ts'
import { followSwitch } from './switch-card.ts'

/**
 * Cards as a fold over the ledger. Plain data but for the maps, bounded, and never throws: entries may be of newer versions.
 *
 * Which card an incident belongs to
 * 1. Incidents that open within `TOGETHER_MS` of a card's first one, and that the same people are told of, are one card.
 * 2. A service that has had `flap.changes` incidents within `flap.withinMs` goes on in its newest card.
 * 3. Where there are too many cards, the newest takes all.
 */
export interface Cards {
  readonly byId: Map<string, Card>
  /** Of an incident that is not over, or not for long: its card. */
  readonly cardOf: Map<string, string>
  /** Of a service: when its newest incidents were opened, oldest first. */
  readonly openings: Map<string, number[]>
  /** Of a service: the card of its newest incident. */
  readonly lastOf: Map<string, string>
  /** Of a target: the card of the switch under way. */
  readonly switching: Map<string, string>
  /** Silences that stand. */
  readonly silences: Map<string, ActiveSilence>
  /** Seq of the next entry. */
  nextSeq: number
  /** `h` of the entry before that, by which another ledger is told; '' when it was not read. */
  lastH: string
}

export interface ActiveSilence extends MatchSpec {
  readonly untilMs: number
}

/** What decides which incidents are told of in one card. */
export interface Policy {
  readonly flap: { readonly changes: number; readonly withinMs: number }
  /** Names those who are told of a card, and whether it is silenced: only cards for the same people become one. */
  readonly audience: (card: Card) => string
}

/** What one entry changed. */
export interface News {
  /** The card that is different now. */
  readonly card: string
  /** An escalation step that is due: these channels are to hear of it with a sound. */
  readonly escalation?: { readonly step: number; readonly to: readonly string[]; readonly incident: string }
}

export const MOST_CARDS = 1000

export function emptyCards(nextSeq = 0): Cards {
  return {
    ...{ byId: new Map(), cardOf: new Map(), openings: new Map(), lastOf: new Map(), switching: new Map() },
    ...{ silences: new Map(), nextSeq, lastH: '' },
  }
}

/** Takes one entry in, in place. Entries that were folded already change nothing. */
export function applyEntry(cards: Cards, entry: Entry, policy: Policy): News[] {
  if (entry.seq < cards.nextSeq) return []
  cards.nextSeq = entry.seq + 1
  cards.lastH = entry.h
  const news: News[] = []
  const about = followSwitch(cards, entry)
  if (about !== null) news.push({ card: about })
  const silence = followSilence(cards, entry)
  if (silence !== null) news.push({ card: silence })
  const command = followCommand(cards, entry)
  if (command !== null) news.push({ card: command })
  if (entry.kind === 'escalation.due') return [...news, ...escalated(cards, entry)]
  if (incidentOf(entry) === null) return news
  const card = followIncidentCard(cards, entry, policy)
  if (card !== null) news.push({ card })
  return news
}

function escalated(cards: Cards, { data }: Entry): News[] {
  const card = typeof data.incident === 'string' ? cards.cardOf.get(data.incident) : undefined
  if (card === undefined || data.fallback === true) return []
  const to = Array.isArray(data.to) ? data.to.filter(name => typeof name === 'string') : []
  const step = typeof data.step === 'number' ? data.step : 0
  return [{ card, escalation: { step, to, incident: String(data.incident) } }]
}

/** Later than anything that joins a card. */
const KEPT_MS = 60_000

/** Whether the card is over for so long that nothing joins it any more. */
export function isForgettable({ isOver, changedMs }: Card, flap: Policy['flap'], nowMs: number): boolean {
  return isOver && nowMs - changedMs > flap.withinMs + KEPT_MS
}

/** A card that everybody has seen to its end, and that nothing joins any more. */
export function forget(cards: Cards, id: string): void {
  cards.byId.delete(id)
  for (const map of [cards.cardOf, cards.lastOf, cards.switching])
    for (const [key, card] of map) if (card === id) map.delete(key)
}

export function cardsToJson(cards: Cards): object {
  const { byId, nextSeq, lastH, ...maps } = cards
  return {
    cards: [...byId.values()],
    nextSeq,
    lastH,
    ...Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, [...map]])),
  }
}

/** Null when `json` has not the shape. */
export function cardsFromJson(json: unknown): Cards | null {
  if (typeof json !== 'object' || json === null) return null
  const { cards, nextSeq, lastH = '', ...maps } = json as { readonly [key: string]: unknown }
  if (!Array.isArray(cards) || !Number.isSafeInteger(nextSeq) || typeof lastH !== 'string') return null
  const empty = { ...emptyCards(nextSeq as number), lastH }
  for (const card of cards) {
    if (!isCard(card)) return null
    // One of an earlier version does not say all of it.
    empty.byId.set(card.id, { ...card, alarmMs: card.alarmMs ?? card.sinceMs, offers: card.offers ?? [] })
  }
  for (const name of ['cardOf', 'openings', 'lastOf', 'switching', 'silences'] as const) {
    const pairs = maps[name]
    if (!Array.isArray(pairs)) return null
    for (const pair of pairs) {
      if (!Array.isArray(pair) || typeof pair[0] !== 'string') return null
      ;(empty[name] as Map<string, unknown>).set(pair[0], pair[1])
    }
  }
  return empty
}

function isCard(value: unknown): value is Card {
  if (typeof value !== 'object' || value === null) return false
  const { id, kind, severity, steps, about, services, changes, openedMs, sinceMs, changedMs } = value as Partial<Card>
  return (
    [id, kind].every(text => typeof text === 'string') &&
    SEVERITIES.some(each => each === severity) &&
    [openedMs, sinceMs, changedMs].every(Number.isFinite) &&
    Array.isArray(steps) &&
    isAbout(about) &&
    Array.isArray(services) &&
    services.every(name => typeof name === 'string') &&
    Array.isArray(changes)
  )
}

function isAbout(about: Card['about'] | undefined): boolean {
  if (about?.what === 'incidents') return Array.isArray(about.members)
  if (about?.what === 'command') return typeof about.command?.id === 'string' && Array.isArray(about.command.offers)
  return about?.what === 'switch' || about?.what === 'silence'
}
