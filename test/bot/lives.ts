import { announce } from '../../bot/announce.ts'
import { type Asked, askedFrom } from '../../bot/asked.ts'
import { cardsFromJson, cardsToJson, emptyCards } from '../../bot/cards.ts'
import type { Channel } from '../../bot/channel.ts'
import type { CoreLink } from '../../bot/core-link.ts'
import type { Item } from '../../bot/item.ts'
import { createOutbox } from '../../bot/outbox.ts'
import type { NoticeSpec } from '../../core/config/notice-spec.ts'
import type { Data, Entry } from '../../core/entry.ts'
import type { FakeChat } from '../fakes/chat.ts'
import type { FakeClock } from '../fakes/clock.ts'
import { channelSpec, noticeSpec } from './stand.ts'

/** A ledger in memory, as the bot follows it. */
export function makeLedger(clock: FakeClock) {
  const entries: Entry[] = []
  let written = Promise.withResolvers<void>()
  function write(kind: string, data: Data, more: { svc?: string; inc?: string } = {}): void {
    const seq = entries.length
    const ts = new Date(clock.wallMs()).toISOString()
    const rest = { v: 1, prev: '0'.repeat(64), mono: 0, boot: 'aaaa0000', h: seq.toString(16).padStart(64, 'a') }
    entries.push({ ...rest, seq, ts, kind, data, ...more } as unknown as Entry)
    const { resolve } = written
    written = Promise.withResolvers()
    resolve()
  }
  return {
    ...{ entries, write },
    open(svc: string, severity = 'warning'): string {
      const inc = `${svc}-${entries.length}`
      write('incident.opened', { severity, cause: 'killed by SIGKILL', services: [svc] }, { svc, inc })
      return inc
    },
    step(inc: string, kind = 'service.restarting', data: Data = { attempt: 1, delayMs: 0, cause: 'x' }): void {
      write(kind, data, { svc: inc.replace(/-\d+$/, ''), inc })
    },
    resolve(inc: string): void {
      this.step(inc, 'incident.resolved', { downMs: 1200, how: 'restarted' })
    },
    link: {
      head: async () => entries.length,
      async *follow(fromSeq: number, signal: AbortSignal) {
        for (let seq = fromSeq; !signal.aborted; ) {
          const entry = entries[seq]
          if (entry === undefined) await written.promise
          else {
            yield entry
            seq += 1
          }
        }
      },
    },
  }
}

/** What a kill leaves: the state as it was saved last. */
export interface Disk {
  text: string
}

/**
 * One life of what follows the ledger and tells of it, on a clock that the test moves. `at` is called at each moment at
 * which a kill may come, with its name.
 */
export function beginLife(
  ledger: ReturnType<typeof makeLedger>,
  chats: readonly FakeChat[],
  { clock, disk, notice = specOf(chats), at = () => {} }: LifeOptions,
) {
  const read = JSON.parse(disk?.text || '{}') as { cards?: unknown; items?: Item[]; asked?: Asked }
  const cards = cardsFromJson(read.cards) ?? emptyCards()
  const items = new Map((read.items ?? []).map(item => [item.id, item]))
  const asked = askedFrom(read.asked, 'boot')
  const end = new AbortController()
  let isDead = false
  /** What comes after it in a life that has ended never does. */
  async function moment(name: string): Promise<void> {
    if (!isDead) at(name)
    if (isDead) await new Promise<never>(() => {})
  }
  async function save(): Promise<void> {
    if (disk === null) return
    const text = JSON.stringify({ cards: cardsToJson(cards), items: [...items.values()], asked })
    await moment('before a save')
    disk.text = text
    await moment('after a save')
  }
  const mortal = (channel: Channel): Channel => ({
    ...channel,
    async post(...how) {
      await moment(`before a post at ${channel.name}`)
      const verdict = await channel.post(...how)
      await moment(`after a post at ${channel.name}`)
      return verdict
    },
    async edit(...how) {
      await moment(`before an edit at ${channel.name}`)
      const verdict = await channel.edit(...how)
      await moment(`after an edit at ${channel.name}`)
      return verdict
    },
  })
  const outbox = createOutbox({
    ...{ clock, random: () => 0.5, cards, items, asked, notice: () => notice, place: { host: 'web-1', tz: 'UTC' } },
    channels: new Map(chats.map(({ channel }) => [channel.name, mortal(channel)])),
    ...{ save, onPosted: () => {}, onOutcome: () => {}, warn: () => {} },
  })
  outbox.reroute()
  const ended = announce(
    {
      ...{ link: ledger.link as unknown as CoreLink, clock, cards, notice: () => notice, outbox, save },
      ...{
        onConfig: () => {},
        onClosed: () => {},
        onFollow: () => {},
        onAnew: () => {},
        onUnfit: () => {},
        warn: () => {},
      },
      offering: { take: () => {}, refresh: () => {} },
    },
    end.signal,
  )
  return {
    ...{ cards, items },
    kill() {
      isDead = true
      end.abort()
    },
    /** Ends it well. */
    async close() {
      end.abort()
      ledger.write('daemon.started', {})
      await clock.advance(0)
      await ended
    },
  }
}

interface LifeOptions {
  readonly clock: FakeClock
  /** Null: nothing is kept, for there is one life only. */
  readonly disk: Disk | null
  readonly notice?: NoticeSpec
  readonly at?: (name: string) => void
}

function specOf(chats: readonly FakeChat[]): NoticeSpec {
  return noticeSpec({ channels: chats.map(({ channel }) => channelSpec(channel.name as 'telegram')) })
}

/** Lets so much time go by, in steps of `stepMs`, and what is under way come to its end. */
export async function settle(clock: FakeClock, ms: number, stepMs = 5000): Promise<void> {
  for (let leftMs = ms; leftMs >= 0; leftMs -= stepMs) {
    await clock.advance(Math.min(leftMs, stepMs))
    for (let n = 0; n < 12; n += 1) await new Promise(resolve => setImmediate(resolve))
  }
}
