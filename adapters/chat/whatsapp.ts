import type { Channel, OpenChannel, Verdict } from '../../bot/channel.ts'
import type { WhatsAppSpec } from '../../core/config/channel-spec.ts'
import { keepLink, LINK_TIMES, type LinkTimes } from './whatsapp-link.ts'
import { placeOf } from './whatsapp-place.ts'
import { fitsIn, textOf } from './whatsapp-text.ts'
import type { Answer } from './whatsapp-wire.ts'

// WhatsApp by whatsapp-web.js: unofficial, alerts only. Life of a post:
// 1. The child's page takes the message and names it; that is no promise. The page sends it by itself as soon as it can,
//    also after its connection was cut.
// 2. The servers acknowledge it: done. Ack -1: they did not take it, and the page does not try again.
// 3. No ack in time: open. Asked again with the same key, the page's own copy is looked at first, so that there is no twin
//    as long as this process lives; after three times the message is sent anew, since a twin is better than nothing.

/** What tests change. */
export interface WhatsAppTimes extends LinkTimes {
  /** For one request; below the port's 10 s, with something left to look at the chat. */
  readonly answerMs: number
}

const ANSWER_MS = 8000
const LOOK_MS = 1500
/** Of a request's time: how long a short cut is waited out. */
const WAIT_SHARE = 0.5
const MOST_TRIES = 3
const MOST_KEYS = 500
/** A number of up to 15 digits (E.164), or a group's id. */
const CHAT = /^(\d{5,15}@c\.us|[\d-]{10,40}@g\.us)$/

/** What is known of a post, by its key. */
interface Try {
  readonly reference: string | null
  readonly refusals: number
  readonly waits: number
}

