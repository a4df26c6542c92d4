import type { Clock } from '../core/clock.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import { messageOf } from '../core/fault.ts'
import type { SignedForPosts } from '../core/notice/checkpoint-desk.ts'
import { type Item, newItem } from './item.ts'
import type { Place } from './render.ts'
import { checkpointPost } from './render-checkpoint.ts'

/** How far the chats bear witness. Plain JSON; a part of the bot's state. */
export interface Witnessed {
  /** Of the newest entry that closed an incident; -1 for none. */
  closedSeq: number
  /** Entries that the newest post covers. */
  postedSize: number
  /** When that one was put into the items, wall clock. */
  postedMs: number
}

/**
 * Life of a checkpoint in chats
 *
 * 1. It is due when an incident was closed since the last one, and each day.
 * 2. Core is asked for its newest; one that does not cover the closing entry yet is waited for.
 * 3. Each chat that is to keep it gets an item, which the outbox posts like any other. One that waits there still makes
 *    room for the newer one: that covers more.
 */
export interface Witness {
  /** An incident was closed by this entry. */
  closed(seq: number): void
  /** The ledger is another one. */
  anew(): void
  close(): void
}

export interface WitnessOptions {
  readonly clock: Clock
  readonly link: { checkpoint(): Promise<SignedForPosts | null> }
  readonly witnessed: Witnessed
  readonly items: Map<string, Item>
  readonly notice: () => NoticeSpec
  readonly place: Place
  /** Channels that could be opened. */
  readonly isOpen: (channel: string) => boolean
  /** There are new items. */
  readonly onItems: () => void
  readonly warn: (text: string) => void
}

const DAY_MS = 86_400_000
/** Of incidents that close one after the other. */
const LEAST_BETWEEN_MS = 600_000
const LOOK_MS = 60_000
const SIGNED_SOON_MS = 5000

export function notWitnessed(nowMs: number): Witnessed {
  return { closedSeq: -1, postedSize: 0, postedMs: nowMs }
}

/** One chat of each channel. WhatsApp makes a sound for each message: only where there would be fewer than two. */
export function witnessChats({ channels }: NoticeSpec, isOpen: (channel: string) => boolean) {
  const all = channels.flatMap(({ kind, chats: [chat] }) =>
    chat === undefined || !isOpen(kind) ? [] : [{ channel: kind, chat }],
  )
  const quiet = all.filter(({ channel }) => channel !== 'whatsapp')
  return quiet.length < 2 ? all : quiet
}

export function createWitness(options: WitnessOptions): Witness {
  const { clock, link, witnessed, items, warn } = options
  let isEnded = false
  let cancel = () => {}
  let nextLookMs = 0
  let said = ''

  function isDue(): boolean {
    // A clock that was set back must not make it wait for longer.
    const sinceMs = Math.abs(clock.wallMs() - witnessed.postedMs)
    const isRested = witnessed.postedSize === 0 || sinceMs >= LEAST_BETWEEN_MS
    return sinceMs >= DAY_MS || (witnessed.closedSeq >= witnessed.postedSize && isRested)
  }

  async function look(): Promise<void> {
    if (!isDue()) return plan(LOOK_MS)
    try {
      const checkpoint = await link.checkpoint()
      if (isEnded) return
      said = ''
      if (checkpoint !== null && checkpoint.size <= witnessed.closedSeq) return plan(SIGNED_SOON_MS)
      if (checkpoint !== null) post(checkpoint)
    } catch (error) {
      if (messageOf(error) !== said) warn(`no checkpoint can be asked for: ${messageOf(error)}`)
      said = messageOf(error)
    }
    plan(LOOK_MS)
  }

  function post(checkpoint: SignedForPosts): void {
    const words = checkpointPost(checkpoint, options.place)
    for (const { channel, chat } of witnessChats(options.notice(), options.isOpen)) {
      for (const item of items.values())
        if (item.what === 'checkpoint' && item.channel === channel && item.chat === chat && !item.isOpen)
          items.delete(item.id)
      const { size, root } = checkpoint
      const id = `checkpoint ${size}|${channel}|${chat}`
      const parts = { id, what: 'checkpoint', channel, chat, card: '', graceMs: 0 } as const
      if (!items.has(id)) items.set(id, newItem({ ...parts, words, checkpoint: { size, root } }))
    }
    Object.assign(witnessed, { postedSize: checkpoint.size, postedMs: clock.wallMs() } satisfies Partial<Witnessed>)
    options.onItems()
  }

  function plan(afterMs: number): void {
    cancel()
    nextLookMs = clock.monoMs() + afterMs
    if (!isEnded) cancel = clock.after(afterMs, () => void look())
  }

  plan(SIGNED_SOON_MS)
  return {
    closed(seq) {
      witnessed.closedSeq = seq
      // What comes sooner stays: else a storm would put it off for ever.
      if (nextLookMs > clock.monoMs() + SIGNED_SOON_MS) plan(SIGNED_SOON_MS)
    },
    anew() {
      Object.assign(witnessed, { closedSeq: -1, postedSize: 0 } satisfies Partial<Witnessed>)
    },
    close() {
      isEnded = true
      cancel()
    },
  }
}
