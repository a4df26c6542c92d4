import { askedFrom } from '../../bot/asked.ts'
import { applyEntry, type Cards, cardsFromJson, cardsToJson, emptyCards } from '../../bot/cards.ts'
import type { Item } from '../../bot/item.ts'
import { createOutbox, type Outbox } from '../../bot/outbox.ts'
import { policyOf } from '../../bot/route.ts'
import type { ChannelSpec } from '../../core/config/channel-spec.ts'
import type { NoticeSpec } from '../../core/config/notice-spec.ts'
import type { Data, Entry } from '../../core/entry.ts'
import type { FakeChat } from '../fakes/chat.ts'
import { fakeClock } from '../fakes/clock.ts'

const STEP_MS = 5000
const BOOT = 'this boot'

export const ALL = { severity: null, services: null, kinds: null } as const

export function channelSpec(kind: ChannelSpec['kind'], more: Partial<ChannelSpec> = {}): ChannelSpec {
  const common = { chats: [`${kind}-1`], quietHours: null, digest: null }
  const token = { env: 'TOKEN' }
  const whole = {
    telegram: { kind: 'telegram', token, apiRoot: 'http://127.0.0.1:1' },
    discord: { kind: 'discord', token, apiUrl: 'http://127.0.0.1:1' },
    slack: { kind: 'slack', botToken: token, appToken: token, http: null, apiUrl: 'http://127.0.0.1:1/' },
    whatsapp: { kind: 'whatsapp', browser: null, browserArgs: [] },
    console: { kind: 'console' },
  } as const
  return { ...common, ...whole[kind], ...more } as ChannelSpec
}

export function noticeSpec(more: Partial<NoticeSpec> = {}): NoticeSpec {
  const channels = more.channels ?? [channelSpec('telegram')]
  return {
    channels,
    routes: [{ match: ALL, to: channels.map(({ kind }) => kind), graceMs: 10_000 }],
    logs: false,
    flap: { changes: 4, withinMs: 600_000 },
    ...{ escalation: [], fallback: [], maintenance: [] },
    ...more,
  }
}

/** Cards and an outbox over chats in memory, on a clock that a test moves; it can be killed, and begun anew. */
export function makeBot(chats: readonly FakeChat[], spec: NoticeSpec = noticeSpec()) {
  const clock = fakeClock()
  const warnings: string[] = []
  const posted: { id: string; reference: string }[] = []
  const outcomes: string[] = []
  let disk = JSON.stringify({ cards: cardsToJson(emptyCards()), items: [] })
  /** Each kill begins another life: what the last one still does is not heard of any more. */
  let life = 0
  let cards: Cards = emptyCards()
  let items = new Map<string, Item>()
  let outbox: Outbox
  let seq = 0
  const ledger: Entry[] = []
  let current = spec
  const place = { host: 'web-1', tz: 'UTC' }

  function begin(): void {
    life += 1
    const mine = life
    const read = JSON.parse(disk) as { cards: unknown; items: Item[]; asked?: unknown }
    const asked = askedFrom(read.asked, BOOT)
    cards = cardsFromJson(read.cards) ?? emptyCards()
    items = new Map(read.items.map(item => [item.id, item]))
    const [myCards, myItems] = [cards, items]
    outbox = createOutbox({
      ...{ clock, random: () => 0.5, cards, items, asked, notice: () => current, place },
      channels: new Map(chats.map(({ channel }) => [channel.name, mortal(channel, () => life === mine)])),
      save: async () => {
        if (life === mine) disk = JSON.stringify({ cards: cardsToJson(myCards), items: [...myItems.values()], asked })
      },
      onPosted: (item, reference) => void posted.push({ id: item.id, reference }),
      onOutcome: (channel, _chat, why) => void outcomes.push(`${channel}: ${why ?? 'ok'}`),
      warn: text => void warnings.push(text),
    })
    outbox.reroute()
    catchUp()
  }

  function catchUp(): void {
    for (const entry of ledger.slice(cards.nextSeq))
      outbox.take(applyEntry(cards, entry, policyOf(current, cards.silences, clock.wallMs())))
    outbox.wake()
  }

  begin()
  return {
    ...{ clock, warnings, posted, outcomes, ledger, place },
    cards: () => cards,
    items: () => items,
    outbox: () => outbox,
    set(more: Partial<NoticeSpec>) {
      current = { ...current, ...more }
      outbox.reroute()
    },
    /** An entry becomes durable. */
    write(kind: string, data: Data, more: Partial<Pick<Entry, 'svc' | 'inc' | 'actor'>> = {}): number {
      const at = seq
      seq += 1
      const entry = {
        ...{
          v: 1,
          seq: at,
          prev: '0'.repeat(64),
          ts: new Date(clock.wallMs()).toISOString(),
          mono: 0,
          boot: 'aaaa0000',
        },
        ...{ kind, data, h: at.toString(16).padStart(64, 'a'), ...more },
      } as unknown as Entry
      ledger.push(entry)
      catchUp()
      return at
    },
    open(svc: string, severity = 'warning', cause = 'killed by SIGKILL'): string {
      const inc = `${svc}-${seq}`
      this.write('incident.opened', { severity, cause, services: [svc] }, { svc, inc })
      return inc
    },
    step(inc: string, kind = 'service.restarting', data: Data = { attempt: 1, delayMs: 0, cause: 'x' }) {
      this.write(kind, data, { svc: inc.replace(/-\d+$/, ''), inc })
    },
    resolve(inc: string) {
      this.step(inc, 'incident.resolved', { downMs: 1200, how: 'restarted' })
    },
    /** kill -9, and a new start from what was saved. */
    kill() {
      begin()
    },
    /** Lets so much time go by, and what is under way come to its end. */
    async settle(ms = 0) {
      // Requests take turns of their own, in which this clock stands: so it goes on in small steps.
      for (let leftMs = ms; leftMs >= 0; leftMs -= STEP_MS) {
        await clock.advance(Math.min(leftMs, STEP_MS))
        for (let n = 0; n < 12; n += 1) await new Promise(resolve => setImmediate(resolve))
      }
    },
  }
}

/** Answers of a life that has ended never come. */
function mortal(channel: FakeChat['channel'], isAlive: () => boolean): FakeChat['channel'] {
  const never = new Promise<never>(() => {})
  return {
    ...channel,
    post: async (...how) => (isAlive() ? channel.post(...how).then(verdict => (isAlive() ? verdict : never)) : never),
    edit: async (...how) => (isAlive() ? channel.edit(...how).then(verdict => (isAlive() ? verdict : never)) : never),
  }
}

export type Bot = ReturnType<typeof makeBot>
