import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { beginAnew } from '../../bot/anew.ts'
import { announce } from '../../bot/announce.ts'
import { emptyCards, type News } from '../../bot/cards.ts'
import type { CoreLink } from '../../bot/core-link.ts'
import { isSilenced } from '../../bot/route.ts'
import type { Data, Entry } from '../../core/entry.ts'
import type { Incident } from '../../core/incident/fold.ts'
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

function follow(link: CoreLink, cards = emptyCards()) {
  const clock = fakeClock()
  const told: News[] = []
  const end = new AbortController()
  const warnings: string[] = []
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
      },
      warn: text => void warnings.push(text),
    },
    end.signal,
  )
  return { clock, told, cards, end, ended, warnings, anew: () => anew, follows: () => follows }
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
