import type { Entry } from '../core/entry.ts'
import { followIncident, type Incident } from '../core/incident/fold.ts'
import { spanOf } from '../core/incident/measure.ts'
import { whatChanged } from '../core/incident/what-changed.ts'
import { entryInWords } from '../core/incident/words.ts'
import { receiptOf } from '../core/ledger/receipt.ts'
import { kindOf } from '../core/notice/match.ts'
import { type Card, HELD, type Incidents, MOST_MEMBERS, newCard, withStep, worse } from './card.ts'
import { type Cards, MOST_CARDS, type Policy } from './cards.ts'
import { isAlarming } from './due.ts'

/** Incidents that open so soon after a card's first one are told of in it. */
export const TOGETHER_MS = 2000
const MOST_OPENINGS = 100
const MOST_CHANGES = 4

/** The incident that an entry belongs to; null: none. */
export function incidentOf({ inc, kind }: Entry): string | null {
  return inc === undefined || inc === '' || kind === 'channel.delivered' ? null : inc
}

/** Puts an entry of an incident into its card, which may have to be made. Answers the card's id; null: nothing changed. */
export function followIncidentCard(cards: Cards, entry: Entry, policy: Policy): string | null {
  const inc = incidentOf(entry) ?? ''
  const known = cards.cardOf.get(inc)
  const card = known === undefined ? undefined : cards.byId.get(known)
  const member = card === undefined ? undefined : memberOf(card, inc)
  const incident = followIncident(member, inc, entry)
  if (incident === null || incident === member) return null
  const lean = { ...incident, entries: [] }
  const home = card ?? homeFor(cards, entry, lean, policy)
  const now = told(joined(home, lean), entry)
  const next = isAlarming(now) && !isAlarming(home) ? { ...now, alarmMs: now.changedMs } : now
  cards.byId.set(next.id, next)
  cards.cardOf.set(inc, next.id)
  // The one whose place it took is over: a service that flaps for weeks would leave thousands.
  if (member === undefined) forgetReplaced(cards, home, next)
  return next.id
}

function forgetReplaced({ cardOf }: Cards, before: Card, after: Card): void {
  if (before.about.what !== 'incidents') return
  for (const { id } of before.about.members) if (memberOf(after, id) === undefined) cardOf.delete(id)
}

/** An open incident that is known only as it is now: its story so far is lost. */
export function adoptIncident(cards: Cards, incident: Incident): void {
  const openedMs = Date.parse(incident.openedTs)
  const lean = { ...incident, entries: [] }
  const card = joined(emptyCard(incident, openedMs), lean)
  cards.byId.set(card.id, { ...card, isContinued: true, changedMs: openedMs })
  cards.cardOf.set(incident.id, card.id)
  for (const service of incident.services) cards.lastOf.set(service, card.id)
}

function memberOf({ about }: Card, inc: string): Incident | undefined {
  return about.what === 'incidents' ? about.members.find(({ id }) => id === inc) : undefined
}

/** The card that a new incident goes into. */
function homeFor(cards: Cards, entry: Entry, incident: Incident, { flap, audience }: Policy): Card {
  const atMs = Date.parse(entry.ts)
  const service = incident.services[0] ?? ''
  const openings = [...(cards.openings.get(service) ?? []).filter(ms => atMs - ms < flap.withinMs), atMs]
  cards.openings.set(service, openings.slice(-MOST_OPENINGS))
  const alone = joined(emptyCard(incident, atMs), incident)
  const last = cards.byId.get(cards.lastOf.get(service) ?? '')
  const home =
    last !== undefined && openings.length > flap.changes ? last : (neighbour(cards, alone, audience) ?? alone)
  cards.lastOf.set(service, home.id)
  if (home === alone) forgetOpenings(cards, atMs, flap)
  return home === alone ? emptyCard(incident, atMs) : home
}

/** The newest card, if what happens now belongs to it and it is told to the same people. */
function neighbour(cards: Cards, alone: Card, audience: Policy['audience']): Card | undefined {
  const newest = [...cards.byId.values()].findLast(({ about }) => about.what === 'incidents')
  if (newest === undefined || newest.about.what !== 'incidents') return undefined
  if (cards.byId.size >= MOST_CARDS) return newest
  const isTogether = Math.abs(alone.openedMs - newest.openedMs) < TOGETHER_MS && newest.kind === alone.kind
  const hasRoom = newest.about.members.length < MOST_MEMBERS
  return isTogether && hasRoom && audience(newest) === audience(alone) ? newest : undefined
}

/** Services that were quiet for long are not remembered: there may have been many. */
function forgetOpenings({ openings }: Cards, nowMs: number, flap: Policy['flap']): void {
  if (openings.size <= MOST_CARDS) return
  for (const [service, times] of openings) if (nowMs - (times.at(-1) ?? 0) >= flap.withinMs) openings.delete(service)
}

