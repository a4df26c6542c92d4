import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { beginAnew } from '../../bot/anew.ts'
import { announce } from '../../bot/announce.ts'
import { emptyCards, type News } from '../../bot/cards.ts'
import type { CoreLink } from '../../bot/core-link.ts'
import { fittingEntries } from '../../bot/fitting.ts'
import { isSilenced } from '../../bot/route.ts'
import type { Data, Entry } from '../../core/entry.ts'
import type { Incident } from '../../core/incident/fold.ts'
import { ZEROS } from '../../core/ledger/line.ts'
import { lineOf } from '../core/ledger/stand.ts'
import { fakeClock } from '../fakes/clock.ts'
import { noticeSpec } from './stand.ts'

function entry(seq: number, kind: string, data: Data): Entry {
  const ts = '2026-01-01T00:00:00.000Z'
  const rest = {
    v: 1,
    prev: '0'.repeat(64),
    mono: 0,
    boot: 'aaaa0000',
    h: 'a'.repeat(64),
    svc: 'agent',
    inc: 'agent-0',
  }
  return { ...rest, seq, ts, kind, data } as unknown as Entry
}

const INCIDENT: Incident = {
  ...{ id: 'agent-7', severity: 'critical', state: 'open', services: ['agent'], cause: 'killed', attempts: 0 },
  ...{ openedTs: '2026-01-01T00:00:00.000Z', resolvedTs: null, downMs: null, entries: [], entryCount: 1 },
  ...{ ackedBy: null, ackedTs: null, how: null },
}

function linkOf(more: Partial<CoreLink>): CoreLink {
  return {
    config: () => Promise.reject(new Error('not asked')),
    head: async () => 0,
    incidents: async () => [INCIDENT],
    silences: async () => [
      {
        id: 'silence-1',
        match: { services: ['agent'], severity: null, kinds: null },
        untilTs: '2099-01-01T00:00:00.000Z',
      },
    ],
    deliveries: async () => [],
    tail: async () => null,
    checkpoint: async () => null,
    posted: async () => [],
    report: async () => {},
    request: () => Promise.reject(new Error('not asked')),
    command: async () => null,
    offers: async () => [],
    complete: async () => [],
    async *follow() {},
    ...more,
  }
}

const anew = (link: CoreLink, told: string[] = []) => ({
  ...{ link, notice: noticeSpec(), nowMs: Date.parse('2026-01-01'), told: new Set(told), warn: () => {} },
})

/** Lines of a chain, as core sends them. */
function chain(count: number, fromMono: number): string[] {
  let prev = ZEROS
  return Array.from({ length: count }, (_, seq) => {
    const stamp = { seq, prev, ts: '2026-01-01T00:00:00.000Z', mono: fromMono + seq, boot: 'aaaa0000' }
    const line = lineOf(stamp, '"kind":"service.ready","svc":"web","data":{}')
    prev = line.h
    return line.text.trimEnd()
  })
}

function follow(link: CoreLink, cards = emptyCards()) {
  const clock = fakeClock()
  const told: News[] = []
  const end = new AbortController()
  const warnings: string[] = []
  const unfit: string[] = []
  let anew = 0
  let follows = 0
  const onAnew = () => {
    anew += 1
  }
  const onFollow = () => {
    follows += 1
  }
  const ended = announce(
    {
      ...{ link, clock, cards, notice: () => noticeSpec(), save: async () => {} },
      ...{
        outbox: { take: news => void told.push(...news), wake: () => {}, untold: () => new Set() },
        offering: { take: () => {}, refresh: () => {} },
        onConfig: () => {},
        onClosed: () => {},
        onFollow,
        onAnew,
        onUnfit: why => void unfit.push(why),
      },
      warn: text => void warnings.push(text),
    },
    end.signal,
  )
  return { clock, told, cards, end, ended, warnings, unfit, anew: () => anew, follows: () => follows }
}

test('what is read is told in the same turn, so that no state is saved with the one and not the other', async () => {
  let isTold = false
  const link = linkOf({
    async *follow() {
      yield entry(0, 'incident.opened', { severity: 'critical', cause: 'x', services: ['agent'] })
      yield entry(1, 'escalation.due', { incident: 'agent-0', step: 0, to: ['telegram'], fallback: false })
      isTold = bot.told.length === 2 && bot.told.some(({ escalation }) => escalation !== undefined)
    },
  })
  const bot = follow(link)
  await bot.clock.advance(0)
  bot.end.abort()
  await bot.ended
  assert.ok(isTold)
  assert.equal(bot.told.filter(({ escalation }) => escalation !== undefined).length, 1)
})

test('a daemon that is away for long leaves nothing behind for each try', async () => {
  const bot = follow(linkOf({ head: () => Promise.reject(new Error('away')) }))
  await bot.clock.advance(600_000)
  assert.ok(getEventListeners(bot.end.signal, 'abort').length <= 1)
  bot.end.abort()
  await bot.ended
})

test('another ledger: what is open in it is told, and what is silenced stays so', async () => {
  const bot = follow(linkOf({ head: async () => 9 }), emptyCards(100))
  await bot.clock.advance(0)
  bot.end.abort()
  await bot.ended
  assert.deepEqual([bot.cards.nextSeq, [...bot.cards.byId.keys()]], [9, ['agent-7']])
  assert.ok(bot.told.some(({ card }) => card === 'agent-7'))
})

