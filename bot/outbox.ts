import type { Clock } from '../core/clock.ts'
import type { ChannelSpec } from '../core/config/channel-spec.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import type { Card } from './card.ts'
import type { Cards, News } from './cards.ts'
import type { Channel, Verdict } from './channel.ts'
import { collapse } from './collapse.ts'
import { type Deed, isShown, planOf } from './deed.ts'
import { alarmOf } from './due.ts'
import { createHolds, type Holds } from './holds.ts'
import { cardItemId, fingerprint, type Item, keyOf, newItem } from './item.ts'
import type { Message } from './message.ts'
import { createPace, type Pace } from './pace.ts'
import { escalate, replyTo } from './pings.ts'
import type { Place } from './render.ts'
import { destinationsOf } from './route.ts'

/**
 * Life of a notice, from a card to a chat
 *
 * 1. News of a card makes an item for each chat that its route names. An item holds no text: what a card says is taken
 *    when it is its turn, so a thousand changes are one edit, and the last one always arrives.
 * 2. Each channel has one loop. It takes the most urgent item that is due and that the platform's pace lets through.
 * 3. Before a post the state is saved with the item marked open; after it, with its reference; only then comes the next
 *    one. So a kill leaves at most one post of a channel of which nobody knows whether it got there. It is made again with
 *    the same key: where the platform can tell, there are no two.
 * 4. What is not taken stays, and is tried again with growing pauses, for ever. One chat or channel holds up no other.
 */
export interface OutboxOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly cards: Cards
  readonly notice: () => NoticeSpec
  readonly place: Place
  /** Those that could be opened. */
  readonly channels: ReadonlyMap<string, Channel>
  /** Of the state file; owned by the outbox from here on. */
  readonly items: Map<string, Item>
  /** Makes everything durable as it is now. Rejects never: without a disk notices go out all the same. */
  readonly save: () => Promise<void>
  /** A post is at the platform. */
  readonly onPosted: (item: Item, reference: string) => void
  /** What came of the last request for a chat, null for the whole channel; `why` null: it was taken. */
  readonly onOutcome: (channel: string, chat: string | null, why: string | null, isFinal: boolean) => void
  readonly warn: (text: string) => void
}

export interface Outbox {
  /** Cards have changed. */
  tell(news: readonly News[]): void
  /** At a start: each card has its items. */
  tellAll(): void
  /** The routes may be other ones now. A chat that is new hears of what is not over, and of what comes. */
  reroute(): void
  /** Ids of cards of which something is still to be told, or to be shown as it is now, at some chat. */
  untold(): Set<string>
  /** Ends after the request at hand, at most `DEADLINE_MS`. */
  close(): Promise<void>
}

const LONGEST_SLEEP_MS = 30_000

interface Line {
  readonly channel: Channel
  readonly spec: () => ChannelSpec | undefined
  readonly pace: Pace
  readonly holds: Holds
  /** Since when each item has waited for its turn. */
  readonly since: Map<string, number>
  wake(): void
  ended: Promise<void>
}

const fitsOf =
  ({ channel }: Line) =>
  (message: Message) =>
    channel.fits(message)

