import type { ChannelSpec } from '../core/config/channel-spec.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import type { Card } from './card.ts'
import type { Cards } from './cards.ts'
import { collapse } from './collapse.ts'
import { isAlarming, needOf } from './due.ts'
import { fit } from './fit.ts'
import { fingerprint, type Item } from './item.ts'
import type { Message } from './message.ts'
import { addPing, isLate, looksReady } from './pings.ts'
import { quietUntil } from './quiet.ts'
import { type Place, render } from './render.ts'
import { isSilenced } from './route.ts'
import { renderSummary } from './summary.ts'

/** One request that is to be made. */
export interface Deed {
  readonly act: 'post' | 'edit'
  readonly item: Item
  readonly message: Message
  readonly isSilent: boolean
  /** An earlier try may have got there. */
  readonly wasOpen: boolean
}

export interface PlanOptions {
  readonly channel: string
  /** Undefined: it is not configured any more. */
  readonly spec: ChannelSpec | undefined
  readonly items: Map<string, Item>
  readonly cards: Cards
  readonly notice: NoticeSpec
  readonly place: Place
  /** Wall clock. */
  readonly nowMs: number
  readonly fits: (message: Message) => boolean
  /** How long it has to wait; 0 or less: it may go now. */
  readonly waitMs: (deed: Deed, isUrgent: boolean) => number
  /** The item can't be drawn: it is passed over until its card changes. */
  readonly onTrouble: (item: Item, error: unknown) => void
  /** Since when each item has had something to do; kept from one plan to the next. */
  readonly since: Map<string, number>
}

export interface Plan {
  /** The most urgent one that may go now; null: none may. */
  readonly deed: Deed | null
  /** When to look again without news. */
  readonly waitMs: number
}

interface Candidate {
  readonly deed: Deed
  /** 0 first. */
  readonly urgency: number
  readonly sinceMs: number
}

/** What a channel does next. Items that need nothing any more are removed, in place. */
export function planOf(options: PlanOptions): Plan {
  const { items, channel, nowMs, spec } = options
  if (spec === undefined) return { deed: null, waitMs: Number.POSITIVE_INFINITY }
  const quiet = quietUntil(spec, options.place.tz, nowMs)
  collapse({ ...options, channel: spec.kind }, quiet)
  let best: Candidate | null = null
  let waitMs = Number.POSITIVE_INFINITY
  for (const item of [...items.values()]) {
    if (item.channel !== channel) continue
    const found = tried(item, options, quiet?.endMs ?? null)
    if (typeof found === 'number') {
      waitMs = Math.min(waitMs, found)
      continue
    }
    const isFirst =
      best === null || found.urgency < best.urgency || (found.urgency === best.urgency && found.sinceMs < best.sinceMs)
    const mustWaitMs = isFirst ? options.waitMs(found.deed, found.urgency === 0) : 0
    if (mustWaitMs > 0) waitMs = Math.min(waitMs, mustWaitMs)
    else if (isFirst) best = found
  }
  return { deed: best?.deed ?? null, waitMs: Math.max(1, waitMs) }
}

/** What a state file or an entry of another version holds may be no text: that must not stop the others. */
function tried(item: Item, options: PlanOptions, quietUntilMs: number | null): Candidate | number {
  try {
    return candidateOf(item, options, quietUntilMs)
  } catch (error) {
    options.onTrouble(item, error)
    return Number.POSITIVE_INFINITY
  }
}

