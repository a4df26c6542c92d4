import type { Clock } from '../core/clock.ts'
import type { Offer } from '../core/command/port.ts'
import type { Entry } from '../core/entry.ts'
import { asFault, codeOf, Fault, messageOf } from '../core/fault.ts'
import type { Card } from './card.ts'
import type { Cards } from './cards.ts'
import type { CoreLink } from './core-link.ts'

/**
 * Keeps the buttons of cards what core lets people do now. What an entry may have changed is asked for again, one card after
 * the other and not too often: core looks at the world for each, and makes the buttons durable.
 */
export interface Offering {
  /** At a start: what cards do not have yet. */
  begin(): void
  /** Cards that an entry has changed. */
  take(entry: Entry, changed: readonly string[]): void
  /** A button was pressed that core does not take any more. */
  stale(button: string): void
  /** Buttons that end soon are made anew. */
  refresh(): void
  close(): void
}

export interface OfferingOptions {
  readonly link: Pick<CoreLink, 'offers' | 'command'>
  readonly clock: Clock
  readonly cards: Cards
  /** Something else is to be shown. */
  readonly onChange: () => void
  readonly warn: (text: string) => void
}

/** One that is over by then needs none: most crashes are. */
const SETTLED_MS = 1500
/** Between two questions. */
const EVERY_MS = 200
const AGAIN_MS = 5000
const MOST_TRIES = 20
const SOON_MS = 3_600_000
/** After these, a way back may be another one. */
const MOVES = /^(switch\.(committed|failed|observed)|rollback\.(verified|held|failed)|generation\.|freeze\.|silence\.)/

export function createOffering({ link, clock, cards, onChange, warn }: OfferingOptions): Offering {
  /** Cards that are to be asked about, and when, monotonic. */
  const due = new Map<string, { atMs: number; tries: number }>()
  let cancel: (() => void) | null = null
  let isAsking = false
  let isClosed = false
  let said = ''

  function want(id: string, inMs: number): void {
    const atMs = clock.monoMs() + inMs
    const known = due.get(id)
    if (known === undefined) due.set(id, { atMs, tries: 0 })
    else known.atMs = Math.min(known.atMs, atMs)
    plan()
  }

  function plan(): void {
    cancel?.()
    cancel = null
    if (isAsking || isClosed || due.size === 0) return
    const soonest = Math.min(...[...due.values()].map(({ atMs }) => atMs))
    cancel = clock.after(Math.max(EVERY_MS, soonest - clock.monoMs()), () => void next())
  }

  async function next(): Promise<void> {
    const nowMs = clock.monoMs()
    const [id, found] = [...due].find(([, { atMs }]) => atMs <= nowMs) ?? []
    if (id === undefined || found === undefined) return plan()
    due.delete(id)
    isAsking = true
    try {
      await ask(id)
      said = ''
    } catch (error) {
      const fault = asFault(error)
      if (messageOf(error) !== said) warn(`buttons could not be asked for: ${messageOf(error)}`)
      said = messageOf(error)
      const afterMs = fault instanceof Fault && typeof fault.retry === 'number' ? fault.retry : AGAIN_MS
      const isOfUse = found.tries < MOST_TRIES && !codeOf(error).endsWith('.unknown')
      if (isOfUse) due.set(id, { atMs: clock.monoMs() + Math.max(afterMs, EVERY_MS), tries: found.tries + 1 })
    } finally {
      isAsking = false
      plan()
    }
  }

  async function ask(id: string): Promise<void> {
    const before = cards.byId.get(id)
    if (before === undefined) return
    if (before.about.what === 'command') return askPeople(id)
    const about = aboutOf(before)
    const offers = about === null ? [] : await link.offers(about)
    const card = cards.byId.get(id)
    if (card === undefined || sameOffers(card.offers, offers)) return
    cards.byId.set(id, { ...card, offers })
    onChange()
  }

  /** Who may approve it, and whose approvals count, is no entry: it depends on the configuration of now. */
  async function askPeople(id: string): Promise<void> {
    const view = await link.command(id.replace(/^command:/, ''))
    const card = cards.byId.get(id)
    if (view === null || card?.about.what !== 'command' || card.about.command.state !== 'awaiting') return
    const { approvers, approvals, needs, seq } = view
    const { command } = card.about
    // What core knows already and the card does not is asked for again when the card does.
    const counted = seq === command.seq ? { command: { ...command, approvals }, missing: needs } : {}
    cards.byId.set(id, { ...card, about: { ...card.about, approvers, ...counted } })
    onChange()
  }

  function look(id: string): void {
    const card = cards.byId.get(id)
    if (card?.about.what === 'command') {
      if (card.about.command.state === 'awaiting') want(id, 0)
    } else if (card !== undefined && (aboutOf(card) !== null || card.offers.length > 0))
      want(id, card.offers.length > 0 ? 0 : SETTLED_MS)
  }

  return {
    begin() {
      for (const id of cards.byId.keys()) look(id)
    },
    take({ kind }, changed) {
      for (const id of changed) look(id)
      // Other people may approve by now, and what some have approved may not count any more.
      if (kind === 'config.applied') for (const [id, { about }] of cards.byId) if (about.what === 'command') look(id)
      if (!MOVES.test(kind)) return
      for (const [id, { offers, about }] of cards.byId) if (offers.length > 0 && about.what !== 'command') want(id, 0)
    },
    stale(button) {
      for (const [id, { offers }] of cards.byId) if (offers.some(offer => offer.button === button)) want(id, 0)
    },
    refresh() {
      const soonMs = clock.wallMs() + SOON_MS
      for (const [id, { offers }] of cards.byId)
        if (offers.some(({ expiresTs }) => Date.parse(expiresTs) < soonMs)) want(id, 0)
    },
    close() {
      isClosed = true
      cancel?.()
    },
  }
}

/** What core is asked about for a card; null: there is nothing to be done about it. */
function aboutOf({ about, isOver }: Card): string | null {
  if (about.what === 'incidents') {
    const [only, ...more] = about.members
    return isOver || only === undefined || more.length > 0 ? null : only.id
  }
  if (about.what !== 'switch') return null
  return about.state === 'committed' || about.state === 'held' ? `target:${about.target}` : null
}

function sameOffers(before: readonly Offer[], now: readonly Offer[]): boolean {
  return JSON.stringify(before) === JSON.stringify(now)
}
