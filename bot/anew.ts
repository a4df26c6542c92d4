import { type Cards, emptyCards } from './cards.ts'
import type { CoreLink } from './core-link.ts'
import { adoptIncident } from './incident-card.ts'
import { silenceOf } from './silence-card.ts'

/**
 * Nothing is remembered, or it is of another ledger: what is told begins at the ledger's end, with the incidents that are
 * not over yet and the silences that stand.
 */
export async function beginAnew(link: Pick<CoreLink, 'head' | 'incidents' | 'silences'>): Promise<Cards> {
  const cards = emptyCards(await link.head())
  for (const { id, match, untilTs } of await link.silences()) cards.silences.set(id, silenceOf({ ...match }, untilTs))
  for (const incident of [...(await link.incidents())].reverse()) adoptIncident(cards, incident)
  return cards
}
