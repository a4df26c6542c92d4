import type { Entry, Json } from '../core/entry.ts'
import { entryInWords } from '../core/incident/words.ts'
import { receiptOf } from '../core/ledger/receipt.ts'
import { type Card, withStep } from './card.ts'
import type { ActiveSilence, Cards } from './cards.ts'

const MOST_SILENCES = 1000

/** A silence begins and ends, and says so both times. Answers its card's id; null: the entry is about none. */
export function followSilence(cards: Cards, entry: Entry): string | null {
  const { kind, data } = entry
  if ((kind !== 'silence.created' && kind !== 'silence.ended') || typeof data.id !== 'string') return null
  const { id } = data
  const card = cards.byId.get(`silence:${id}`)
  if (kind === 'silence.created') {
    if (cards.silences.size >= MOST_SILENCES) return null
    cards.silences.set(id, silenceOf(data.match, data.untilTs))
  } else cards.silences.delete(id)
  const atMs = Date.parse(entry.ts)
  const next: Card = {
    ...(card ?? newCard(id, entry)),
    ...{ changedMs: atMs, isOver: kind === 'silence.ended', receipt: receiptOf(entry.seq, entry.h) },
  }
  cards.byId.set(next.id, withStep(next, atMs, entryInWords(entry)))
  return next.id
}

export function silenceOf(match: Json | undefined, untilTs: Json | undefined): ActiveSilence {
  const parts = typeof match === 'object' && match !== null && !Array.isArray(match) ? match : { services: match }
  const { services, severity, kinds } = parts as { readonly [key: string]: Json | undefined }
  const untilMs = typeof untilTs === 'string' ? Date.parse(untilTs) : Number.NaN
  return {
    ...{ services: listOf(services), severity: listOf(severity), kinds: listOf(kinds) },
    untilMs: Number.isNaN(untilMs) ? Number.MAX_SAFE_INTEGER : untilMs,
  }
}

function listOf(value: Json | undefined): string[] | null {
  if (typeof value === 'string') return value === 'all' ? null : [value]
  return Array.isArray(value) ? value.filter((item: Json) => typeof item === 'string').map(String) : null
}

function newCard(id: string, { ts, data, actor }: Entry): Card {
  const { untilMs, services, severity, kinds } = silenceOf(data.match, data.untilTs)
  const openedMs = Date.parse(ts)
  return {
    ...{ id: `silence:${id}`, kind: 'silence', openedMs, sinceMs: openedMs, changedMs: openedMs, severity: 'info' },
    ...{ isOver: false, isAcked: false, services: services ?? [] },
    about: {
      what: 'silence',
      match: [...(services ?? []), ...(severity ?? []), ...(kinds ?? [])].join(', ') || 'everything',
      untilMs,
      by: textOf(data.by) || (actor ?? ''),
      why: textOf(data.why),
    },
    ...{ steps: [], leftOut: 0, changes: [], lastLines: null, next: '', receipt: '', isContinued: false },
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
