import type { Entry, Json } from '../core/entry.ts'
import { entryInWords } from '../core/incident/words.ts'
import { receiptOf } from '../core/ledger/receipt.ts'
import { matchFrom } from '../core/notice/memory.ts'
import { type Card, newCard, withStep } from './card.ts'
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
    ...(card ?? begun(id, entry)),
    ...{ changedMs: atMs, isOver: kind === 'silence.ended', receipt: receiptOf(entry.seq, entry.h) },
  }
  cards.byId.set(next.id, withStep(next, atMs, entryInWords(entry)))
  return next.id
}

export function silenceOf(match: Json | undefined, untilTs: Json | undefined): ActiveSilence {
  const untilMs = typeof untilTs === 'string' ? Date.parse(untilTs) : Number.NaN
  return { ...matchFrom(match), untilMs: Number.isNaN(untilMs) ? Number.MAX_SAFE_INTEGER : untilMs }
}

function begun(id: string, { ts, data, actor }: Entry): Card {
  const { untilMs, services, severity, kinds } = silenceOf(data.match, data.untilTs)
  const openedMs = Date.parse(ts)
  return newCard({
    ...{ id: `silence:${id}`, kind: 'silence', openedMs, services: services ?? [] },
    about: {
      what: 'silence',
      match: [...(services ?? []), ...(severity ?? []), ...(kinds ?? [])].join(', ') || 'everything',
      untilMs,
      by: textOf(data.by) || (actor ?? ''),
      why: textOf(data.why),
    },
  })
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
