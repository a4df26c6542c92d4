import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeChat } from '../fakes/chat.ts'
import { ALL, channelSpec, makeBot, noticeSpec } from './stand.ts'

const LOOP = { severity: 'critical', cause: 'crash loop: 3 failures', step: 'crash loop' }

const telegram = (more = {}) => fakeChat('telegram', { tellTwins: false, ...more })

test('a silent post whose answer was lost is not taken for the sound that is due by then', async () => {
  const chat = fakeChat('discord', { tellTwins: true })
  const bot = makeBot([chat], noticeSpec({ channels: [channelSpec('discord')] }))
  chat.troubles.push('answer lost', ...Array.from({ length: 8 }, () => 'cut' as const))
  bot.open('agent', 'critical')
  await bot.settle(300_000)
  assert.deepEqual(
    [...chat.shown.values()].map(({ isSilent }) => isSilent),
    [true, false],
  )
})

test('what could not be told in time is no alarm any more when it is over, or acknowledged', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const over = bot.open('agent', 'critical')
  await bot.settle(3000)
  const acked = bot.open('web', 'critical')
  await bot.settle(3000)
  bot.write('escalation.due', { incident: over, step: 0, to: ['telegram'], fallback: false })
  chat.isAway = true
  await bot.settle(60_000)
  bot.resolve(over)
  bot.step(acked, 'incident.acked', { by: 'alice' })
  await bot.settle(60_000)
  chat.isAway = false
  await bot.settle(200_000)
  const loud = [...chat.shown.values()].filter(({ isSilent }) => !isSilent)
  assert.deepEqual(
    loud.map(({ message }) => message.title),
    [],
  )
  assert.ok(chat.texts().some(text => /Resolved: agent/.test(text)))
})

test('a switch that is held makes a sound: people are needed', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const to = { generation: 'r2', path: '/r2' }
  bot.write('switch.armed', { target: 'app', to })
  await bot.settle(30_000)
  bot.write('rollback.held', { target: 'app', why: 'the budget is used up' })
  await bot.settle(30_000)
  const [card, ping, ...more] = [...chat.shown.values()]
  assert.deepEqual([more.length, card?.isSilent, ping?.isSilent], [0, true, false])
  assert.match(ping?.message.title ?? '', /Held: app on web-1 needs people/)
})

test('a card that has sounded is posted anew without a sound when its message is gone', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const inc = bot.open('agent', 'critical')
  await bot.settle(30_000)
  for (const reference of [...chat.shown.keys()]) chat.remove(reference)
  bot.step(inc)
  await bot.settle(10_000)
  assert.deepEqual(
    [...chat.shown.values()].map(({ isSilent }) => isSilent),
    [true],
  )
})

test('a silence does not hide the end of what was told, though the message can be changed no more', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const inc = bot.open('agent')
  await bot.settle(3000)
  bot.write('silence.created', { id: 's1', match: { services: ['agent'] }, untilTs: '2099-01-01T00:00:00.000Z' })
  await bot.settle(3000)
  chat.troubles.push('gone')
  bot.resolve(inc)
  await bot.settle(10_000)
  assert.ok(
    chat.texts().some(text => /Resolved: agent/.test(text)),
    chat.texts().join(' | '),
  )
})

test('a clock that is set back by an hour does not put the sound off by an hour', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  bot.open('agent', 'critical')
  await bot.settle(3000)
  bot.clock.setWall(-3_600_000)
  await bot.settle(60_000)
  assert.deepEqual(
    [...chat.shown.values()].map(({ isSilent }) => isSilent),
    [true, false],
  )
})

test('a service that comes back with a warning is not called critical for what it was before', async () => {
  const chat = telegram()
  const bot = makeBot([chat], noticeSpec({ flap: { changes: 0, withinMs: 600_000 } }))
  bot.resolve(bot.open('agent', 'critical'))
  await bot.settle(3000)
  bot.open('agent')
  await bot.settle(60_000)
  assert.deepEqual(
    [...chat.shown.values()].map(({ isSilent, message }) => [isSilent, message.title.slice(0, 14)]),
    [[true, 'Warning: agent']],
  )
})

test('trouble of a channel is told on the others, also where its route leads only to itself', async () => {
  const [chat, other] = [telegram(), fakeChat('slack', { tellTwins: true })]
  const channels = [channelSpec('telegram'), channelSpec('slack')]
  const routes = [
    { match: { ...ALL, severity: ['critical'] as const }, to: ['telegram'], graceMs: 0 },
    { match: ALL, to: ['slack'], graceMs: 0 },
  ]
  const bot = makeBot([chat, other], noticeSpec({ channels, routes }))
  chat.isAway = true
  const svc = 'channel:telegram'
  bot.write('incident.opened', { severity: 'critical', cause: 'down', services: [svc] }, { svc, inc: `${svc}-0` })
  await bot.settle(3000)
  assert.equal(other.shown.size, 1)
})

test('of two services in one card: when one was acknowledged and the other becomes critical, there is a sound again', async () => {
  const chat = fakeChat('telegram', { tellTwins: false })
  const bot = makeBot([chat])
  const one = bot.open('agent')
  const two = bot.open('web')
  bot.step(one, 'incident.escalated', LOOP)
  await bot.settle(20_000)
  const sounds = () => [...chat.shown.values()].filter(({ isSilent }) => !isSilent).length
  assert.deepEqual([chat.shown.size, sounds()], [2, 1])
  bot.step(one, 'incident.acked', { by: 'alice' })
  await bot.settle(60_000)
  assert.equal(sounds(), 1, 'what is only a warning wakes nobody')
  bot.step(two, 'incident.escalated', LOOP)
  await bot.settle(60_000)
  assert.equal(sounds(), 2)
  bot.step(two)
  await bot.settle(60_000)
  assert.equal(sounds(), 2, 'and only once')
})

test('of two services in one card: while nobody has acknowledged the first, the second makes no sound of its own', async () => {
  const chat = fakeChat('telegram', { tellTwins: false })
  const bot = makeBot([chat])
  const one = bot.open('agent')
  const two = bot.open('web')
  bot.step(one, 'incident.escalated', LOOP)
  await bot.settle(20_000)
  bot.step(two, 'incident.escalated', LOOP)
  await bot.settle(60_000)
  assert.equal([...chat.shown.values()].filter(({ isSilent }) => !isSilent).length, 1)
})