export const openWhatsApp = async (
  spec: WhatsAppSpec,
  tools: Parameters<OpenChannel<WhatsAppSpec>>[1],
  changed: Partial<WhatsAppTimes> = {},
): Promise<Channel> => {
  const times: WhatsAppTimes = { ...LINK_TIMES, answerMs: ANSWER_MS, ...changed }
  const { folder, events, warn } = tools
  // Where heald is installed with the bot as a unit, its browser is another: the bot's unit names the socket to it.
  const place = placeOf(spec, folder, process.env.HEALD_WHATSAPP ?? null)
  const link = keepLink({ place, times, warn, onState: state => events.onState(state) })
  const tries = new Map<string, Try>()
  let closed: Promise<void> | null = null

  function remember(key: string, change: Partial<Try>): Try {
    const known = { reference: null, refusals: 0, waits: 0, ...tries.get(key), ...change }
    tries.delete(key)
    tries.set(key, known)
    const oldest = tries.keys().next()
    if (tries.size > MOST_KEYS && !oldest.done) tries.delete(oldest.value)
    return known
  }

  /** What to say when nothing came of a request. */
  function nothing(isOpen: boolean, detail = link.state().why): Verdict {
    const { isFinal, why } = link.state()
    if (closed !== null) return { verdict: 'retry', afterMs: null, of: 'channel', isOpen, why: 'the channel is closed' }
    if (isFinal) return { verdict: 'refused', of: 'channel', why }
    return { verdict: 'retry', afterMs: null, of: 'channel', isOpen, why: detail.slice(0, 300) }
  }

  /** What the servers say of a message that the page has. */
  async function settle(key: string, chat: string, reference: string, ack: number, untilMs: number): Promise<Verdict> {
    remember(key, { reference })
    const said = ack === 0 ? await link.ackOf(reference, untilMs - performance.now()) : ack
    if (said === null) return nothing(true, 'WhatsApp has not acknowledged the message in time')
    if (said > 0) return { verdict: 'done', reference }
    const { refusals } = remember(key, { reference: null, refusals: (tries.get(key)?.refusals ?? 0) + 1 })
    const there = await link.session()?.ask({ order: 'chat', chat }, LOOK_MS)
    if (there?.is === 'missing') return notThere(chat)
    if (refusals >= MOST_TRIES) return { verdict: 'refused', of: 'message', why: 'WhatsApp has refused it three times' }
    return nothing(false, 'WhatsApp has refused the message')
  }

  /** What became of an earlier try; null: nothing is left of it. */
  async function resume(key: string, chat: string, reference: string, untilMs: number): Promise<Verdict | null> {
    const session = link.session() ?? (await link.connected(untilMs - performance.now()))
    if (session === null) return nothing(true)
    const { waits } = remember(key, { waits: (tries.get(key)?.waits ?? 0) + 1 })
    const found = await session.ask({ order: 'find', reference }, untilMs - performance.now())
    if (found?.is === 'missing') return null
    const verdict = await settle(key, chat, reference, found?.is === 'sent' ? found.ack : 0, untilMs)
    if (verdict.verdict === 'retry' && verdict.isOpen && waits >= MOST_TRIES) tries.delete(key)
    return verdict
  }

  return {
    name: 'whatsapp',
    // There are no published limits; a number that writes much gets banned.
    pace: () => [
      { count: 1, perMs: 5000, over: 'chat' },
      { count: 10, perMs: 60_000, over: 'all' },
    ],
    fits: fitsIn,

    async post(chat, message, { key, isAgain, replyTo }) {
      const untilMs = performance.now() + times.answerMs
      if (closed !== null) return nothing(false)
      if (!CHAT.test(chat)) return notThere(chat)
      if (!fitsIn(message)) return { verdict: 'refused', of: 'message', why: 'it is too long for WhatsApp' }
      const text = textOf(message)
      const before = isAgain ? (tries.get(key)?.reference ?? null) : null
      const earlier = before === null ? null : await resume(key, chat, before, untilMs)
      if (earlier !== null) return earlier
      const session = await link.connected(Math.min(times.answerMs * WAIT_SHARE, untilMs - performance.now()))
      if (session === null) return nothing(false)
      const late = (answer: Answer) => {
        if (answer.is === 'sent') remember(key, { reference: answer.reference })
      }
      const answer = await session.ask({ order: 'send', chat, text, replyTo }, untilMs - performance.now(), late)
      if (answer?.is === 'missing') return notThere(chat)
      if (answer?.is === 'sent') return settle(key, chat, answer.reference, answer.ack, untilMs)
      return nothing(true, answer?.is === 'failed' ? `WhatsApp Web: ${answer.detail}` : 'WhatsApp Web did not answer')
    },

    async edit(chat, reference, message) {
      const untilMs = performance.now() + times.answerMs
      if (closed !== null) return nothing(false)
      if (!reference.startsWith(`true_${chat}_`)) return { verdict: 'gone', why: 'it is not a message of this chat' }
      if (!fitsIn(message)) return { verdict: 'refused', of: 'message', why: 'it is too long for WhatsApp' }
      const session = await link.connected(times.answerMs * WAIT_SHARE)
      if (session === null) return nothing(false)
      const text = textOf(message)
      const answer = await session.ask({ order: 'edit', reference, text }, untilMs - performance.now())
      if (answer?.is === 'done') return { verdict: 'done', reference }
      // The library does not say which. WhatsApp lets a message be changed for 15 minutes (so its help pages are quoted;
      // the library asks the page, `canEditText`, and knows no figure).
      if (answer?.is === 'missing') return { verdict: 'gone', why: 'it was deleted, or is older than 15 minutes' }
      return nothing(true, answer?.is === 'failed' ? `WhatsApp Web: ${answer.detail}` : 'WhatsApp Web did not answer')
    },

    close() {
      closed ??= link.close()
      return closed
    },
  }
}

function notThere(chat: string): Verdict {
  const words = JSON.stringify(chat.length > 60 ? `${chat.slice(0, 60)}…` : chat)
  return { verdict: 'refused', of: 'chat', why: `there is no chat ${words}, or this number is not in it` }
}
