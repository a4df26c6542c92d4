import type { CommandView } from '../core/command/port.ts'
import { viewWith } from '../core/command/view.ts'
import type { Card, Ordered } from './card.ts'
import { approvalText } from './command-words.ts'
import type { Fact } from './message.ts'
import { moment, type Place } from './render.ts'

/** The command of a card, as core shows commands. */
export function viewIn({ command, approvers, missing }: Ordered): CommandView {
  if (command.state !== 'awaiting') return viewWith(command, [])
  const view = viewWith(command, approvers ?? [])
  return { ...view, needs: missing ?? view.needs }
}

export function commandFacts(card: Card, about: Ordered, place: Place): Fact[] {
  const view = viewIn(about)
  const { command } = about
  const approved = approvalText(view)
  const facts: Fact[] = [
    { name: 'Asked for by', value: `${command.operator} (${command.by})` },
    { name: 'Since', value: moment(card.openedMs, place) },
  ]
  if (approved !== '') facts.push({ name: 'Approved by', value: approved })
  if (command.state !== 'awaiting') return facts
  if (view.approvers.length > 0)
    facts.push({ name: 'May approve', value: view.approvers.map(({ operator }) => operator).join(', ') })
  facts.push({ name: 'Given up', value: moment(command.expiresMs, place, card.openedMs) })
  return facts
}
