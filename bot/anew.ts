import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { messageOf } from '../core/fault.ts'
import type { Incident } from '../core/incident/fold.ts'
import { applyEntry, type Cards, emptyCards, forget, isForgettable } from './cards.ts'
import type { CoreLink } from './core-link.ts'
import { adoptIncident } from './incident-card.ts'
import { policyOf } from './route.ts'
import { silenceOf } from './silence-card.ts'

/**
 * Life of a bot without a memory
 *
 * 1. The ledger's newest entries are folded again, from some time before the oldest incident that is open: so cards are
 *    what they were, those of several incidents and of a switch under way too. Nothing is told meanwhile.
 * 2. An open incident that began long before that is taken as core knows it; its earlier steps are missing in its card.
 * 3. What is over is forgotten, but for what was over only lately and stands in a chat: its last state may be missing.
 */
export interface AnewOptions {
  readonly link: Pick<CoreLink, 'head' | 'incidents' | 'silences' | 'follow'>
  readonly notice: NoticeSpec
  readonly nowMs: number
  /** Ids of cards that stand in chats. */
  readonly told: ReadonlySet<string>
  readonly warn: (text: string) => void
}

/** What may belong to the oldest open incident began within so many entries before it, and so did a switch under way. */
const BEFORE = 2000
const MOST_READ = 20_000
const READ_WITHIN_MS = 10_000

export async function beginAnew(options: AnewOptions): Promise<Cards> {
  const { link, notice, nowMs, told, warn } = options
  const size = await link.head()
  const open = await link.incidents()
  const standing = await link.silences()
  const silenced = (cards: Cards): Cards => {
    for (const { id, match, untilTs } of standing) cards.silences.set(id, silenceOf({ ...match }, untilTs))
    return cards
  }
  let cards = silenced(emptyCards(firstSeq(open, size)))
  try {
    await fold(cards, size, options)
  } catch (error) {
    warn(`the ledger can't be read again, so cards go on without their earlier steps: ${messageOf(error)}`)
    cards = silenced(emptyCards(size))
  }
  for (const incident of [...open].reverse()) if (!cards.cardOf.has(incident.id)) adoptIncident(cards, incident)
  for (const [id, card] of [...cards.byId])
    if (card.isOver && (!told.has(id) || isForgettable(card, notice.flap, nowMs))) forget(cards, id)
  return cards
}

function firstSeq(open: readonly Incident[], size: number): number {
  const seqs = open.flatMap(({ entries }) => entries.slice(0, 1)).filter(seq => seq >= size - MOST_READ)
  return Math.max(0, Math.min(size, ...seqs) - BEFORE)
}

/** Takes in what is there, as it was taken in then: grouping depends on what was silenced at the time. */
async function fold(cards: Cards, size: number, { link, notice }: AnewOptions): Promise<void> {
  if (cards.nextSeq >= size) return
  for await (const entry of link.follow(cards.nextSeq, AbortSignal.timeout(READ_WITHIN_MS))) {
    applyEntry(cards, entry, policyOf(notice, cards.silences, Date.parse(entry.ts)))
    if (cards.nextSeq >= size) return
  }
  throw new Error(`only ${cards.nextSeq} of ${size} entries came in time`)
}
