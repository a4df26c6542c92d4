import type { Entry, Kind } from '../core/entry.ts'
import type { Severity } from '../core/incident/fold.ts'
import { refOf } from '../core/incident/switch-words.ts'
import { whatChanged } from '../core/incident/what-changed.ts'
import { entryInWords } from '../core/incident/words.ts'
import { receiptOf } from '../core/ledger/receipt.ts'
import { type Card, HELD, newCard, type Switch, withStep, worse } from './card.ts'
import type { Cards } from './cards.ts'

const MOST_CHANGES = 4

/**
 * One card for each switch, from its first entry to its end. A rollback that a crash loop led to has no card of its own:
 * its incident's card tells of it. Answers the card's id; null: the entry changes none.
 */
export function followSwitch(cards: Cards, entry: Entry): string | null {
  const { kind, data } = entry
  const { target } = data
  if (typeof target !== 'string' || !/^(switch|rollback|generation|deadman)\./.test(kind)) return null
  const known = cards.byId.get(cards.switching.get(target) ?? '')
  const card = begins(entry, known) ? begun(entry, target) : known
  if (card === undefined || card.about.what !== 'switch') return null
  const next = told(card, card.about, entry)
  cards.byId.set(next.id, next)
  // What a generation is found to be comes after the end, and belongs to it.
  if (!next.isOver) cards.switching.set(target, next.id)
  else if (card.isOver && kind.startsWith('generation.')) cards.switching.delete(target)
  return next.id
}

function begins({ kind, data, inc }: Entry, known: Card | undefined): boolean {
  const isUnderWay = known !== undefined && !known.isOver
  if (kind === 'switch.armed') return true
  // That what runs is looked at for the first time is nobody's news.
  if (kind === 'switch.observed') return !isUnderWay && !(typeof data.why === 'string' && data.why !== '')
  return kind === 'rollback.started' && !isUnderWay && inc === undefined
}

function begun({ seq, ts, data, actor, kind }: Entry, target: string): Card {
  return newCard({
    ...{ id: `switch:${target}-${seq}`, kind: 'switch', openedMs: Date.parse(ts), services: [target] },
    about: {
      ...{ what: 'switch', target, back: '', state: 'under way', why: '' },
      // A rollback that somebody asks for is about the generation that it leaves.
      ...(kind === 'rollback.started'
        ? { from: '', to: refOf(data.from, '') }
        : { from: refOf(data.from, ''), to: refOf(data.to, '') }),
      by: kind === 'switch.observed' ? 'somebody outside heald' : actor === undefined || actor === 'heald' ? '' : actor,
    },
  })
}

const STATES: { readonly [kind in Kind]?: readonly [Switch['state'], Severity] } = {
  'switch.armed': ['under way', 'info'],
  'switch.observed': ['under way', 'info'],
  'switch.committed': ['committed', 'info'],
  'switch.failed': ['failed', 'warning'],
  'rollback.started': ['rolling back', 'warning'],
  'rollback.verified': ['rolled back', 'warning'],
  'rollback.failed': ['rolling back', 'critical'],
  'rollback.held': ['held', 'critical'],
  'deadman.fired': ['rolling back', 'critical'],
}

const NEXT: { readonly [kind in Kind]?: string } = {
  'switch.armed': 'activates it',
  'switch.activating': 'puts it on probation',
  'switch.probation': 'commits it if the services stay well, else rolls back',
  'switch.observed': 'puts it on probation',
  'rollback.started': 'activates the earlier generation',
  'rollback.activated': 'looks whether the services are well with it',
  'rollback.failed': 'tries the next known-good generation',
  'rollback.held': HELD,
}

function told(card: Card, about: Switch, entry: Entry): Card {
  const { kind, data } = entry
  const atMs = Date.parse(entry.ts)
  const [state, severity] = STATES[kind] ?? [about.state, card.severity]
  const isOver = state === 'committed' || state === 'rolled back' || state === 'failed' || state === 'held'
  // Somebody's own order is no trouble; what heald has to do on its own is.
  const isAsked = data.cause === 'operator' && about.state !== 'held'
  const changes = whatChanged([entry]).map(({ generation, lines }) => ({
    title: `What ${generation} had changed`,
    lines: lines.slice(0, 20),
  }))
  const next: Card = {
    ...card,
    ...{ changedMs: atMs, isOver, severity: isAsked ? card.severity : worse(card.severity, severity) },
    about: {
      ...about,
      state,
      why: typeof data.why === 'string' && data.why !== '' ? data.why : about.why,
      back: backOf(entry, about.back),
      to: kind === 'switch.observed' || kind === 'switch.armed' ? refOf(data.to, about.to) : about.to,
    },
    next: isOver && state !== 'held' ? '' : (NEXT[kind] ?? card.next),
    changes: [...card.changes, ...changes].slice(-MOST_CHANGES),
    receipt: receiptOf(entry.seq, entry.h),
  }
  const words = stepWords(entry)
  return words === null ? next : withStep(next, atMs, words)
}

/** An entry as a step of the story; null: it is none for people, or other entries say the same. */
function stepWords(entry: Entry): string | null {
  const { kind, data } = entry
  switch (kind) {
    case 'deadman.armed':
    case 'deadman.disarmed':
    case 'switch.committing':
      return null
    case 'generation.quarantined':
      return entryInWords({ ...entry, data: { ...data, why: 'it is not deployed again unless forced' } })
    case 'rollback.started':
    case 'rollback.held':
      // Why stands above.
      return entryInWords({ ...entry, data: { ...data, why: '', cause: '', verdict: '' } })
    default:
      return entryInWords(entry)
  }
}

function backOf({ kind, data }: Entry, before: string): string {
  if (kind === 'rollback.held') return refOf(data.current, before)
  return /^rollback\.|^deadman\.fired/.test(kind) ? refOf(data.to, before) : before
}