function emptyCard({ id, services }: Incident, openedMs: number): Card {
  const about = { what: 'incidents', members: [], count: 0 } as const
  return newCard({ id, kind: kindOf(services[0]), openedMs, services: [], about })
}

/** The card with this incident as it is now: in its own place, in that of an earlier one of its service, or at the end. */
function joined(card: Card, incident: Incident): Card {
  const { about } = card
  if (about.what !== 'incidents') return card
  const next = listed(about, incident)
  const open = next.members.filter(({ state }) => state !== 'resolved')
  const isBack = card.isOver && open.length > 0
  return {
    ...card,
    about: next,
    services: [...new Set([...card.services, ...incident.services])].slice(0, MOST_MEMBERS),
    severity: isBack ? incident.severity : worse(card.severity, incident.severity),
    sinceMs: isBack ? Date.parse(incident.openedTs) : card.sinceMs,
    isOver: open.length === 0,
    isAcked: open.length > 0 && open.every(({ state }) => state === 'acked'),
  }
}

function listed(about: Incidents, incident: Incident): Incidents {
  const { members, count } = about
  const at = members.findIndex(({ id }) => id === incident.id)
  if (at >= 0) return { ...about, members: members.with(at, incident) }
  const service = incident.services[0] ?? ''
  // One that is not over keeps its place: two of the ledger's may be open at once.
  const earlier = members.findIndex(({ services, state }) => state === 'resolved' && (services[0] ?? '') === service)
  if (earlier >= 0) return { ...about, members: members.with(earlier, incident), count: count + 1 }
  return { ...about, members: [...members, incident], count: count + 1 }
}

function told(card: Card, entry: Entry): Card {
  const atMs = Date.parse(entry.ts)
  const changes = whatChanged([entry]).map(({ target, generation, lines }) => ({
    title: `What ${generation} had changed in ${target}`,
    lines: lines.slice(0, 20),
  }))
  const words = stepWords(entry)
  return {
    ...(words === null ? card : withStep(card, atMs, words)),
    changedMs: atMs,
    next: nextOf(entry, card),
    changes: [...card.changes, ...changes].slice(-MOST_CHANGES),
    receipt: receiptOf(entry.seq, entry.h),
  }
}

/** An entry as a step of the story, in few words: the card says the rest. Null: other entries say the same. */
function stepWords(entry: Entry): string | null {
  const { kind, svc, data } = entry
  const name = svc ?? 'the service'
  switch (kind) {
    case 'incident.opened':
    case 'service.started':
    case 'service.recovered':
    case 'service.logged':
    // How it ends says it all once more.
    case 'service.hung':
      return null
    case 'service.exited':
      return typeof data.diagnosis === 'string' && data.diagnosis !== ''
        ? `${name}: ${data.diagnosis}`
        : entryInWords(entry)
    case 'service.restarting': {
      const when = typeof data.delayMs === 'number' && data.delayMs > 0 ? `in ${spanOf(data.delayMs)}` : 'at once'
      return `${name}: starts again ${when}, attempt ${Number(data.attempt)}`
    }
    case 'crashloop.detected': {
      const now = data.verdict === 'rollback' ? 'a rollback' : String(data.verdict ?? 'slow restarts')
      return `${name}: crash loop, ${Number(data.failures)} failures within ${spanOf(data.withinMs)}; now ${now}`
    }
    case 'incident.escalated':
      // The crash loop itself is the step before.
      return data.step === 'crash loop' ? null : entryInWords(entry)
    case 'rollback.started':
      // Why is what the steps before tell.
      return entryInWords({ ...entry, data: { ...data, why: '', cause: '' } })
    case 'generation.quarantined':
      return entryInWords({ ...entry, data: { ...data, why: 'it is not deployed again unless forced' } })
    default:
      return entryInWords(entry)
  }
}

/** What heald does next after this entry (`heald …`); what the card said before where the entry does not change that. */
function nextOf({ kind, svc, data }: Entry, { next, isOver, about }: Card): string {
  if (isOver) return ''
  const name = svc ?? 'the service'
  switch (kind) {
    case 'service.restarting':
      return typeof data.delayMs === 'number' && data.delayMs > 0
        ? `starts ${name} again in ${spanOf(data.delayMs)}`
        : `starts ${name} again at once`
    case 'service.started':
      return `waits until ${name} is ready`
    case 'service.hung':
      return `kills ${name} and starts it again`
    case 'crashloop.detected':
      return data.verdict === 'rollback'
        ? 'rolls back, then looks whether that helped'
        : `starts ${name} again and again, more and more slowly`
    case 'rollback.started':
      return 'activates the earlier generation'
    case 'rollback.activated':
      return 'looks whether the services are well with it'
    case 'rollback.held':
      return HELD
    case 'service.held':
    case 'service.stopped':
    case 'service.released':
      return ''
    case 'service.ready':
      return about.what === 'incidents' && about.members.length > 1
        ? 'goes on with what is still down'
        : `watches whether ${name} stays well`
    default:
      return next
  }
}
