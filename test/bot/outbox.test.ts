import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeChat } from '../fakes/chat.ts'
import { channelSpec, makeBot, noticeSpec } from './stand.ts'

const telegram = (more = {}) => fakeChat('telegram', { tellTwins: false, ...more })

test('a warning is posted at once without a sound, and edited from then on', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const inc = bot.open('agent')
  await bot.settle()
  const [shown] = [...chat.shown.values()]
  assert.deepEqual([chat.shown.size, shown?.isSilent], [1, true])
  assert.match(shown?.message.title ?? '', /Warning: agent on web-1 is down/)
  bot.step(inc)
  bot.resolve(inc)
  await bot.settle()
  assert.equal(chat.shown.size, 1)
  assert.match([...chat.shown.values()][0]?.message.title ?? '', /Resolved: agent on web-1 is well again/)
})

test('what is critical makes a sound when the grace time is over, as an answer to the card, once', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const inc = bot.open('agent')
  await bot.settle(1000)
  bot.step(inc, 'incident.escalated', { severity: 'critical', cause: 'crash loop: 3 failures', step: 'crash loop' })
  await bot.settle(1000)
  assert.equal(chat.shown.size, 1, 'an edit wakes nobody')
  await bot.settle(9000)
  const [card, ping, ...more] = [...chat.shown.values()]
  assert.deepEqual([more.length, ping?.isSilent, ping?.replyTo], [0, false, card?.reference])
  assert.match(ping?.message.title ?? '', /Critical: agent on web-1 is in a crash loop/)
  bot.step(inc)
  await bot.settle(60_000)
  assert.equal(chat.shown.size, 2)
})

test('critical and over within the grace time, or acknowledged: no sound', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const one = bot.open('agent', 'critical')
  await bot.settle(5000)
  bot.resolve(one)
  await bot.settle(20_000)
  const two = bot.open('web', 'critical')
  await bot.settle(5000)
  bot.step(two, 'incident.acked', { by: 'alice' })
  await bot.settle(20_000)
  assert.deepEqual(
    [...chat.shown.values()].map(({ isSilent }) => isSilent),
    [true, true],
  )
  assert.match(chat.texts()[1] ?? '', /acknowledged/)
})

test('a thousand changes while a chat has to be left alone are one edit, and the last is shown', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const inc = bot.open('agent')
  await bot.settle()
  chat.troubles.push('slow down')
  for (let n = 1; n <= 1000; n += 1) bot.step(inc, 'service.restarting', { attempt: n, delayMs: 100, cause: 'x' })
  await bot.settle(100)
  const before = chat.requests
  await bot.settle(10_000)
  assert.equal(chat.requests - before, 1)
  const [shown] = [...chat.shown.values()]
  assert.match(JSON.stringify(shown?.message), /"1000"/)
})

test('killed after the post and before its answer: made again with the same key, so where it can be told there is one', async () => {
  for (const tellTwins of [true, false]) {
    const chat = fakeChat('telegram', { tellTwins, delay: () => new Promise(resolve => setImmediate(resolve)) })
    const bot = makeBot([chat])
    const inc = bot.open('agent')
    for (let n = 0; n < 20 && chat.shown.size === 0; n += 1) await new Promise(resolve => setImmediate(resolve))
    assert.equal(chat.shown.size, 1)
    bot.kill()
    await bot.settle(1000)
    bot.resolve(inc)
    await bot.settle(1000)
    assert.equal(chat.shown.size, tellTwins ? 1 : 2)
    assert.match(chat.texts().at(-1) ?? '', /Resolved/)
    assert.equal(new Set([...chat.shown.values()].map(({ key }) => key)).size, 1)
  }
})

test('a message that somebody removed is posted anew, without a sound', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const inc = bot.open('agent')
  await bot.settle()
  chat.remove('m1')
  bot.resolve(inc)
  await bot.settle(1000)
  assert.deepEqual(
    [...chat.shown.values()].map(({ isSilent }) => isSilent),
    [true],
  )
  assert.match(chat.texts()[0] ?? '', /Resolved/)
})

