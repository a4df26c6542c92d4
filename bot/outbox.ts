import type { Clock } from '../core/clock.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { type Asked, askedOf, forgetOld } from './asked.ts'
import type { Card } from './card.ts'
import type { Cards, News } from './cards.ts'
import type { Channel, Verdict } from './channel.ts'
import { collapse } from './collapse.ts'
import { isToldElsewhere } from './command-card.ts'
import { type Deed, isShown, planOf } from './deed.ts'
import { createHolds } from './holds.ts'
import { cardItemId, type Item, keyOf, newItem } from './item.ts'
import { type Line, takeVerdict, type VerdictTools } from './line.ts'
import type { Message } from './message.ts'
import { createPace } from './pace.ts'
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
 *    the same key: where the platform can tell, there are no two. When each request goes out is saved before it does, so
 *    that the next process keeps to the platform's pace too.
 * 4. What is not taken stays, and is tried again with growing pauses, for ever. One chat or channel holds up no other.
 */
export interface OutboxOptions extends VerdictTools {
  readonly clock: Clock
  readonly random: () => number
  readonly cards: Cards
  readonly notice: () => NoticeSpec
  readonly place: Place
  /** Those that could be opened. */
  readonly channels: ReadonlyMap<string, Channel>
  /** Of the state file; owned by the outbox from here on. */
  readonly items: Map<string, Item>
  /** Of the state file too. */
  readonly asked: Asked
  /** Makes everything durable as it is now. Rejects never: without a disk notices go out all the same. */
  readonly save: () => Promise<void>
}

export interface Outbox {
  /**
   * Cards have changed: each has its items when this returns. To be called in the turn that the entry was taken in, so that
   * no state is saved that has read of something and does not tell it.
   */
  take(news: readonly News[]): void
  /** Looks what is to be told now. */
  wake(): void
  /** This chat has the card too, wherever its route leads: somebody there has asked for it. It may not be there yet. */
  join(card: string, channel: string, chat: string): void
  /** Resolves when it is the chat's turn for a post that does not come from here; after a while in any case. */
  turn(channel: string, chat: string): Promise<void>
  /** At a start, and when the routes may be other ones. A chat that is new hears of what is not over, and of what comes. */
  reroute(): void
  /** Ids of cards of which something is still to be told, or to be shown as it is now, at some chat. */
  untold(): Set<string>
  /** Ends after the request at hand, at most `DEADLINE_MS`. */
  close(): Promise<void>
}

const LONGEST_SLEEP_MS = 30_000
/** An answer waits no longer for its turn: the platform may still say that it is too soon. */
const LONGEST_TURN_MS = 20_000
/** Chats that wait for a card of which no entry has come yet. */
const MOST_JOINING = 200

const fitsOf =
  ({ channel }: Line) =>
  (message: Message) =>
    channel.fits(message)

export function createOutbox(options: OutboxOptions): Outbox {
  const { clock, cards, items, asked, notice, channels, place } = options
  const lines = new Map<string, Line>()
  let isClosed = false
  const undrawn = new WeakSet<Card>()
  const joining = new Map<string, { readonly channel: string; readonly chat: string }>()
  forgetOld(asked, clock)

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
    const joined = joining.get(id)
    if (joined !== undefined && !isToldElsewhere(card)) {
      joining.delete(id)
      have(card, joined.channel, joined.chat, 0)
    }
    if (escalation === undefined) return
    const moment = { notice: notice(), place, nowMs: clock.wallMs() }
    for (const { channel, chat } of escalate(items, card, escalation, moment)) have(card, channel, chat, 0)
  }

  function have(card: Card, channel: string, chat: string, graceMs: number): void {
    const id = cardItemId(card.id, channel, chat)
    if (!items.has(id)) items.set(id, newItem({ id, what: 'card', channel, chat, card: card.id, graceMs }))
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
        waitMs: ({ act, item: { chat, id } }, isUrgent) => {
          const nowMs = clock.monoMs()
          const untilMs = Math.max(line.holds.untilMs(chat), line.holds.untilMs(id))
          return Math.max(untilMs - nowMs, line.pace.waitMs(chat, act, isUrgent, nowMs))
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
    const { item } = deed
    const isAgain = item.isOpen
    if (deed.act === 'post') item.isOpen = true
    const isCounted = line.pace.note(item.chat, deed.act, clock.monoMs())
    if (deed.act === 'post' || isCounted) await options.save()
    line.pace.left(item.chat, deed.act, clock.monoMs())
    const verdict = await request(line.channel, deed, isAgain)
    takeVerdict(options, line, deed, verdict)
    const isPaused = verdict.verdict === 'retry' && verdict.afterMs !== null
    if (isPaused || (deed.act === 'post' && (!isClosed || item.reference !== null))) await options.save()
  }

  function request(channel: Channel, { act, item, message, isSilent }: Deed, isAgain: boolean): Promise<Verdict> {
    if (act === 'edit') return channel.edit(item.chat, item.reference ?? '', message)
    const how = { key: keyOf(item), isAgain, isSilent, replyTo: replyTo(item, items) }
    return channel.post(item.chat, message, how)
  }

  for (const [name, channel] of channels) {
    const slept = Promise.withResolvers<void>()
    const { times, pauses } = askedOf(asked, name)
    const line: Line = {
      channel,
      spec: () => notice().channels.find(({ kind }) => kind === name),
      pace: createPace(chat => channel.pace(chat), times),
      holds: createHolds(options.random, pauses),
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
    take(news) {
      for (const each of news) tellOne(each)
    },
    wake() {
      collapseUnopened()
      wakeAll()
    },
    join(card, channel, chat) {
      joining.set(card, { channel, chat })
      const [oldest] = joining.keys()
      if (joining.size > MOST_JOINING && oldest !== undefined) joining.delete(oldest)
      tellOne({ card })
      wakeAll()
    },
    async turn(channel, chat) {
      const line = lines.get(channel)
      if (line === undefined) return
      const untilMs = clock.monoMs() + LONGEST_TURN_MS
      for (;;) {
        const nowMs = clock.monoMs()
        const waitMs = Math.max(line.holds.untilMs(chat) - nowMs, line.pace.waitMs(chat, 'post', true, nowMs))
        if (waitMs <= 0 || nowMs >= untilMs || isClosed) break
        await new Promise<void>(resolve => void clock.after(Math.min(waitMs, untilMs - nowMs), resolve))
      }
      line.pace.note(chat, 'post', clock.monoMs())
    },
    reroute() {
      for (const item of items.values()) if (!isWanted(item)) items.delete(item.id)
      for (const [id, { isOver }] of cards.byId) if (!isOver) tellOne({ card: id })
      wakeAll()
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
