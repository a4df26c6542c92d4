import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeChat } from '../fakes/chat.ts'
import { ALL, channelSpec, makeBot, noticeSpec } from './stand.ts'

const telegram = (more = {}) => fakeChat('telegram', { tellTwins: false, ...more })

test('a silence hides what begins in it, and not the end of what was told before', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const before = bot.open('agent')
  await bot.settle(3000)
  bot.write('silence.created', {
    id: 's1',
    match: { services: ['agent'] },
    untilTs: '2099-01-01T00:00:00.000Z',
    by: 'alice',
  })
  await bot.settle()
  assert.match(chat.texts()[1] ?? '', /Silenced: agent/)
  bot.resolve(before)
  await bot.settle(3000)
  assert.match(chat.texts()[0] ?? '', /Resolved/)
  const hidden = bot.open('agent', 'critical')
  await bot.settle(60_000)
  bot.resolve(hidden)
  const kept = bot.open('agent', 'critical')
  bot.open('web')
  await bot.settle(60_000)
  assert.deepEqual(
    chat.texts().map(text => text.slice(0, 20)),
    ['Resolved: agent on w', 'Silenced: agent on w', 'Warning: web on web-'],
  )
  bot.write('silence.ended', { id: 's1' })
  await bot.settle(60_000)
  assert.match(chat.texts()[1] ?? '', /Silence is over/)
  assert.ok(
    chat.texts().some(text => /Critical: agent/.test(text)),
    chat.texts().join(' | '),
  )
  assert.equal(chat.texts().filter(text => /Resolved: agent/.test(text)).length, 1, 'what was hidden is not told later')
  bot.resolve(kept)
})

test('quiet hours: only what is critical is told; the rest is in the digest, when they end', async () => {
  const chat = telegram()
  const clockStart = 1_700_001_000_000 // 22:30 UTC
  const channels = [channelSpec('telegram', { quietHours: { from: '22:00', to: '07:00' }, digest: '08:00' })]
  const bot = makeBot([chat], noticeSpec({ channels }))
  assert.equal(bot.clock.wallMs(), clockStart)
  bot.resolve(bot.open('agent'))
  await bot.settle(60_000)
  bot.open('db', 'critical')
  const open = bot.open('slow')
  await bot.settle(60_000)
  assert.ok(
    chat.texts().every(text => /db|2 services/.test(text)),
    chat.texts().join(),
  )
  await bot.settle(9.7 * 3_600_000)
  const digest = [...chat.shown.values()].find(({ message }) => message.title.startsWith('Digest'))
  assert.match(JSON.stringify(digest?.message.blocks), /agent: once \(warning\)/)
  assert.ok(
    chat.texts().some(text => /Warning: slow/.test(text)),
    'what is not over is told by then',
  )
  bot.resolve(open)
})

test('WhatsApp waits for the grace time, and is spared what is over by then', async () => {
  const chat = fakeChat('whatsapp', { tellTwins: false })
  const channels = [channelSpec('whatsapp')]
  const bot = makeBot([chat], noticeSpec({ channels }))
  bot.resolve(bot.open('agent'))
  await bot.settle(30_000)
  assert.equal(chat.requests, 0)
  bot.open('web')
  await bot.settle(9000)
  assert.equal(chat.requests, 0)
  await bot.settle(2000)
  assert.equal(chat.shown.size, 1)
})

test('an escalation calls its channels with a sound, and core hears that it got there', async () => {
  const chat = telegram()
  const other = fakeChat('discord', { tellTwins: true })
  const channels = [channelSpec('telegram'), channelSpec('discord')]
  const routes = [{ match: ALL, to: ['telegram'], graceMs: 10_000 }]
  const bot = makeBot([chat, other], noticeSpec({ channels, routes }))
  const inc = bot.open('agent', 'critical')
  await bot.settle(20_000)
  bot.write('escalation.due', { incident: inc, step: 0, to: ['discord'], fallback: false })
  await bot.settle(6000)
  const [card, call] = [...other.shown.values()]
  assert.deepEqual([other.shown.size, call?.isSilent, call?.replyTo], [2, false, card?.reference])
  assert.ok(bot.posted.some(({ id }) => id.startsWith(`escalation ${inc} 0|discord`)))
})