test('one dead chat holds up no other, nor another channel', async () => {
  const dead = telegram()
  dead.isAway = true
  const chat = fakeChat('discord', { tellTwins: true })
  const channels = [channelSpec('telegram'), channelSpec('discord')]
  const bot = makeBot([dead, chat], noticeSpec({ channels }))
  const inc = bot.open('agent')
  await bot.settle()
  assert.equal(chat.shown.size, 1)
  bot.resolve(inc)
  await bot.settle(600_000)
  assert.ok(dead.requests < 40, `${dead.requests} requests in ten minutes`)
  assert.ok(bot.outcomes.includes('telegram: no network'))
  dead.isAway = false
  await bot.settle(120_000)
  assert.deepEqual(dead.texts(), ['Resolved: agent on web-1 is well again'])
})

test('a platform that does not take a message as it is gets its title', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  chat.troubles.push('not as it is')
  bot.open('agent')
  await bot.settle(1000)
  const [shown] = [...chat.shown.values()]
  assert.deepEqual(shown?.message.blocks, [])
  assert.match(shown?.message.title ?? '', /agent/)
  assert.match(bot.warnings.join(), /only its title is sent: bad format/)
})

test('what is urgent overtakes: a critical card is posted before warnings that wait', async () => {
  const chat = telegram({ pace: [{ count: 1, perMs: 1000, over: 'chat' }] })
  const bot = makeBot([chat], noticeSpec({ flap: { changes: 100, withinMs: 1000 } }))
  for (let n = 0; n < 6; n += 1) {
    bot.open(`svc${n}`)
    await bot.settle(2100)
  }
  chat.troubles.push('slow down')
  for (let n = 6; n < 9; n += 1) {
    bot.open(`svc${n}`)
    await bot.clock.stall(2100)
  }
  const before = chat.shown.size
  bot.open('db', 'critical')
  await bot.settle(30_000)
  const later = [...chat.shown.values()].slice(before).map(({ message }) => message.title)
  assert.match(later[0] ?? '', /db/, later.join(' | '))
})

test('services that fall together are one card with the list', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  const all = Array.from({ length: 100 }, (_, n) => bot.open(`svc${n}`))
  await bot.settle(1000)
  assert.equal(chat.shown.size, 1)
  assert.match(chat.texts()[0] ?? '', /svc0, svc1 and 98 others on web-1 are down/)
  for (const inc of all) bot.resolve(inc)
  await bot.settle(1000)
  assert.match(chat.texts()[0] ?? '', /Resolved: svc0, svc1 and 98 others on web-1 are well again/)
})

test('a service that flaps goes on in its newest card', async () => {
  const chat = telegram()
  const bot = makeBot([chat])
  for (let n = 0; n < 20; n += 1) {
    bot.resolve(bot.open('agent'))
    await bot.settle(5000)
  }
  assert.equal(chat.shown.size, 4)
  assert.match(chat.texts()[3] ?? '', /17 times/)
})

test('what was over before a chat could be reached is one summary, and nothing is missing in it', async () => {
  const chat = telegram()
  chat.isAway = true
  const bot = makeBot([chat])
  for (let n = 0; n < 300; n += 1) {
    bot.resolve(bot.open(`svc${n % 30}`))
    await bot.settle(3000)
  }
  const open = bot.open('db', 'critical')
  await bot.settle(60_000)
  chat.isAway = false
  await bot.settle(200_000)
  const titles = chat.texts()
  assert.ok(titles.includes('Critical: db on web-1 is down'), titles.join(' | '))
  const summaries = [...chat.shown.values()].filter(({ message }) => message.title.startsWith('Caught up'))
  assert.equal(summaries.length, 1)
  const told = JSON.stringify(summaries[0]?.message)
  const sum = [...told.matchAll(/svc\d+: (?:once|(\d+) times)/g)].reduce(
    (all, [, count = '1']) => all + Number(count),
    0,
  )
  const single = titles.filter(title => /svc/.test(title)).length
  assert.ok(sum + single >= 300, `${sum} + ${single}`)
  bot.resolve(open)
  await bot.settle(10_000)
  assert.ok(chat.texts().includes('Resolved: db on web-1 is well again'))
})
