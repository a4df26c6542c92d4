import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginAnew } from '../../bot/anew.ts'
import { cardsToJson } from '../../bot/cards.ts'
import type { CoreLink } from '../../bot/core-link.ts'
import type { Entry } from '../../core/entry.ts'
import { applyEntry, emptyIncidents, openIncidents } from '../../core/incident/fold.ts'
import { fakeChat } from '../fakes/chat.ts'
import { makeBot, noticeSpec } from './stand.ts'

const LOOP = { severity: 'critical', cause: 'crash loop: 3 failures', step: 'crash loop' }
const FLAP_MS = noticeSpec().flap.withinMs

function stand() {
  const chat = fakeChat('telegram', { tellTwins: false })
  const bot = makeBot([chat])
  const { ledger, clock } = bot
  /** The bot has lost its memory; `told`: cards that stand in chats; `more`: what the daemon answers otherwise. */
  async function anew(told: readonly string[] = [...bot.cards().byId.keys()], more: Partial<CoreLink> = {}) {
    const incidents = emptyIncidents()
    for (const entry of ledger) applyEntry(incidents, entry)
    const warnings: string[] = []
    const link = {
      head: async () => ledger.length,
      incidents: async () => openIncidents(incidents),
      silences: async () => [],
      async *follow(fromSeq: number): AsyncGenerator<Entry> {
        yield* ledger.slice(fromSeq)
        await new Promise(() => {})
      },
      ...more,
    }
    const rest = { notice: noticeSpec(), nowMs: clock.wallMs(), told: new Set(told) }
    const cards = await beginAnew({ link, ...rest, warn: text => void warnings.push(text) })
    return { cards, warnings }
  }
  return { chat, bot, anew }
}

test('cards are what they were: a group whose first incident is over, a critical one, and what is silenced', async () => {
  const { bot, anew } = stand()
  bot.write('silence.created', { id: 's1', match: { services: ['quiet'] }, untilTs: '2099-01-01T00:00:00.000Z' })
  const first = bot.open('agent')
  const second = bot.open('web')
  bot.step(first)
  bot.step(second)
  bot.resolve(first)
  await bot.settle(5000)
  bot.step(bot.open('db', 'critical'))
  bot.open('quiet')
  await bot.settle(5000)
  const { cards, warnings } = await anew()
  assert.deepEqual(warnings, [])
  assert.deepEqual(cardsToJson(cards), cardsToJson(bot.cards()))
  const group = cards.byId.get(first)
  assert.ok(group?.about.what === 'incidents' && group.about.members.length === 2 && !group.isContinued)
  assert.equal(cards.cardOf.get(second), first)
})

test('a switch under way is known, so that its end is told: also that it is held', async () => {
  const { bot, anew } = stand()
  bot.write('switch.armed', { target: 'app', to: { generation: 'r2', path: '/r2' } })
  bot.write('switch.probation', { target: 'app', to: { generation: 'r2', path: '/r2' } })
  const { cards } = await anew([])
  assert.deepEqual([...cards.byId.keys()], ['switch:app-0'])
  assert.equal(cards.switching.get('app'), 'switch:app-0')
})

test('what is over is nobody’s news, but what was over only lately and stands in a chat gets its last state', async () => {
  const { bot, anew } = stand()
  const old = bot.open('old')
  bot.resolve(old)
  await bot.settle(FLAP_MS + 120_000)
  const told = bot.open('told')
  await bot.settle(5000)
  const untold = bot.open('untold')
  for (const inc of [told, untold]) bot.resolve(inc)
  const { cards } = await anew([old, told])
  assert.deepEqual([...cards.byId.keys()], [told])
  assert.equal(cards.byId.get(told)?.isOver, true)
})

test('an incident that began before all that is read is taken as core knows it', async () => {
  const { bot, anew } = stand()
  const old = bot.open('agent', 'critical')
  bot.step(old, 'incident.escalated', LOOP)
  await bot.settle(5000)
  for (let n = 0; n < 21_000; n += 1)
    bot.ledger.push({ ...(bot.ledger[0] as Entry), seq: n + 2, kind: 'daemon.started' })
  const asked: number[] = []
  const { cards, warnings } = await anew([], {
    async *follow(fromSeq: number) {
      asked.push(fromSeq)
      yield* bot.ledger.slice(fromSeq)
    },
  })
  assert.deepEqual([asked, warnings, cards.nextSeq], [[21_002 - 2000], [], 21_002])
  const card = cards.byId.get(old)
  assert.deepEqual([card?.isContinued, card?.severity, card?.isOver], [true, 'critical', false])
})

test('a ledger that can not be read again is said, and costs no more than the earlier steps', async () => {
  const { bot, anew } = stand()
  const inc = bot.open('agent')
  await bot.settle(3000)
  for (const follow of [
    async function* () {},
    async function* (): AsyncGenerator<Entry> {
      yield { ...(bot.ledger[0] as Entry), kind: 'daemon.started', seq: -1 }
      throw new Error('a damaged line')
    },
  ]) {
    const { cards, warnings } = await anew([], { follow })
    assert.deepEqual([[...cards.byId.keys()], cards.nextSeq], [[inc], bot.ledger.length])
    assert.equal(cards.byId.get(inc)?.isContinued, true)
    assert.match(warnings.join(), /without their earlier steps: (only 0 of 1 entries came in time|a damaged line)/)
  }
})
