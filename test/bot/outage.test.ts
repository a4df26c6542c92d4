import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announce } from '../../bot/announce.ts'
import { emptyAsked } from '../../bot/asked.ts'
import { cardsToJson, emptyCards } from '../../bot/cards.ts'
import type { CoreLink } from '../../bot/core-link.ts'
import type { Item } from '../../bot/item.ts'
import type { Message } from '../../bot/message.ts'
import { createOutbox } from '../../bot/outbox.ts'
import type { Data, Entry } from '../../core/entry.ts'
import { type FakeChat, fakeChat } from '../fakes/chat.ts'
import { fakeClock } from '../fakes/clock.ts'
import { channelSpec, noticeSpec } from './stand.ts'

const HOUR_MS = 3_600_000

/** What follows the ledger and the outbox together, as in the bot, on a clock that the test moves. */
function followed(chats: readonly FakeChat[]) {
  const clock = fakeClock()
  const notice = noticeSpec({ channels: chats.map(({ channel }) => channelSpec(channel.name as 'telegram')) })
  const ledger: Entry[] = []
  const cards = emptyCards()
  const items = new Map<string, Item>()
  let written = Promise.withResolvers<void>()
  const link: Pick<CoreLink, 'head' | 'follow'> = {
    head: async () => ledger.length,
    async *follow(fromSeq, signal) {
      for (let seq = fromSeq; !signal.aborted; ) {
        const entry = ledger[seq]
        if (entry === undefined) await written.promise
        else {
          yield entry
          seq += 1
        }
      }
    },
  }
  const outbox = createOutbox({
    ...{
      clock,
      random: () => 0.5,
      cards,
      items,
      asked: emptyAsked(),
      notice: () => notice,
      place: { host: 'web-1', tz: 'UTC' },
    },
    channels: new Map(chats.map(({ channel }) => [channel.name, channel])),
    ...{ save: async () => {}, onPosted: () => {}, onOutcome: () => {}, warn: () => {} },
  })
  const end = new AbortController()
  const ended = announce(
    {
      ...{ link: link as CoreLink, clock, cards, notice: () => notice, outbox, save: async () => {} },
      ...{ onConfig: () => {}, onClosed: () => {}, onAnew: () => {}, warn: () => {} },
    },
    end.signal,
  )
  function write(kind: string, svc: string, inc: string, data: Data): void {
    const seq = ledger.length
    const ts = new Date(clock.wallMs()).toISOString()
    const rest = { v: 1, prev: '0'.repeat(64), mono: 0, boot: 'aaaa0000', h: seq.toString(16).padStart(64, 'a') }
    ledger.push({ ...rest, seq, ts, kind, data, svc, inc } as unknown as Entry)
    const { resolve } = written
    written = Promise.withResolvers()
    resolve()
  }
  return {
    ...{ clock, cards, items },
    open(svc: string, severity = 'warning'): string {
      const inc = `${svc}-${ledger.length}`
      write('incident.opened', svc, inc, { severity, cause: 'killed by SIGKILL', services: [svc] })
      return inc
    },
    resolve(inc: string): void {
      write('incident.resolved', inc.replace(/-\d+$/, ''), inc, { downMs: 1200, how: 'restarted' })
    },
    async settle(ms = 0) {
      for (let leftMs = ms; leftMs >= 0; leftMs -= 20_000) {
        await clock.advance(Math.min(leftMs, 20_000))
        for (let n = 0; n < 12; n += 1) await new Promise(resolve => setImmediate(resolve))
      }
    },
    async close() {
      end.abort()
      written.resolve()
      await clock.advance(0)
      await ended
    },
  }
}

