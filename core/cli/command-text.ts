import type { CommandView } from '../command/port.ts'
import { cleanLine } from './text.ts'

/** How a command stands, as the end of a sentence that begins with it. */
export function stateText(command: CommandView): string {
  const { state, why, approvals, needs, operator } = command
  const because = why === null || why === '' ? '' : `: ${cleanLine(why)}`
  switch (state) {
    case 'requested':
    case 'approved':
      return 'is about to start'
    case 'awaiting':
      return `waits for ${needText(needs)}${approvals.length === 0 ? '' : ` more; so far ${named(approvals)}`}`
    case 'started':
      return 'was started'
    case 'succeeded':
      return `is done${because}`
    case 'failed':
      return `failed${because}`
    case 'rejected':
      return `was turned down${because === '' ? '' : because}`
    case 'expired':
      return `was given up${because === '' ? ` for ${operator}` : because}`
  }
}

export function needText(needs: CommandView['needs']): string {
  if (needs === null || needs.approvals === 0) return 'a one-time code'
  if (needs.approvals === 1) return `one approval${needs.code ? ' with a code' : ''}`
  return `${needs.approvals} approvals${needs.code ? ', each with a code' : ''}`
}

function named(approvals: CommandView['approvals']): string {
  return approvals.map(({ operator }) => operator).join(', ')
}
