import type { Clock } from '../core/clock.ts'
import type { ChannelSpec } from '../core/config/channel-spec.ts'
import type { Cards } from './cards.ts'
import type { Channel, Verdict } from './channel.ts'
import type { Deed } from './deed.ts'
import { alarmOf } from './due.ts'
import type { Holds } from './holds.ts'
import { fingerprint, type Item } from './item.ts'
import type { Pace } from './pace.ts'

/** What one channel is about in the outbox. */
export interface Line {
  readonly channel: Channel
  readonly spec: () => ChannelSpec | undefined
  readonly pace: Pace
  readonly holds: Holds
  /** Since when each item has waited for its turn. */
  readonly since: Map<string, number>
  wake(): void
  ended: Promise<void>
}

export interface VerdictTools {
  readonly clock: Clock
  readonly cards: Cards
  readonly items: Map<string, Item>
  /** A post is at the platform. */
  readonly onPosted: (item: Item, reference: string) => void
  /** What came of the last request for a chat, null for the whole channel; `why` null: it was taken. */
  readonly onOutcome: (channel: string, chat: string | null, why: string | null, isFinal: boolean) => void
  readonly warn: (text: string) => void
}

/** Puts what came of a request into its item, in place, and into the pauses of its chat. */
export function takeVerdict(tools: VerdictTools, line: Line, deed: Deed, verdict: Verdict): void {
  const { item } = deed
  const { channel } = line
  switch (verdict.verdict) {
    case 'done':
      line.holds.clear(item.chat)
      // Its next change waits its turn anew; of what is done once nothing is kept.
      line.since.delete(item.id)
      tools.onOutcome(channel.name, item.chat, null, false)
      taken(tools, deed, verdict.reference)
      return
    case 'gone': {
      line.holds.clear(item.chat)
      const anew = { reference: null, shown: '', posts: item.posts + 1, isOpen: false } satisfies Partial<Item>
      Object.assign(item, anew)
      return
    }
    case 'retry':
      // Once it may be there, only an answer can say that it is not.
      if (deed.act === 'post' && !verdict.isOpen && !deed.wasOpen) item.isOpen = false
      line.holds.hold(verdict.of, item.chat, verdict.afterMs, tools.clock.monoMs())
      tools.onOutcome(channel.name, verdict.of === 'chat' ? item.chat : null, verdict.why, false)
      return
    case 'refused':
      refused(tools, line, deed, verdict)
      return
  }
}

function taken({ cards, items, onPosted }: VerdictTools, deed: Deed, reference: string): void {
  const { item, message } = deed
  const isNew = deed.act === 'post'
  // One that was there already says what it said then.
  const shown = isNew && deed.wasOpen ? '' : fingerprint(message)
  Object.assign(item, { reference, shown, isOpen: false } satisfies Partial<Item>)
  if (!isNew) return
  // Nor is it known whether that one made a sound.
  const card = cards.byId.get(item.card)
  if (item.what === 'card' && card !== undefined && !deed.isSilent && !deed.wasOpen) item.loudForMs = alarmOf(card)
  onPosted(item, reference)
  if (item.what !== 'card') items.delete(item.id)
}

function refused(
  { clock, warn, onOutcome }: VerdictTools,
  line: Line,
  deed: Deed,
  { of, why }: Extract<Verdict, { verdict: 'refused' }>,
): void {
  const { item } = deed
  const { name } = line.channel
  if (deed.act === 'post' && !deed.wasOpen) item.isOpen = false
  if (of === 'message' && !item.isPlain) {
    warn(`${name} does not take a message as it is, so only its title is sent: ${why}`)
    item.isPlain = true
    return
  }
  if (of === 'message') {
    warn(`${name} does not take ${item.id} at all: ${why}`)
    line.holds.holdLong('chat', item.id, clock.monoMs())
    onOutcome(name, item.chat, `chat ${item.chat}: ${why}`, false)
    return
  }
  const where = of === 'channel' ? why : `chat ${item.chat}: ${why}`
  line.holds.holdLong(of === 'channel' ? 'channel' : 'chat', item.chat, clock.monoMs())
  onOutcome(name, of === 'channel' ? null : item.chat, where, true)
}
