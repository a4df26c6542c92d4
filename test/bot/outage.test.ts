import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cardsToJson } from '../../bot/cards.ts'
import type { Verdict } from '../../bot/channel.ts'
import type { Message } from '../../bot/message.ts'
import { type FakeChat, fakeChat } from '../fakes/chat.ts'
import { fakeClock } from '../fakes/clock.ts'
import { beginLife, makeLedger, settle } from './lives.ts'

const HOUR_MS = 3_600_000

/** What follows the ledger and tells of it, in one life. */
function followed(chats: readonly FakeChat[]) {
  const clock = fakeClock()
  const ledger = makeLedger(clock)
  const { cards, items, close } = beginLife(ledger, chats, { clock, disk: null })
  return { ...ledger, cards, items, close, settle: (ms = 0) => settle(clock, ms, 20_000) }
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

test('told to wait for minutes, again and again: it is left alone for as long, the other channel goes on, and the last state is shown', async () => {
  const chats = [fakeChat('telegram', { tellTwins: false }), fakeChat('discord', { tellTwins: true })]
  const [chat, other] = chats as [FakeChat, FakeChat]
  const { post, edit } = chat.channel
  let refusals = 5
  const slowly = (ask: () => Promise<Verdict>): Promise<Verdict> => {
    if (refusals === 0) return ask()
    refusals -= 1
    chat.requests += 1
    return Promise.resolve({ verdict: 'retry', afterMs: 180_000, of: 'chat', isOpen: false, why: 'slow down' })
  }
  Object.assign(chat.channel, {
    post: (...how: Parameters<typeof post>) => slowly(() => post(...how)),
    edit: (...how: Parameters<typeof edit>) => slowly(() => edit(...how)),
  })
  const bot = followed(chats)
  const inc = bot.open('agent', 'critical')
  await bot.settle(100)
  assert.deepEqual([chat.texts(), other.texts()], [[], ['Critical: agent on web-1 is down']])
  await bot.settle(5 * 180_000 - 10_000)
  assert.deepEqual([chat.requests, chat.texts()], [5, []], 'one request each three minutes')
  bot.resolve(inc)
  await bot.settle(30_000)
  const over = 'Resolved: agent on web-1 is well again'
  assert.deepEqual([chat.texts(), other.texts()[0]], [[over], over])
  await bot.close()
})