test('a route decides where; a rise in severity may add chats and never takes one away', async () => {
  const [chat, other] = [telegram(), fakeChat('discord', { tellTwins: true })]
  const channels = [channelSpec('telegram'), channelSpec('discord')]
  const routes = [
    { match: { ...ALL, severity: ['critical'] as const }, to: ['discord'], graceMs: 0 },
    { match: { ...ALL, services: ['quiet*'] }, to: [], graceMs: 0 },
    { match: ALL, to: ['telegram'], graceMs: 0 },
  ]
  const bot = makeBot([chat, other], noticeSpec({ channels, routes }))
  bot.open('quiet-one')
  await bot.settle(3000)
  assert.equal(chat.requests + other.requests, 0)
  const inc = bot.open('agent')
  await bot.settle()
  assert.deepEqual([chat.shown.size, other.shown.size], [1, 0])
  bot.step(inc, 'incident.escalated', { severity: 'critical', cause: 'crash loop', step: 'crash loop' })
  await bot.settle(100)
  assert.equal(other.shown.size, 1)
  bot.resolve(inc)
  await bot.settle(100)
  assert.match(chat.texts()[0] ?? '', /Resolved/)
})

test('what a silence hides is in no digest and no summary, however much it is', async () => {
  const chat = telegram()
  const channels = [channelSpec('telegram', { quietHours: { from: '22:00', to: '07:00' }, digest: null })]
  const bot = makeBot([chat], noticeSpec({ channels, flap: { changes: 100, withinMs: 1000 } }))
  bot.write('silence.created', { id: 's1', match: { services: ['svc*'] }, untilTs: '2099-01-01T00:00:00.000Z' })
  await bot.settle(3000)
  const all: string[] = []
  for (let n = 0; n < 15; n += 1) {
    all.push(bot.open(`svc${n}`, n === 0 ? 'warning' : 'critical'))
    await bot.settle(2100)
  }
  for (const inc of all) bot.resolve(inc)
  await bot.settle(10 * 3_600_000)
  assert.deepEqual(
    chat.texts().filter(text => !/Silence/.test(text)),
    [],
  )
})

test('WhatsApp is told of nothing that was over within the grace time, however much it is', async () => {
  const chat = fakeChat('whatsapp', { tellTwins: false })
  const bot = makeBot(
    [chat],
    noticeSpec({ channels: [channelSpec('whatsapp')], flap: { changes: 100, withinMs: 1000 } }),
  )
  for (let n = 0; n < 15; n += 1) {
    bot.resolve(bot.open(`svc${n}`))
    await bot.clock.stall(2100)
  }
  // As after a while in which the bot was away: all of it is read at once.
  bot.items().clear()
  bot.outbox().take([...bot.cards().byId.keys()].map(card => ({ card })))
  bot.outbox().wake()
  await bot.settle(60_000)
  assert.deepEqual(chat.texts(), [])
})

test('a chat that a reload adds hears of what is not over, and not of what was', async () => {
  const chat = telegram()
  const bot = makeBot([chat], noticeSpec({ channels: [channelSpec('telegram', { chats: ['1'] })] }))
  bot.resolve(bot.open('agent'))
  await bot.settle(5000)
  bot.open('web')
  await bot.settle(5000)
  bot.set({ channels: [channelSpec('telegram', { chats: ['1', '2'] })] })
  await bot.settle(5000)
  const titlesOf = (where: string) =>
    [...chat.shown.values()].filter(each => each.chat === where).map(({ message }) => message.title)
  assert.equal(titlesOf('1').length, 2)
  assert.equal(titlesOf('2').length, 1)
  assert.match(titlesOf('2')[0] ?? '', /web on web-1 is down/)
  // With its channels, the bot is started anew.
  bot.kill()
  await bot.settle(60_000)
  assert.equal(titlesOf('2').length, 1)
})

test('after a reload cards say the name that the host has now', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  bot.open('web')
  await bot.settle(5000)
  bot.place.host = 'web-2'
  bot.set({})
  await bot.settle(5000)
  assert.match([...chat.shown.values()][0]?.message.title ?? '', /web on web-2 is down/)
  assert.equal(chat.shown.size, 1)
})
