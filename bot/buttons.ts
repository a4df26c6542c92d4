import { ENDED } from '../core/command/memory.ts'
import type { Card } from './card.ts'
import { offerButton } from './command-words.ts'
import type { Button } from './message.ts'

const IN_A_ROW = 3

/**
 * What may be done about a card now. Ids of buttons that do something are core's; those that only show something stand for
 * the word (see `links.ts`).
 */
export function buttonsOf(card: Card): readonly (readonly Button[])[] {
  const { about, offers, isOver } = card
  switch (about.what) {
    case 'command':
      return [about.command.offers.map(offerButton)]
    case 'incidents': {
      const [only, ...more] = about.members
      if (only === undefined) return []
      const says = more.length > 0 ? 'incidents' : `incident ${only.id}`
      const details: Button = { id: `w:1:${says}`, label: 'Details', style: 'plain' }
      return rows([...(isOver ? [] : offers.map(offerButton)), ...(says.length <= 58 ? [details] : [])])
    }
    case 'switch':
      return rows(offers.map(offerButton))
    case 'silence':
      return []
  }
}

function rows(all: readonly Button[]): Button[][] {
  const count = Math.ceil(all.length / IN_A_ROW)
  return Array.from({ length: count }, (_, at) => all.slice(at * IN_A_ROW, (at + 1) * IN_A_ROW))
}

/** Whether a command is over. */
export function isEnded({ about }: Card): boolean {
  return about.what === 'command' && ENDED.has(about.command.state)
}
