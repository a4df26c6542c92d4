import type { Command } from '../core/command/memory.ts'
import type { Needs, Offer, Person } from '../core/command/port.ts'
import type { NoticeKind } from '../core/config/notice-spec.ts'
import type { Incident, Severity } from '../core/incident/fold.ts'

/**
 * One piece of news that is kept up to date in place: an incident (or several that belong together), a switch, a silence,
 * a command.
 * Plain JSON: it is a part of the bot's state. Folded from the ledger's entries by `cards.ts`.
 */
export interface Card {
  readonly id: string
  readonly kind: NoticeKind
  readonly openedMs: number
  /** When it was last opened: one that was over may be opened again by an incident that joins it. */
  readonly sinceMs: number
  /** When it last began to need people: one that was seen to may need them again. */
  readonly alarmMs: number
  /** Of its newest entry. */
  readonly changedMs: number
  /** The highest that it had since it was last opened. */
  readonly severity: Severity
  readonly isOver: boolean
  /** Somebody has acknowledged all that is open in it. */
  readonly isAcked: boolean
  /** Whom it is about, for routes and silences. */
  readonly services: readonly string[]
  readonly about: Incidents | Switch | Silence | Ordered
  /** What happened, oldest first: the first and the newest, with how many were left out between. */
  readonly steps: readonly Happened[]
  readonly leftOut: number
  /** Generations that were quarantined, with what they had changed. */
  readonly changes: readonly Changed[]
  /** What a service wrote last before it ended, where that may be shown. */
  readonly lastLines: Changed | null
  /** What heald does next on its own, in words that follow "heald"; '' for nothing. */
  readonly next: string
  /** Of the newest entry: `#1042·…`. */
  readonly receipt: string
  /** Begun before the bot lost its memory of it. */
  readonly isContinued: boolean
  /** What core lets people do about it now, as buttons. Those of a command are its own. */
  readonly offers: readonly Offer[]
}

export interface Incidents {
  readonly what: 'incidents'
  /** One for each service, the newest of it, in the order of joining. Their `entries` are not kept. */
  readonly members: readonly Incident[]
  /** Incidents so far, those of one service counted each. */
  readonly count: number
}

export interface Switch {
  readonly what: 'switch'
  readonly target: string
  /** What ran before; '' where that is not known. */
  readonly from: string
  /** What it is about: the generation that is deployed, or that a rollback leaves. */
  readonly to: string
  /** Where a rollback leads, or what runs once it is held; '' for neither. */
  readonly back: string
  readonly state: 'under way' | 'rolling back' | 'committed' | 'rolled back' | 'failed' | 'held'
  /** Who asked for it; '' where nobody did. */
  readonly by: string
  readonly why: string
}

export interface Silence {
  readonly what: 'silence'
  readonly match: string
  readonly untilMs: number
  readonly by: string
  readonly why: string
}

export interface Ordered {
  readonly what: 'command'
  /** As it stands; its `effects` are not kept. */
  readonly command: Command
  /** Who may approve it; null: nobody has said it yet. */
  readonly approvers: readonly Person[] | null
  /** What core has said is missing, by whose approvals count; null: nothing, or it does not wait. Older state has none. */
  readonly missing?: Needs | null
}

export interface Happened {
  readonly atMs: number
  readonly words: string
}

export interface Changed {
  readonly title: string
  readonly lines: readonly string[]
}

/** What heald does with a target that is held. */
export const HELD = 'changes nothing there on its own any more'

/** A card takes no more services in. */
export const MOST_MEMBERS = 500
const FIRST_STEPS = 4
const LAST_STEPS = 10
const MOST_WORDS = 400

/** A card of which nothing has been told yet. */
export function newCard(parts: Pick<Card, 'id' | 'kind' | 'openedMs' | 'services' | 'about'>): Card {
  return {
    ...parts,
    ...{
      sinceMs: parts.openedMs,
      alarmMs: parts.openedMs,
      changedMs: parts.openedMs,
      severity: 'info',
      isOver: false,
      isAcked: false,
    },
    ...{ steps: [], leftOut: 0, changes: [], lastLines: null, next: '', receipt: '', isContinued: false, offers: [] },
  }
}

/** The card after one more step of its story. */
export function withStep(card: Card, atMs: number, words: string): Card {
  const step = { atMs, words: words.length > MOST_WORDS ? `${words.slice(0, MOST_WORDS - 1)}…` : words }
  const steps = [...card.steps, step]
  if (steps.length <= FIRST_STEPS + LAST_STEPS) return { ...card, steps }
  return {
    ...card,
    steps: [...steps.slice(0, FIRST_STEPS), ...steps.slice(FIRST_STEPS + 1)],
    leftOut: card.leftOut + 1,
  }
}

/** Which step has others left out before it. */
export const LEFT_OUT_AT = FIRST_STEPS

const RANK = { info: 0, warning: 1, critical: 2 } as const satisfies Record<Severity, number>

export function rankOf(severity: Severity): number {
  return RANK[severity]
}

export function worse(one: Severity, other: Severity): Severity {
  return RANK[other] > RANK[one] ? other : one
}