test('what was told before the network was cut for hours, and is over since, is shown as over', async () => {
  const chat = fakeChat('telegram', { tellTwins: false })
  const bot = followed([chat])
  const inc = bot.open('agent', 'critical')
  await bot.settle(1000)
  assert.match(chat.texts().join(), /Critical: agent/)
  chat.isAway = true
  bot.resolve(inc)
  await bot.settle(5 * HOUR_MS)
  chat.isAway = false
  await bot.settle(600_000)
  assert.deepEqual(chat.texts(), ['Resolved: agent on web-1 is well again'])
  await bot.settle(HOUR_MS)
  assert.deepEqual([bot.cards.byId.size, bot.items.size], [0, 0], 'and then nothing of it is kept')
  await bot.close()
})

test('a network that is cut for eight hours with 5,000 incidents behind it: each is told once it is back, in few requests', async t => {
  const chats = [
    fakeChat('telegram', { tellTwins: false, pace: [{ count: 20, perMs: 60_000, over: 'chat' }] }),
    fakeChat('slack', { tellTwins: true, pace: [{ count: 1, perMs: 1000, over: 'chat' }] }),
  ]
  const bot = followed(chats)
  const before = bot.open('before', 'critical')
  await bot.settle(30_000)
  for (const chat of chats) chat.isAway = true
  const requests = () => chats.map(chat => chat.requests)
  const cutAt = requests()
  let mostCards = 0
  let mostBytes = 0
  const last: string[] = []
  for (let n = 0; n < 5000; n += 1) {
    const inc = bot.open(`svc${n % 40}`, n % 7 === 0 ? 'critical' : 'warning')
    await bot.settle(5760)
    if (n < 4990) bot.resolve(inc)
    else last.push(inc)
    mostCards = Math.max(mostCards, bot.cards.byId.size)
    if (n % 500 === 499) {
      const state = JSON.stringify([cardsToJson(bot.cards), [...bot.items.values()]])
      mostBytes = Math.max(mostBytes, state.length)
    }
  }
  bot.resolve(before)
  const tries = requests().map((count, at) => count - (cutAt[at] ?? 0))
  for (const chat of chats) chat.isAway = false
  const backAt = requests()
  await bot.settle(HOUR_MS)
  const sent = requests().map((count, at) => count - (backAt[at] ?? 0))
  t.diagnostic(
    `at most ${mostCards} cards and ${Math.round(mostBytes / 1024)} KiB of state; ${tries.join(' and ')} tries in eight hours; ${sent.join(' and ')} requests afterwards`,
  )
  for (const chat of chats) {
    const texts = chat.texts()
    assert.ok(texts.includes('Resolved: before on web-1 is well again'), texts.join(' | '))
    for (const inc of last) {
      const name = inc.replace(/-\d+$/, '')
      assert.ok(
        texts.some(text => text.includes(`${name} on web-1 is down`)),
        `${name}: ${texts.join(' | ')}`,
      )
    }
    assert.equal(toldOf([...chat.shown.values()].map(({ message }) => message)), 5001, texts.join(' | '))
  }
  assert.ok(mostCards < 300 && mostBytes < 1024 * 1024, `${mostCards} cards, ${mostBytes} bytes`)
  assert.ok(Math.max(...tries) < 1000 && Math.max(...sent) < 100, `${tries} tries, ${sent} requests`)
  for (const inc of last) bot.resolve(inc)
  await bot.settle(HOUR_MS)
  for (const chat of chats)
    assert.deepEqual(
      chat.texts().filter(text => !/^(Resolved|Caught up)/.test(text)),
      [],
    )
  await bot.close()
})

/** How many incidents these messages tell of: cards, with how often; and summaries, service by service. */
function toldOf(messages: readonly Message[]): number {
  let count = 0
  for (const { title, blocks } of messages) {
    const text = blocks.map(block => (block.block === 'text' ? block.text : '')).join('\n')
    if (title.startsWith('Caught up')) {
      const lines = [...text.matchAll(/ svc\d+: (?:once|(\d+) times)/g)]
      count += lines.reduce((sum, [, times = '1']) => sum + Number(times), 0)
    } else count += Number(/, (\d+) times/.exec(title)?.[1] ?? 1)
  }
  return count
}
