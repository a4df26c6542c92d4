import { createHash } from 'node:crypto'
import type { Card } from '../../bot/card.ts'
import { applyEntry, type Cards, emptyCards } from '../../bot/cards.ts'
import type { Place } from '../../bot/render.ts'
import type { Data, Entry } from '../../core/entry.ts'

/** Where everything in the pictures happens. */
export const PLACE: Place = { host: 'web-1', tz: 'Europe/Berlin' }
const START_MS = Date.parse('2026-11-17T02:14:07.180Z')

/** A stretch of ledger that is written by hand, and the cards that it is folded to: as the bot does it, on a clock that stands. */
export interface Story {
  readonly cards: Cards
  nowMs(): number
  /** Time goes by. */
  wait(ms: number): Story
  write(kind: string, data: Data, more?: Partial<Pick<Entry, 'svc' | 'inc' | 'actor'>>): Story
  /** An incident begins; gives its id. */
  open(svc: string, cause: string, severity?: 'warning' | 'critical'): string
  /** One more entry of the incident. */
  step(inc: string, kind: string, data: Data): Story
  /** A process of the incident's service ends, and another one is started. */
  exit(inc: string, diagnosis: string, attempt: number, delayMs?: number): Story
  /** The only card, or the newest. */
  card(): Card
}

export function newStory(firstSeq = 41): Story {
  const cards = emptyCards()
  let nowMs = START_MS
  let seq = firstSeq
  let prev = '0'.repeat(64)
  const policy = { flap: { changes: 4, withinMs: 600_000 }, audience: () => 'everybody' }
  const story: Story = {
    cards,
    nowMs: () => nowMs,
    wait(ms) {
      nowMs += ms
      return story
    },
    write(kind, data, more = {}) {
      const h = createHash('sha256').update(`${prev} ${seq} ${kind}`).digest('hex')
      const ts = new Date(nowMs).toISOString()
      const entry = { ...{ v: 1, seq, prev, ts, mono: 0, boot: '27afce54', kind, data, h }, ...more }
      applyEntry(cards, entry as Entry, policy)
      prev = h
      seq += 1
      return story
    },
    open(svc, cause, severity = 'warning') {
      const inc = `${svc}-${seq}`
      story.write('incident.opened', { id: inc, severity, cause, services: [svc] }, { svc, inc })
      return inc
    },
    step: (inc, kind, data) => story.write(kind, data, { svc: inc.replace(/-\d+$/, ''), inc }),
    exit(inc, diagnosis, attempt, delayMs = 0) {
      story.step(inc, 'service.exited', { diagnosis, wanted: false, rssBytes: 17_735_680 })
      story.step(inc, 'service.restarting', { attempt, delayMs, cause: diagnosis }).wait(delayMs)
      return story.step(inc, 'service.started', { pid: 7425 + attempt, attempt, standby: attempt === 1 })
    },
    card() {
      const card = [...cards.byId.values()].at(-1)
      if (card === undefined) throw new Error('nothing was told yet')
      return card
    },
  }
  return story
}