export function createOutbox(options: OutboxOptions): Outbox {
  const { clock, cards, items, notice, channels, place } = options
  const lines = new Map<string, Line>()
  let isClosed = false
  const undrawn = new WeakSet<Card>()

  /** Channels that are off plan nothing; what they miss must not keep every card for ever. */
  function collapseUnopened(): void {
    for (const { id, channel, card: itsCard, what } of [...items.values()]) {
      const card = cards.byId.get(itsCard)
      const isOver = card === undefined || (what === 'ping' && card.isOver)
      if (!lines.has(channel) && what !== 'summary' && isOver) items.delete(id)
    }
    for (const { kind } of notice().channels)
      if (!lines.has(kind))
        collapse({ channel: kind, items, cards, notice: notice(), place, nowMs: clock.wallMs() }, null)
  }

  function cannotDraw(channel: string, item: Item, error: unknown): void {
    const card = cards.byId.get(item.card)
    if (card === undefined || undrawn.has(card)) return
    undrawn.add(card)
    options.warn(`${channel}: ${item.id} can't be drawn: ${String(error)}`)
  }

  function tellOne({ card: id, escalation }: News): void {
    const card = cards.byId.get(id)
    if (card === undefined) return
    for (const { channel, chat, graceMs } of destinationsOf(card, notice())) have(card, channel, chat, graceMs)
    if (escalation === undefined) return
    const moment = { notice: notice(), place, nowMs: clock.wallMs() }
    for (const { channel, chat } of escalate(items, card, escalation, moment)) have(card, channel, chat, 0)
  }

  function have(card: Card, channel: string, chat: string, graceMs: number): void {
    const id = cardItemId(card.id, channel, chat)
    if (!items.has(id)) items.set(id, newItem({ id, what: 'card', channel, chat, card: card.id, graceMs }))
  }

  function tellThose(isMeant: (card: Card) => boolean): void {
    for (const item of items.values()) if (!isWanted(item)) items.delete(item.id)
    for (const [id, card] of cards.byId) if (isMeant(card)) tellOne({ card: id })
    wakeAll()
  }

  /** Its chat is still in the configuration. */
  function isWanted({ channel, chat }: Item): boolean {
    return notice().channels.some(({ kind, chats }) => kind === channel && chats.includes(chat))
  }

  /** What a channel that is off shows is not looked at: as long as it is, its last word may be missing. */
  function isTold(item: Item): boolean {
    const { what, reference, settledForMs } = item
    const [card, line] = [cards.byId.get(item.card), lines.get(item.channel)]
    if (card === undefined) return true
    if (what !== 'card' || reference === null) return what === 'card' && settledForMs !== null
    return line !== undefined && isShown(card, item, { channel: item.channel, place, fits: fitsOf(line) })
  }

  function wakeAll(): void {
    for (const line of lines.values()) line.wake()
  }

  async function runLine(name: string, line: Line, slept: { promise: Promise<void> }): Promise<void> {
    const { since } = line
    while (!isClosed) {
      const plan = planOf({
        ...{ channel: name, items, cards, notice: notice(), place, nowMs: clock.wallMs() },
        fits: fitsOf(line),
        waitMs: ({ chat, id }, isUrgent) => {
          const nowMs = clock.monoMs()
          const untilMs = Math.max(line.holds.untilMs(chat), line.holds.untilMs(id))
          return Math.max(untilMs - nowMs, line.pace.waitMs(chat, isUrgent, nowMs))
        },
        onTrouble: (item, error) => cannotDraw(name, item, error),
        spec: line.spec(),
        since,
      })
      if (plan.deed === null) {
        const cancel = clock.after(Math.min(plan.waitMs, LONGEST_SLEEP_MS), () => line.wake())
        await slept.promise
        cancel()
        continue
      }
      try {
        await perform(line, plan.deed)
      } catch (error) {
        // An adapter never rejects; should it all the same, its chat waits.
        options.warn(`${name}: ${String(error)}`)
        line.holds.holdLong('chat', plan.deed.item.chat, clock.monoMs())
      }
    }
  }

  async function perform(line: Line, deed: Deed): Promise<void> {
    const { item, message } = deed
    line.pace.note(item.chat, clock.monoMs())
    if (deed.act === 'edit') return took(line, deed, await line.channel.edit(item.chat, item.reference ?? '', message))
    const isAgain = item.isOpen
    item.isOpen = true
    await options.save()
    const how = { key: keyOf(item), isAgain, isSilent: deed.isSilent, replyTo: replyTo(item, items) }
    took(line, deed, await line.channel.post(item.chat, message, how))
    if (!isClosed || item.reference !== null) await options.save()
  }

  function took(line: Line, deed: Deed, verdict: Verdict): void {
    const { item, message } = deed
    const { channel } = line
    switch (verdict.verdict) {
      case 'done':
        line.holds.clear(item.chat)
        // Its next change waits its turn anew; of what is done once nothing is kept.
        line.since.delete(item.id)
        options.onOutcome(channel.name, item.chat, null, false)
        taken(item, deed, message, verdict.reference)
        return
      case 'gone':
        line.holds.clear(item.chat)
        Object.assign(item, {
          reference: null,
          shown: '',
          posts: item.posts + 1,
          isOpen: false,
        } satisfies Partial<Item>)
        return
      case 'retry':
        // Once it may be there, only an answer can say that it is not.
        if (deed.act === 'post' && !verdict.isOpen && !deed.wasOpen) item.isOpen = false
        line.holds.hold(verdict.of, item.chat, verdict.afterMs, clock.monoMs())
        options.onOutcome(channel.name, verdict.of === 'chat' ? item.chat : null, verdict.why, false)
        return
      case 'refused':
        refused(line, deed, verdict)
        return
    }
  }

  function taken(item: Item, deed: Deed, message: Message, reference: string): void {
    const isNew = deed.act === 'post'
    // One that was there already says what it said then.
    const shown = isNew && deed.wasOpen ? '' : fingerprint(message)
    Object.assign(item, { reference, shown, isOpen: false } satisfies Partial<Item>)
    if (!isNew) return
    // Nor is it known whether that one made a sound.
    const card = cards.byId.get(item.card)
    if (item.what === 'card' && card !== undefined && !deed.isSilent && !deed.wasOpen) item.loudForMs = alarmOf(card)
    options.onPosted(item, reference)
    if (item.what !== 'card') items.delete(item.id)
  }

  function refused(line: Line, deed: Deed, { of, why }: Extract<Verdict, { verdict: 'refused' }>): void {
    const { item } = deed
    const { name } = line.channel
    if (deed.act === 'post' && !deed.wasOpen) item.isOpen = false
    if (of === 'message' && !item.isPlain) {
      options.warn(`${name} does not take a message as it is, so only its title is sent: ${why}`)
      item.isPlain = true
      return
    }
    if (of === 'message') {
      options.warn(`${name} does not take ${item.id} at all: ${why}`)
      line.holds.holdLong('chat', item.id, clock.monoMs())
      options.onOutcome(name, item.chat, `chat ${item.chat}: ${why}`, false)
      return
    }
    const where = of === 'channel' ? why : `chat ${item.chat}: ${why}`
    line.holds.holdLong(of === 'channel' ? 'channel' : 'chat', item.chat, clock.monoMs())
    options.onOutcome(name, of === 'channel' ? null : item.chat, where, true)
  }

  for (const [name, channel] of channels) {
    const slept = Promise.withResolvers<void>()
    const line: Line = {
      channel,
      spec: () => notice().channels.find(({ kind }) => kind === name),
      pace: createPace(chat => channel.pace(chat)),
      holds: createHolds(options.random),
      since: new Map(),
      wake: () => {
        slept.resolve()
        Object.assign(slept, Promise.withResolvers<void>())
      },
      ended: Promise.resolve(),
    }
    lines.set(name, line)
    line.ended = Promise.resolve().then(() => runLine(name, line, slept))
  }

  return {
    tell(news) {
      for (const each of news) tellOne(each)
      collapseUnopened()
      wakeAll()
    },
    tellAll() {
      tellThose(() => true)
    },
    reroute() {
      tellThose(({ isOver }) => !isOver)
    },
    untold() {
      return new Set([...items.values()].flatMap(item => (isTold(item) ? [] : [item.card])))
    },
    async close() {
      isClosed = true
      wakeAll()
      await Promise.all([...lines.values()].map(({ ended }) => ended))
    },
  }
}
