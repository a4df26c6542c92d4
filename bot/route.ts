import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { fits } from '../core/notice/match.ts'
import type { Card } from './card.ts'
import type { ActiveSilence, Policy } from './cards.ts'
import { isToldElsewhere } from './command-card.ts'

export interface Destination {
  readonly channel: string
  readonly chat: string
  readonly graceMs: number
}

/** All chats of the channels that the first fitting route names. */
export function destinationsOf(card: Card, { routes, channels }: NoticeSpec): Destination[] {
  if (isToldElsewhere(card)) return []
  const route = routes.find(({ match }) => fits(match, card))
  if (route === undefined) return []
  return toldOn(card, route.to, channels).flatMap(name => {
    const channel = channels.find(({ kind }) => kind === name)
    return (channel?.chats ?? []).map(chat => ({ channel: name, chat, graceMs: route.graceMs }))
  })
}

/** Trouble of channels is no use on these alone: then all others tell of it. */
function toldOn({ kind, services }: Card, to: readonly string[], channels: NoticeSpec['channels']): readonly string[] {
  const isDead = (name: string) => services.includes(`channel:${name}`)
  if (kind !== 'channel' || to.length === 0 || !to.every(isDead)) return to
  return [...to, ...channels.map(({ kind: name }) => name as string).filter(name => !isDead(name))]
}

/** What decides which incidents become one card, as it stands now. */
export function policyOf(notice: NoticeSpec, silences: ReadonlyMap<string, ActiveSilence>, nowMs: number): Policy {
  return {
    flap: notice.flap,
    audience: card =>
      JSON.stringify([destinationsOf(card, notice), isSilenced(card, silences.values(), nowMs), card.severity]),
  }
}

/** Whether a silence hides the card's pushes. Of several services all have to be silenced. */
export function isSilenced(card: Card, silences: Iterable<ActiveSilence>, nowMs: number): boolean {
  if (card.kind === 'silence' || card.kind === 'command') return false
  const standing = [...silences].filter(({ untilMs }) => nowMs < untilMs)
  const whom = card.services.length === 0 ? [''] : card.services
  return whom.every(service => standing.some(silence => fits(silence, { ...card, services: [service] })))
}
