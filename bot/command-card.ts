import { needsFrom } from '../core/command/entry-data.ts'
import { type Command, ENDED, emptyCommands, missingOf } from '../core/command/memory.ts'
import type { Needs, Offer } from '../core/command/port.ts'
import { rememberCommand } from '../core/command/remember.ts'
import type { Entry } from '../core/entry.ts'
import { entryInWords } from '../core/incident/words.ts'
import { receiptOf } from '../core/ledger/receipt.ts'
import { type Card, newCard, withStep } from './card.ts'
import type { Cards } from './cards.ts'

/**
 * One card for each command, from what was asked for to what came of it. Answers its card's id; null: the entry changes
 * none. The fold is core's own.
 */
export function followCommand(cards: Cards, entry: Entry): string | null {
  const { kind, data } = entry
  // What was only offered is a card's affair, and a denied try changes nothing about what it was to approve.
  if (!kind.startsWith('command.') || kind === 'command.offered' || kind === 'command.denied') return null
  const { id } = data
  if (typeof id !== 'string') return null
  const known = cards.byId.get(`command:${id}`)
  const before = known?.about.what === 'command' ? known.about : null
  const memory = emptyCommands()
  if (before !== null) memory.byId.set(id, before.command)
  rememberCommand(memory, entry)
  const found = memory.byId.get(id)
  if (found === undefined || found === before?.command) return null
  const command: Command = { ...found, offers: found.offers.map(plainOffer), effects: [] }
  const card = known ?? begun(command)
  const isWaiting = command.state === 'awaiting'
  const atMs = Date.parse(entry.ts) || card.changedMs
  const next: Card = {
    ...card,
    ...{ changedMs: atMs, isOver: ENDED.has(command.state), receipt: receiptOf(entry.seq, entry.h) },
    alarmMs: isWaiting && before?.command.state !== 'awaiting' ? atMs : card.alarmMs,
    severity: command.state === 'failed' ? 'warning' : 'info',
    about: {
      ...{ what: 'command', command, approvers: isWaiting ? (before?.approvers ?? null) : null },
      missing: isWaiting ? missingAfter(entry, command) : null,
    },
  }
  const told = withStep(next, atMs, stepWords(entry, command))
  cards.byId.set(told.id, told)
  if (typeof data.button === 'string') forgetButton(cards, data.button)
  return told.id
}

function begun(command: Command): Card {
  const { id, args, atMs } = command
  const named = [args.service, args.target].filter(name => typeof name === 'string')
  const about = { what: 'command', command, approvers: null } as const
  return newCard({ id: `command:${id}`, kind: 'command', openedMs: atMs, services: named, about })
}

/** Whose approvals count is known to core alone: rights may have been taken since. */
function missingAfter({ kind, data }: Entry, command: Command): Needs {
  return kind === 'command.approved' && data.needs !== undefined ? needsFrom(data.needs) : missingOf(command)
}

/** A step in few words: what it is all about stands above. */
function stepWords(entry: Entry, command: Command): string {
  const name = `${command.id} (`
  const words = entryInWords(entry)
  if (entry.kind === 'command.requested') return `asked for by ${command.operator}`
  if (entry.kind === 'command.approved') {
    const { approvals } = missingAfter(entry, command)
    const left = approvals > 0 ? `; ${approvals} more to come` : ''
    return `approved by ${command.approvals.at(-1)?.operator ?? 'somebody'}${left}`
  }
  if (!words.startsWith(name)) return words
  return words.slice(words.indexOf(') ') + 2)
}

/** Without the state that it was made against, which core keeps. */
function plainOffer({ button, word, args, label, style, code, expiresTs }: Offer): Offer {
  return { button, word, args, label, style, code, expiresTs }
}

/** It is of no use any more, wherever it is shown. */
function forgetButton({ byId }: Cards, button: string): void {
  for (const [id, card] of byId)
    if (card.offers.some(offer => offer.button === button))
      byId.set(id, { ...card, offers: card.offers.filter(offer => offer.button !== button) })
}

/** Told by the answer and by another card: then nobody else needs one. */
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['ack', 'resolve', 'silence', 'unsilence'])

export function isToldElsewhere({ about }: Card): boolean {
  if (about.what !== 'command') return false
  const { verb, state, needs } = about.command
  const isSmooth = state === 'requested' || state === 'approved' || state === 'started' || state === 'succeeded'
  return TOLD_ELSEWHERE.has(verb) && isSmooth && needs.approvals === 0 && !needs.code
}
