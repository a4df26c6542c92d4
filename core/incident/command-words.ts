import { lineOf } from '../command/parse.ts'
import type { Args } from '../command/port.ts'
import { because, type Fields, text } from './phrase.ts'

/** One sentence for each kind that commands and freeze write. */
export const COMMAND_WORDS: { readonly [kind: string]: (data: Fields) => string } = {
  'command.offered': data => `buttons were offered for ${text(data.about, 'a card')}`,
  'command.requested': data => `${whoOf(data)} asked for ${commandOf(data)}${stateOf(data.seen)}`,
  'command.denied': data =>
    `${whoOf(data)} tried ${commandOf(data)}, and may not${because(data.why)}${more(data.suppressed)}`,
  'command.awaiting': data => `${commandOf(data)} waits for ${needOf(data.needs)}`,
  'command.approved': data => {
    const left = needOf(data.needs)
    return `${whoOf(data)} approved ${commandOf(data)}${left === '' ? '' : `; it still waits for ${left}`}`
  },
  'command.rejected': data => `${commandOf(data)} was turned down${because(data.why)}`,
  'command.expired': data => `${commandOf(data)} was given up${because(data.why)}`,
  'command.started': data => `${commandOf(data)} was started`,
  'command.succeeded': data => `${commandOf(data)} is done${because(data.why)}`,
  'command.failed': data => `${commandOf(data)} failed${because(data.why)}`,
  'freeze.on': data => `automatic changes were frozen by ${text(data.by, 'somebody')}${because(data.why)}`,
  'freeze.off': data => `automatic changes are allowed again by ${text(data.by, 'somebody')}`,
}

/** `c17 (rollback web)`; of a step that names no arguments only what it is. */
function commandOf({ id, verb, args }: Fields): string {
  const word = text(verb, 'a command')
  const line = typeof args === 'object' && args !== null ? lineOf(word, args as Args) : word
  return typeof id === 'string' && id !== '' ? `${id} (${line})` : `"${line}"`
}

/** Who it is for people, and by which account. */
function whoOf({ operator, by }: Fields): string {
  const account = text(by, 'somebody')
  return typeof operator === 'string' && operator !== '' && operator !== account ? `${operator} (${account})` : account
}

function stateOf(seen: unknown): string {
  const { facts } = (typeof seen === 'object' && seen !== null ? seen : {}) as { readonly facts?: Fields }
  const to = (facts?.to ?? null) as Fields | null
  return typeof to?.generation === 'string' ? `, which leads to ${to.generation}` : ''
}

function needOf(needs: unknown): string {
  const { approvals, code } = (typeof needs === 'object' && needs !== null ? needs : {}) as Fields
  const count = typeof approvals === 'number' ? approvals : 0
  if (count === 0) return code === true ? 'a one-time code' : ''
  return `${count === 1 ? 'an approval' : `${count} approvals`} of others${code === true ? ', with a code' : ''}`
}

function more(suppressed: unknown): string {
  return typeof suppressed === 'number' ? ` (${suppressed} more tries were not recorded)` : ''
}
