import type { Card, Incidents, Switch } from './card.ts'
import { HELD } from './card.ts'

/** What is left to do for people, as words after "You: "; '' for nothing that has to be said. */
export function adviceOf(card: Card): string {
  switch (card.about.what) {
    case 'incidents':
      return forIncidents(card, card.about)
    case 'switch':
      return forSwitch(card, card.about)
    case 'silence':
    case 'command':
      return ''
  }
}

function forIncidents({ kind, severity, isOver, isAcked, next, changes }: Card, { members }: Incidents): string {
  const [only, ...more] = members
  if (only === undefined) return ''
  if (isOver)
    return changes.length > 0 ? 'nothing at once; what had changed is below, mend it before the next deploy' : ''
  if (isAcked) return more.length === 0 && only.ackedBy !== null ? `nothing: ${only.ackedBy} takes care of it` : ''
  if (kind === 'ledger')
    return `see what is damaged with "heald ledger verify", then "heald ack ${only.id}": until then nothing is rolled back`
  if (kind === 'channel') return 'look with "heald doctor"; the other channels tell of everything meanwhile'
  if (severity !== 'critical') return 'nothing yet'
  if (more.length > 0) return 'see which with "heald status", then "heald ack ID" for those that you take care of'
  const name = only.services[0] ?? ''
  if (next === HELD) return `find out what ${name} needs ("heald logs ${name}"), then "heald ack ${only.id}"`
  return `find the cause with "heald logs ${name}", then "heald ack ${only.id}" says that you are on it`
}

function forSwitch({ severity }: Card, { state, target, to }: Switch): string {
  switch (state) {
    case 'under way':
    case 'rolling back':
      return 'nothing yet'
    case 'committed':
      return ''
    case 'rolled back':
      return severity === 'info' ? '' : `mend ${to} before it is deployed again`
    case 'failed':
      return `mend ${to}, then deploy again`
    case 'held':
      return `find out why, then deploy or roll back; "heald generations ${target}" lists to what`
  }
}
