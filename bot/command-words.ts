import { needText, stateText } from '../core/cli/command-text.ts'
import { fieldsOf, textOf } from '../core/command/entry-data.ts'
import type { CommandState, CommandView, Offer, Projection } from '../core/command/port.ts'
import { changesBetween } from '../core/command/projection.ts'
import type { Json } from '../core/entry.ts'
import type { Button, Message } from './message.ts'

/** A command in words: in the answer to whom asked, on its card, in a list. */

const LOOKS: { readonly [state in CommandState]: readonly [icon: string, label: string, tone: Message['tone']] } = {
  requested: ['🔵', 'Asked for', 'info'],
  awaiting: ['⏳', 'Waiting', 'warning'],
  approved: ['🔵', 'Approved', 'info'],
  started: ['🔄', 'Running', 'info'],
  succeeded: ['🟢', 'Done', 'good'],
  failed: ['🟠', 'Not done', 'warning'],
  rejected: ['🚫', 'Turned down', 'info'],
  expired: ['⌛', 'Given up', 'info'],
}

export function commandLooks(
  { id, line, state, operator }: CommandView,
  host = '',
): Pick<Message, 'icon' | 'tone' | 'title'> {
  const [icon, label, tone] = LOOKS[state]
  const where = host === '' ? '' : ` on ${host}`
  return { icon, tone, title: `${label}: ${line}${where}, asked for by ${operator} (${id})` }
}

/** One line, for lists. */
export function commandLine(command: CommandView): string {
  const { id, line, operator, state } = command
  return `${LOOKS[state][0]} ${id} ${line}, by ${operator}: ${stateText(command)}`
}

/** What is to happen, what came of it, and what is still needed. */
export function commandText(command: CommandView): string[] {
  const { state, why, needs, seen, changedTo, result } = command
  const changes = seen === null || changedTo === null ? [] : changesBetween(seen, changedTo)
  return [
    changes.length > 0 ? '' : leadText(seen),
    changes.length > 0 ? `Nothing was done, since it is not as it was shown any more: ${changes.join('; ')}.` : '',
    changes.length > 0 ? 'Ask again if it is still what you want.' : whyText(why),
    state === 'succeeded' ? resultText(result) : '',
    state === 'awaiting' ? `It waits for ${needText(needs)}.` : '',
  ].filter(line => line !== '')
}

function whyText(why: string | null): string {
  return why === null || why === '' ? '' : sentence(why)
}

export function sentence(words: string): string {
  return `${begun(words)}${/[.!?…]$/.test(words) ? '' : '.'}`
}

/** As a sentence begins; what is typed, and its own name, stay as they are. */
export function begun(words: string): string {
  return /^heald\b/.test(words) ? words : `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** Where a switch leads. */
function leadText(seen: Projection | null): string {
  const { current, to, target } = seen?.facts ?? {}
  const [from, where] = [refText(current), refText(to)]
  if (textOf(target) === '' || where === '') return ''
  return from === '' ? `It leads ${target} to ${where}.` : `It leads ${target} from ${from} to ${where}.`
}

function refText(value: Json | undefined): string {
  return textOf(fieldsOf(value).generation)
}

function resultText(result: Json): string {
  const { outcome, current, tookMs, id, untilTs } = fieldsOf(result)
  if (textOf(outcome) !== '') {
    const took = typeof tookMs === 'number' ? ` after ${(tookMs / 1000).toFixed(1)} s` : ''
    const runs = refText(current) === '' ? '' : `; ${refText(current)} runs`
    return `It was ${textOf(outcome)}${took}${runs}.`
  }
  if (textOf(untilTs) !== '') return `It is ${textOf(id)}, until ${textOf(untilTs).slice(0, 16).replace('T', ' ')} UTC.`
  return ''
}

/** Who has approved it so far. */
export function approvalText({ approvals }: CommandView): string {
  return approvals.map(({ operator, by }) => `${operator} (${by})`).join(', ')
}

export function offerButton({ button, label, style, code }: Offer): Button {
  return { id: button, label, style, asksCode: code }
}
