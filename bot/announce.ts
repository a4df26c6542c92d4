import type { Clock } from '../core/clock.ts'
import type { NoticeSpec } from '../core/config/notice-spec.ts'
import type { Entry } from '../core/entry.ts'
import { messageOf } from '../core/fault.ts'
import { beginAnew } from './anew.ts'
import { applyEntry, type Cards, forget, isForgettable } from './cards.ts'
import type { CoreLink } from './core-link.ts'
import { isPrunedUpTo, type Joint, jointOf, type Late } from './joined.ts'
import type { Offering } from './offering.ts'
import type { Outbox } from './outbox.ts'
import { policyOf } from './route.ts'

export interface AnnounceOptions {
  readonly link: CoreLink
  readonly clock: Clock
  readonly cards: Cards
  readonly notice: () => NoticeSpec
  readonly outbox: Pick<Outbox, 'take' | 'wake' | 'untold'>
  readonly offering: Pick<Offering, 'take' | 'refresh'>
  readonly save: () => Promise<void>
  /** The configuration may be another one now. */
  readonly onConfig: () => void
  /** An incident was closed by this entry. */
  readonly onClosed: (seq: number) => void
  /** It is about to follow, for the first time or once more: core may have forgotten what it was told of the channels. */
  readonly onFollow: () => void
  /** The ledger is another one: what was reported is not in it. */
  readonly onAnew: () => void
  /** What core hands over does not go on where the bot has read to, and why. */
  readonly onUnfit: (why: string) => void
  readonly warn: (text: string) => void
}

const AGAIN_FIRST_MS = 100
const AGAIN_CAP_MS = 5000
/** News that led to no post is saved so much later: it would only be read again. */
const SAVE_AFTER_MS = 1000
const SWEEP_EVERY_MS = 60_000
const MOST_LINES = 15

/** Follows the ledger from where the cards stand, for ever; resolves when `signal` is aborted. */
export async function announce(options: AnnounceOptions, signal: AbortSignal): Promise<void> {
  const { link, clock, cards, outbox, warn } = options
  let isToFlush = false
  let againMs = AGAIN_FIRST_MS
  let cancelSave = () => {}
  let isToSave = false
  let lost = ''

  /** Entries come in batches, and are told together. */
  function flush(): void {
    isToFlush = false
    outbox.wake()
    if (isToSave) return
    isToSave = true
    cancelSave = clock.after(SAVE_AFTER_MS, () => {
      isToSave = false
      void options.save()
    })
  }

  function flushSoon(): void {
    if (!isToFlush) setImmediate(flush)
    isToFlush = true
  }

  async function followOnce(): Promise<void> {
    const size = await link.head()
    if (size < cards.nextSeq) await otherLedger(`it has ${size} entries, and ${cards.nextSeq} were read`)
    options.onFollow()
    // The last one that was read comes once more, to see that it is still the same.
    const fromSeq = cards.lastH === '' ? cards.nextSeq : cards.nextSeq - 1
    let joint: Joint | null = null
    for await (const entry of link.follow(fromSeq, signal)) {
      if (joint === null) {
        if (entry.seq < cards.nextSeq - 1) continue
        joint = jointOf(entry, cards)
        if (joint.is !== 'joined') break
      }
      againMs = AGAIN_FIRST_MS
      if (lost !== '') warn('the daemon is there again')
      lost = ''
      const news = applyEntry(cards, entry, policyOf(options.notice(), cards.silences, clock.wallMs()))
      outbox.take(news)
      options.offering.take(
        entry,
        news.map(({ card }) => card),
      )
      flushSoon()
      if (entry.kind === 'config.applied') options.onConfig()
      if (entry.kind === 'incident.resolved') options.onClosed(entry.seq)
      if (entry.data.tail !== undefined && options.notice().logs) void showTail(entry)
    }
    if (joint === null || joint.is === 'joined') return
    if (joint.is === 'late') return late(joint)
    if (joint.is === 'unlinked') options.onUnfit(joint.why)
    return otherLedger(joint.why)
  }

  async function otherLedger(why: string): Promise<void> {
    warn(`the ledger is another one (${why}), so the bot begins anew`)
    await anew(new Set())
    options.onAnew()
  }

  /** Entries before `seq` are missing: how things stand now is known from core alone. */
  async function late({ seq, why }: Late): Promise<void> {
    if (await isPrunedUpTo(seq, link, signal))
      warn(`entries #${cards.nextSeq} to #${seq - 1} were pruned before the bot read them, so it begins anew`)
    else options.onUnfit(why)
    await anew(new Set(cards.byId.keys()))
  }

  async function anew(told: ReadonlySet<string>): Promise<void> {
    const now = { notice: options.notice(), nowMs: clock.wallMs() }
    Object.assign(cards, await beginAnew({ link, ...now, told, warn }))
    outbox.take([...cards.byId.keys()].map(card => ({ card })))
    outbox.wake()
  }

  /** The last lines come after the news of the end, which does not wait for them. */
  async function showTail({ seq, inc = '', svc = '' }: Entry): Promise<void> {
    const text = await link.tail(seq).catch(() => null)
    const card = cards.byId.get(cards.cardOf.get(inc) ?? '')
    if (text === null || card === undefined) return
    const lines = text.trimEnd().split('\n').slice(-MOST_LINES)
    cards.byId.set(card.id, { ...card, lastLines: { title: `the last lines of ${svc}`, lines } })
    flushSoon()
  }

  const stopSweep = every(clock, SWEEP_EVERY_MS, () => sweep(options))
  try {
    while (!signal.aborted) {
      try {
        await followOnce()
      } catch (error) {
        const why = messageOf(error)
        if (why !== lost && !signal.aborted) warn(why)
        lost = why
      }
      if (!signal.aborted) await pause(clock, againMs, signal)
      againMs = Math.min(againMs * 2, AGAIN_CAP_MS)
    }
  } finally {
    stopSweep()
    cancelSave()
    flush()
    cancelSave()
  }
}

/** Forgets cards that are over, told everywhere as they ended, and that nothing joins any more. */
function sweep({ cards, outbox, offering, clock, notice }: AnnounceOptions): void {
  offering.refresh()
  const nowMs = clock.wallMs()
  const untold = outbox.untold()
  for (const [id, card] of [...cards.byId])
    if (!untold.has(id) && isForgettable(card, notice().flap, nowMs)) forget(cards, id)
}

function every(clock: Clock, ms: number, run: () => void): () => void {
  let cancel = clock.after(ms, again)
  function again(): void {
    run()
    cancel = clock.after(ms, again)
  }
  return () => cancel()
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = () => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(ms, end)
    signal.addEventListener('abort', end)
  })
}
