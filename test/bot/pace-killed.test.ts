import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askedFrom, askedOf, emptyAsked, forgetOld } from '../../bot/asked.ts'
import { fakeChat } from '../fakes/chat.ts'
import { fakeClock } from '../fakes/clock.ts'
import { makeBot } from './stand.ts'

const WINDOWS = [
  { count: 1, perMs: 1000, over: 'chat' },
  { count: 20, perMs: 60_000, over: 'chat' },
] as const

test('a bot that is killed again and again keeps to the platform’s pace over all its lives', async t => {
  const chat = fakeChat('telegram', { tellTwins: false, pace: WINDOWS })
  const sent: number[] = []
  const { post, edit } = chat.channel
  Object.assign(chat.channel, {
    post(...how: Parameters<typeof post>) {
      sent.push(bot.clock.monoMs())
      return post(...how)
    },
    edit(...how: Parameters<typeof edit>) {
      sent.push(bot.clock.monoMs())
      return edit(...how)
    },
  })
  const bot = makeBot([chat])
  const inc = bot.open('agent')
  for (let n = 0; n < 300; n += 1) {
    bot.step(inc, 'service.restarting', { attempt: n, delayMs: 0, cause: 'x' })
    await bot.settle(n % 3 === 0 ? 0 : 350)
    bot.kill()
  }
  for (const { count, perMs } of WINDOWS)
    for (const atMs of sent) {
      const within = sent.filter(one => one >= atMs && one < atMs + perMs)
      assert.ok(within.length <= count, `${within.length} of ${count} in ${perMs} ms`)
    }
  t.diagnostic(`300 lives of 0 to 350 ms, ${sent.length} requests`)
  assert.ok(sent.length > 15, `${sent.length} requests`)
})

test('how long a platform wants to be left alone is known to the next life; what the bot thought of by itself is not', async () => {
  const chat = fakeChat('telegram', { tellTwins: false })
  const bot = makeBot([chat])
  chat.troubles.push('slow down')
  bot.open('agent')
  await bot.settle(100)
  await bot.settle()
  const before = chat.requests
  bot.kill()
  await bot.settle(1500)
  assert.equal(chat.requests, before, 'it was to be left alone for 2 s')
  await bot.settle(1000)
  assert.equal(chat.shown.size, 1)

  const other = fakeChat('telegram', { tellTwins: false })
  const restarted = makeBot([other])
  other.troubles.push('refused', 'refused')
  restarted.open('agent')
  await restarted.settle(5000)
  assert.deepEqual([other.requests, other.shown.size], [2, 0])
  restarted.kill()
  await restarted.settle(0)
  assert.equal(other.shown.size, 1, 'somebody may have mended it')
})

test('what was asked in another boot, or makes no sense, binds nobody', () => {
  const clock = fakeClock()
  const nowMs = clock.monoMs()
  const asked = emptyAsked('one')
  Object.assign(askedOf(asked, 'telegram').times, { new: [nowMs - 10], old: [nowMs - 7_200_000], ahead: [nowMs + 10] })
  Object.assign(askedOf(asked, 'telegram').pauses, { '': nowMs + 5000, over: nowMs - 1, far: nowMs + 1e9 })
  const again = askedFrom(JSON.parse(JSON.stringify(asked)), 'one')
  assert.deepEqual(again, asked)
  forgetOld(again, clock)
  assert.deepEqual(again.channels, { telegram: { times: { new: [nowMs - 10] }, pauses: { '': nowMs + 5000 } } })
  assert.deepEqual(askedFrom(JSON.parse(JSON.stringify(asked)), 'other'), emptyAsked('other'))
  for (const wrong of [null, 7, [], { boot: 'one' }, { boot: 'one', channels: { telegram: { times: 3 } } }])
    assert.deepEqual(askedFrom(wrong, 'one').channels, {})
  const odd = { boot: 'one', channels: { telegram: { times: { a: ['x'], b: [1] }, pauses: { c: 'y' } } } }
  assert.deepEqual(askedFrom(odd, 'one').channels, { telegram: { times: { b: [1] }, pauses: {} } })
})
