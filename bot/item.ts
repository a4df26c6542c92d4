import { createHash } from 'node:crypto'
import type { Message } from './message.ts'
import type { Summary } from './summary.ts'

const WHATS = ['card', 'ping', 'summary', 'checkpoint', 'alarm'] as const

/**
 * Something that is to be at one chat: a card (posted once, edited from then on), a ping (an answer to a card, with a
 * sound), a summary, a signed checkpoint, or an alarm of the bot's own. Plain JSON: what was posted is saved before anything else is.
 */
export interface Item {
  /** Says what it is and where, so that the same news never makes two of them. */
  readonly id: string
  readonly what: (typeof WHATS)[number]
  readonly channel: string
  readonly chat: string
  /** Id of the card; '' for what is of no card. */
  readonly card: string
  /** Of a ping, a checkpoint and an alarm. */
  readonly words: Message | null
  /** Of a summary. */
  readonly summary: Summary | null
  /** Of a checkpoint; `root` in base64. */
  readonly checkpoint: { readonly size: number; readonly root: string } | null
  /** It stands for an escalation step: core is told when it is there. */
  readonly escalation: { readonly incident: string; readonly step: number; readonly dueMs: number } | null
  readonly graceMs: number
  /** How often it had to be posted; part of the key. */
  posts: number
  /** A post was begun, and it is not known whether it got there. */
  isOpen: boolean
  reference: string | null
  /** Fingerprint of what is shown there; '' for nothing. */
  shown: string
  /** Which alarm of the card a sound was made for. */
  loudForMs: number | null
  /** The card's `sinceMs` up to which it was told in a summary, or nobody has to hear of it. */
  settledForMs: number | null
  /** The platform did not take it as it was: only its title is sent. */
  isPlain: boolean
}

export function newItem(
  parts: Pick<Item, 'id' | 'what' | 'channel' | 'chat' | 'card' | 'graceMs'> &
    Partial<Pick<Item, 'words' | 'summary' | 'checkpoint' | 'escalation'>>,
): Item {
  return {
    ...{ words: null, summary: null, checkpoint: null, escalation: null },
    ...{ posts: 0, isOpen: false, reference: null, shown: '' },
    ...{ loudForMs: null, settledForMs: null, isPlain: false },
    ...parts,
  }
}

export function cardItemId(card: string, channel: string, chat: string): string {
  return `${card}|${channel}|${chat}`
}

/** The key of the item's present post: the same after a restart, another one for each post. */
export function keyOf({ id, posts }: Item): string {
  return createHash('sha256').update(`${id}|${posts}`).digest('base64url').slice(0, 22)
}

export function fingerprint(message: Message): string {
  return createHash('sha256').update(JSON.stringify(message)).digest('base64url').slice(0, 16)
}

/** Of a state file. */
export function isItem(value: unknown): value is Item {
  if (typeof value !== 'object' || value === null) return false
  const { id, what, channel, chat, card, posts, isOpen, reference, shown } = value as Partial<Item>
  return (
    [id, channel, chat, card, shown].every(text => typeof text === 'string') &&
    WHATS.some(each => each === what) &&
    Number.isSafeInteger(posts) &&
    typeof isOpen === 'boolean' &&
    (reference === null || typeof reference === 'string')
  )
}
