import { randomBytes } from 'node:crypto'
import type { Json } from '../entry.ts'
import type { BoundOffer } from './entry-data.ts'
import type { Command } from './memory.ts'
import type { Verdict } from './next.ts'
import type { Args, Offer, Projection } from './port.ts'
import type { Word } from './words.ts'

/** A button's id says nothing, and can't be guessed: 128 bits. */
export function mintButton(): string {
  return `b${randomBytes(16).toString('base64url')}`
}

const LONGEST_LABEL = 40

/** A button for a word, bound to the state that it is offered against. */
export function offerOf(
  { word, args, seen }: { readonly word: Word; readonly args: Args; readonly seen: Projection | null },
  { expiresMs, code, mint = mintButton }: { expiresMs: number; code: boolean; mint?: () => string },
): BoundOffer {
  return {
    ...{ button: mint(), word, args, label: labelOf(word, args, seen), style: styleOf(word), code, seen },
    expiresTs: new Date(expiresMs).toISOString(),
  }
}

/** The buttons of a command: to approve and deny one that waits, to ask again where the state had changed. */
export function commandOffers(
  command: Command,
  verdict: Verdict,
  how: { readonly againMs: number; readonly mint?: () => string },
): BoundOffer[] {
  const { id, verb, args, needs, expiresMs } = command
  if (verdict.verdict === 'await') return stepOffers(id, { expiresMs, code: needs.code, ...how })
  if (verdict.verdict !== 'fail' || verdict.changedTo === null) return []
  return [offerOf({ word: verb, args, seen: verdict.changedTo }, { expiresMs: how.againMs, code: false, ...how })]
}

export function stepOffers(
  id: string,
  { expiresMs, code, mint }: { expiresMs: number; code: boolean; mint?: () => string },
): BoundOffer[] {
  const minting = mint === undefined ? {} : { mint }
  return [
    offerOf({ word: 'approve', args: { id }, seen: null }, { expiresMs, code, ...minting }),
    offerOf({ word: 'deny', args: { id }, seen: null }, { expiresMs, code: false, ...minting }),
  ]
}

function styleOf(word: Word): Offer['style'] {
  if (word === 'approve') return 'primary'
  return word === 'deny' || word === 'rollback' || word === 'deploy' || word === 'stop' ? 'danger' : 'plain'
}

const LABELS: { readonly [word in Word]?: (args: Args, to: string) => string } = {
  ack: () => 'Acknowledge',
  approve: () => 'Approve',
  deny: () => 'Deny',
  rollback: (_args, to) => (to === '' ? 'Roll back' : `Roll back to ${to}`),
  deploy: ({ ref }, to) => `Deploy ${to === '' ? ref : to}`,
  restart: ({ service }) => `Restart ${service}`,
  silence: ({ for: long }) => `Silence ${long}`,
}

function labelOf(word: Word, args: Args, seen: Projection | null): string {
  const to = seen?.facts.to as { readonly generation?: Json } | null | undefined
  const generation = typeof to?.generation === 'string' ? to.generation : ''
  const label = LABELS[word]?.(args, generation) ?? `${word.charAt(0).toUpperCase()}${word.slice(1)}`
  return label.length <= LONGEST_LABEL ? label : `${label.slice(0, LONGEST_LABEL - 1)}…`
}