test('begun anew, silences stand as before', async () => {
  const cards = await beginAnew(anew(linkOf({})))
  const card = cards.byId.get('agent-7')
  assert.ok(card !== undefined && isSilenced(card, cards.silences.values(), Date.parse('2026-01-01')))
})

test('another ledger that is longer than what was read is told by the hash of the last entry, and the bot begins anew', async () => {
  const cards = emptyCards(5)
  cards.lastH = 'b'.repeat(64)
  const asked: number[] = []
  const bot = follow(
    linkOf({
      head: async () => 9,
      async *follow(from) {
        asked.push(from)
        for (let seq = from; seq < 9; seq += 1) yield entry(seq, 'daemon.started', {})
        await new Promise(() => {})
      },
    }),
    cards,
  )
  await bot.clock.advance(200)
  assert.deepEqual(asked, [4, 0, 8], 'all of it is read, then it is followed')
  assert.deepEqual([bot.cards.nextSeq, bot.cards.byId.has('agent-7'), bot.anew()], [9, true, 1])
  assert.equal(bot.follows(), 2, 'core is told of the channels each time')
  assert.match(bot.warnings.join(), /another one \(its entry #4 has another hash/)
  bot.end.abort()
})

test('the same ledger goes on where it was read to', async () => {
  const cards = emptyCards(5)
  cards.lastH = 'a'.repeat(64)
  const bot = follow(
    linkOf({
      head: async () => 7,
      async *follow(from) {
        for (let seq = from; seq < 7; seq += 1) yield entry(seq, 'daemon.started', {})
        await new Promise(() => {})
      },
    }),
    cards,
  )
  await bot.clock.advance(200)
  assert.deepEqual([bot.cards.nextSeq, bot.cards.byId.size, bot.anew()], [7, 0, 0])
  bot.end.abort()
})

test('a last entry that is damaged as it comes once more does not spare the comparison', async () => {
  const [read, other] = [chain(8, 0), chain(8, 7)]
  const told: string[] = []
  const bot = follow(
    linkOf({
      head: async () => 8,
      async *follow(from) {
        async function* sent() {
          yield* other.slice(from).map((line, at) => (from + at === 4 ? line.replace('"web"', '"job"') : line))
          await new Promise(() => {})
        }
        yield* fittingEntries(sent(), why => told.push(why))
      },
    }),
    { ...emptyCards(5), lastH: JSON.parse(read[4] ?? '').h },
  )
  await bot.clock.advance(0)
  bot.end.abort()
  assert.equal(told[0], 'the first line: the hash does not match the line')
  assert.match(bot.unfit.join(), /^entry #5: its "prev" is not the hash of entry #4$/)
  assert.equal(bot.anew(), 1)
})

/** A bot that has read entries #0 to #4, all with the hash "a…", and whose connection hands over `sent` of 12 entries. */
async function goOn(sent: readonly Entry[]) {
  const cards = { ...emptyCards(5), lastH: 'a'.repeat(64) }
  const link = linkOf({
    head: async () => 12,
    async *follow(from) {
      yield* from === 4 ? sent : sent.filter(({ seq }) => seq >= from)
      await new Promise(() => {})
    },
  })
  const bot = follow(link, cards)
  await bot.clock.advance(200)
  bot.end.abort()
  return bot
}

const started = (seq: number, more: Partial<Entry> = {}) => ({ ...entry(seq, 'daemon.started', {}), ...more })

test('what goes on behind the last entry that was read has to be linked to it', async () => {
  const linked = await goOn([started(5, { prev: 'a'.repeat(64) })])
  assert.deepEqual([linked.cards.nextSeq, linked.unfit, linked.anew()], [6, [], 0])
  const stranger = await goOn([5, 6, 7, 8, 9, 10, 11].map(seq => started(seq)))
  assert.deepEqual(stranger.unfit, ['entry #5: its "prev" is not the hash of entry #4'])
  assert.equal(stranger.anew(), 1, 'cards are taken as core knows them')
})

test('a connection that begins too late is told, and the bot begins anew', async () => {
  const late = await goOn([9, 10, 11].map(seq => started(seq)))
  assert.deepEqual(late.unfit, ['it goes on with entry #9, and #5 is the next one'])
  assert.deepEqual([late.cards.nextSeq, late.cards.byId.has('agent-7'), late.anew()], [12, true, 0])
  const otherPrune = entry(10, 'ledger.pruned', { upTo: 8 })
  assert.equal((await goOn([started(9), otherPrune, started(11)])).unfit.length, 1, 'that prune took others')
})

test('where the entries between were pruned the bot begins anew, without an alarm', async () => {
  const bot = await goOn([started(9), entry(10, 'ledger.pruned', { upTo: 9 }), started(11)])
  assert.deepEqual([bot.unfit, bot.cards.nextSeq, bot.cards.byId.has('agent-7')], [[], 12, true])
  assert.match(bot.warnings.join(), /entries #5 to #8 were pruned before the bot read them/)
})

test('entries from before the last one that was read do not spare the comparison', async () => {
  const late = await goOn([started(2), started(3), ...[9, 10, 11].map(seq => started(seq))])
  assert.equal(late.unfit.length, 1)
})