/** A number: nothing to do for so long. */
function candidateOf(item: Item, options: PlanOptions, quietUntilMs: number | null): Candidate | number {
  const { cards, items, since, nowMs } = options
  const nothing = (ms: number): number => {
    since.delete(item.id)
    return ms
  }
  const due = (deed: Omit<Deed, 'item' | 'wasOpen'>, urgency: number): Candidate => {
    const sinceMs = since.get(item.id) ?? nowMs
    since.set(item.id, sinceMs)
    return { deed: { ...deed, item, wasOpen: item.isOpen }, urgency, sinceMs }
  }
  /** Told once, without a sound, after all else; one that may be there already does not wait. */
  const once = (fromMs: number, whole: Message): Candidate | number =>
    nowMs < fromMs && !item.isOpen
      ? nothing(fromMs - nowMs)
      : due({ act: 'post', message: drawnFor(item, whole, options.fits), isSilent: true }, 3)
  if (item.what === 'summary') {
    if (item.summary === null) return nothing(Number.POSITIVE_INFINITY)
    return once(item.summary.dueMs, renderSummary(item.summary, options.place))
  }
  if (item.what === 'checkpoint') {
    if (item.words === null) return nothing(Number.POSITIVE_INFINITY)
    return once(quietUntilMs ?? nowMs, item.words)
  }
  if (item.what === 'alarm') {
    if (item.words === null) return nothing(Number.POSITIVE_INFINITY)
    return due({ act: 'post', message: drawnFor(item, item.words, options.fits), isSilent: false }, 0)
  }
  const card = cards.byId.get(item.card)
  if (card === undefined) {
    items.delete(item.id)
    return nothing(Number.POSITIVE_INFINITY)
  }
  if (item.what === 'ping') {
    if (isLate(item, card)) {
      items.delete(item.id)
      return nothing(Number.POSITIVE_INFINITY)
    }
    // An answer needs something to answer to; without it, it is only late.
    if (!looksReady(item, items, nowMs) || item.words === null) return nothing(500)
    return due({ act: 'post', message: drawnFor(item, item.words, options.fits), isSilent: false }, 0)
  }
  return cardCandidate(item, card, options, { quietUntilMs, nothing, due })
}

function cardCandidate(
  item: Item,
  card: Card,
  options: PlanOptions,
  tools: {
    readonly quietUntilMs: number | null
    readonly nothing: (ms: number) => number
    readonly due: (deed: Omit<Deed, 'item' | 'wasOpen'>, urgency: number) => Candidate
  },
): Candidate | number {
  const { items, nowMs, cards, place } = options
  const { message, print } = shownOf(card, item, options)
  const need = needOf(item, card, {
    ...{ nowMs, quietUntilMs: tools.quietUntilMs, isChanged: print !== item.shown },
    isSilenced: isSilenced(card, cards.silences.values(), nowMs),
    channel: options.spec?.kind ?? 'console',
  })
  switch (need.need) {
    case 'post':
      return tools.due({ act: 'post', message, isSilent: need.isSilent }, isAlarming(card) ? 0 : 1)
    case 'edit':
      // Wakes nobody, so each has its turn: else two cards in a loop would leave nothing for the rest.
      return tools.due({ act: 'edit', message, isSilent: true }, 2)
    case 'ping':
      addPing(items, item, card, place)
      // What the card says now goes first where it differs; the ping is a candidate of its own from the next look on.
      return print === item.shown ? 1 : tools.due({ act: 'edit', message, isSilent: true }, 0)
    case 'wait':
      return tools.nothing(need.untilMs - nowMs)
    case 'settle':
      item.settledForMs = card.sinceMs
      return tools.nothing(Number.POSITIVE_INFINITY)
    case 'nothing':
      return tools.nothing(Number.POSITIVE_INFINITY)
  }
}

interface Rendered {
  readonly message: Message
  readonly print: string
}

/** A card is drawn once for each channel and place: it never changes, another one takes its place. */
const drawn = new WeakMap<Card, Map<string, Rendered>>()

type Drawing = Pick<PlanOptions, 'channel' | 'place' | 'fits'>

/** Whether the item's message says what the card says now. One that can't be drawn says what it can. */
export function isShown(card: Card, item: Item, drawing: Drawing): boolean {
  try {
    return shownOf(card, item, drawing).print === item.shown
  } catch {
    return true
  }
}

function shownOf(card: Card, item: Item, { channel, place, fits }: Drawing): Rendered {
  const name = `${channel} ${item.isPlain} ${place.host} ${place.tz}`
  const known = drawn.get(card)?.get(name)
  if (known !== undefined) return known
  const message = drawnFor(item, render(card, place), fits)
  const rendered = { message, print: fingerprint(message) }
  const ofCard = drawn.get(card) ?? new Map<string, Rendered>()
  ofCard.set(name, rendered)
  drawn.set(card, ofCard)
  return rendered
}

function drawnFor({ isPlain }: Item, whole: Message, fits: (message: Message) => boolean): Message {
  return fit(isPlain ? { ...whole, blocks: [], footer: '', buttons: [] } : whole, fits)
}
