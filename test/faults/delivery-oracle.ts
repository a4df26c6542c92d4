import { applyEntry, emptyCards } from '../../bot/cards.ts'
import type { Channel, Verdict } from '../../bot/channel.ts'
import { policyOf } from '../../bot/route.ts'
import type { NoticeSpec } from '../../core/config/notice-spec.ts'
import type { Entry } from '../../core/entry.ts'
import type { Platform } from '../conformance/platform.ts'

/** What has to be shown at the end, from the ledger alone: a fold of its own, which no kill has been through. */
export function wantedOf(ledger: readonly Entry[], notice: NoticeSpec): Wanted[] {
  const cards = emptyCards()
  for (const entry of ledger) applyEntry(cards, entry, policyOf(notice, cards.silences, 0))
  const [{ kind } = { kind: 'console' }] = notice.channels
  return [...cards.byId.values()].map(card => ({
    ...{ id: card.id, receipt: card.receipt, isOver: card.isOver },
    // WhatsApp, where each message is heard, is spared what was over within the grace time.
    maySpare: kind === 'whatsapp' && card.isOver && card.changedMs - card.sinceMs < (notice.routes[0]?.graceMs ?? 0),
  }))
}

export interface Wanted {
  readonly id: string
  /** Of its newest entry: stands in the message that shows its last state. */
  readonly receipt: string
  readonly isOver: boolean
  readonly maySpare: boolean
}

/** What is wrong with what a chat shows, in words; empty when nothing is. `known`: messages whose answer was heard. */
export function faultsOf(wanted: readonly Wanted[], shown: ReturnType<Platform['shown']>, known: ReadonlySet<string>) {
  const cards = shown.filter(({ reference, replyTo }) => known.has(reference) && replyTo === null)
  const isLast = (text: string) => wanted.some(({ receipt }) => text.includes(receipt))
  return [
    ...wanted.flatMap(({ id, receipt, isOver, maySpare }) => {
      const count = cards.filter(({ text }) => text.includes(receipt) && text.includes('Resolved') === isOver).length
      if (count === 1 || (count === 0 && maySpare)) return []
      return [`the last state of ${id} is shown ${count} times`]
    }),
    ...cards.filter(({ text }) => !isLast(text)).map(({ text }) => `an old state is shown: ${text.slice(0, 80)}`),
  ]
}

/** Looks again and again whether a message goes back to an earlier state of its card. */
export function watchOrder(platform: Platform, chat: string) {
  const newest = new Map<string, number>()
  const backwards: string[] = []
  const timer = setInterval(() => {
    for (const { reference, text } of platform.shown(chat)) {
      const seq = Number(/#(\d+)·/.exec(text)?.[1] ?? 0)
      const before = newest.get(reference) ?? 0
      if (seq < before) backwards.push(`#${before} and then #${seq} in ${reference}`)
      newest.set(reference, seq)
    }
  }, 5)
  return { backwards, end: () => clearInterval(timer) }
}

/** A channel that does nothing but fail, in every way there is. */
export function deadChannel(hangsMs: number): Channel {
  let count = 0
  const answer = async (): Promise<Verdict> => {
    count += 1
    const why = 'dead'
    if (count % 4 === 1) await new Promise(resolve => setTimeout(resolve, hangsMs))
    if (count % 4 === 2) throw new Error('an adapter that rejects, which none should')
    if (count % 4 === 3) return { verdict: 'refused', of: 'channel', why }
    return { verdict: 'retry', afterMs: null, of: 'channel', isOpen: true, why }
  }
  return { name: 'console', pace: () => [], fits: () => true, post: answer, edit: answer, close: async () => {} }
}
