import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostConfig } from '../../../core/config/spec.ts'
import { allIncidents } from '../../../core/incident/fold.ts'
import { botPresence } from '../../../core/notice/bot-presence.ts'
import { channelHealth } from '../../../core/notice/channel-health.ts'
import { configOf, notebook, SLACK, TELEGRAM } from './stand.ts'

const ANY = { severity: null, services: null, kinds: null }
const routes = [{ match: ANY, to: ['telegram', 'slack'], graceMs: 0 }]
const BOTH = configOf({ channels: [TELEGRAM, SLACK], routes })

async function begin(config: HostConfig = BOTH, book = notebook()) {
  const presence = botPresence(async function* (_, signal) {
    yield 'a line'
    if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve))
  })
  const start = (from = book.folded) =>
    channelHealth({
      ...{
        presence,
        clock: book.clock,
        memory: from.notices,
        incidents: from.incidents,
        append: book.append,
        warn: () => {},
      },
    })
  let health = start()
  book.onEntries = entries => health.take(entries)
  health.look(config)
  const told = () => book.entries.filter(({ kind }) => kind.startsWith('incident.'))
  return {
    ...{ book, config, told },
    kinds: () => told().map(({ kind }) => kind),
    down: (channel: string, why = 'no route', final = false) =>
      book.append({ kind: 'channel.down', data: { channel, why, final } }),
    up: (channel: string) => book.append({ kind: 'channel.up', data: { channel, why: '' } }),
    /** Another daemon, which knows what is in the ledger. */
    again(next = config) {
      health.release()
      health = start()
      health.look(next)
    },
    statuses: () => health.statuses(config),
    presence,
    /** A bot comes; what makes it go. */
    async bot() {
      const gone = new AbortController()
      const lines = presence.follow(0, gone.signal)[Symbol.asyncIterator]()
      await lines.next()
      return async () => {
        gone.abort()
        await lines.next()
      }
    },
  }
}

test('a channel that stays down for a minute is an incident, resolved when it is up again', async () => {
  const { book, down, up, told, kinds } = await begin()
  await down('telegram')
  await book.clock.advance(59_000)
  assert.deepEqual(kinds(), [])
  await down('telegram', 'no route to host')
  await book.clock.advance(1000)
  assert.deepEqual(kinds(), ['incident.opened'])
  const [opened] = told()
  assert.deepEqual([opened?.svc, opened?.data.severity], ['channel:telegram', 'warning'])
  assert.equal(opened?.data.cause, 'the channel telegram is down: no route to host')
  await book.clock.advance(600_000)
  await up('telegram')
  await book.clock.advance(0)
  assert.deepEqual(kinds(), ['incident.opened', 'incident.resolved'])
  assert.equal(told()[1]?.data.downMs, 600_000)
  await book.clock.advance(600_000)
  assert.equal(kinds().length, 2)
})

test('one that is up again in time is none; one that nothing but a change helps is one at once', async () => {
  const { book, down, up, kinds } = await begin()
  for (let n = 0; n < 5; n += 1) {
    await down('slack')
    await book.clock.advance(50_000)
    await up('slack')
    await book.clock.advance(1000)
  }
  assert.deepEqual(kinds(), [])
  await down('slack', 'the token is wrong', true)
  await book.clock.advance(0)
  assert.deepEqual(kinds(), ['incident.opened'])
})

test('when the last channel of a route is down too, nobody is told of anything: that is critical, and goes to the fallback', async () => {
  const { book, down, told } = await begin()
  await down('telegram', 'no route')
  await book.clock.advance(30_000)
  await down('slack', 'wrong token', true)
  await book.clock.advance(90_000)
  assert.deepEqual(
    told().map(({ svc, data }) => [svc, data.severity]),
    [
      ['channel:slack', 'warning'],
      ['channel:telegram', 'critical'],
    ],
    'telegram may have come back when slack went down',
  )
})

test('it is critical where a route has no other channel', async () => {
  const config = configOf({
    channels: [TELEGRAM, SLACK],
    routes: [...routes, { match: ANY, to: ['slack'], graceMs: 0 }],
  })
  const { book, down, told } = await begin(config)
  await down('telegram', 'x', true)
  await book.clock.advance(0)
  await down('slack', 'x', true)
  await book.clock.advance(0)
  const severities = Object.fromEntries(told().map(({ svc, data }) => [svc, data.severity]))
  assert.deepEqual(severities, { 'channel:slack': 'critical', 'channel:telegram': 'warning' })
})

test('a restart opens no second one, and keeps the time that it was down', async () => {
  const { book, down, up, again, kinds } = await begin()
  await down('slack')
  await book.clock.advance(30_000)
  again()
  await book.clock.advance(29_000)
  assert.deepEqual(kinds(), [])
  await book.clock.advance(1000)
  assert.deepEqual(kinds(), ['incident.opened'])
  again()
  await book.clock.advance(300_000)
  assert.deepEqual(kinds(), ['incident.opened'])
  await up('slack')
  await book.clock.advance(0)
  again()
  await book.clock.advance(300_000)
  assert.deepEqual(kinds(), ['incident.opened', 'incident.resolved'])
})

test('resolved by hand it stays so until the channel was up again; a channel that is gone resolves its own', async () => {
  const { book, down, up, again, kinds, told } = await begin()
  await down('slack', 'x', true)
  await book.clock.advance(0)
  const [incident] = allIncidents(book.folded.incidents)
  await book.clock.advance(1000)
  await book.append({ kind: 'incident.resolved', inc: incident?.id ?? '', data: { how: 'by hand' } })
  await down('slack', 'y', true)
  await book.clock.advance(300_000)
  again()
  await book.clock.advance(300_000)
  assert.equal(kinds().length, 2)
  await up('slack')
  await book.clock.advance(1000)
  await down('slack', 'x', true)
  await book.clock.advance(0)
  assert.equal(kinds().length, 3)
  again(configOf({ channels: [TELEGRAM] }))
  await book.clock.advance(0)
  assert.deepEqual(told().at(-1)?.data.how, 'it is no longer configured')
})

test('a clock that is set back hides no channel that is down', async () => {
  const { book, down, kinds } = await begin()
  await down('slack')
  book.clock.setWall(-86_400_000)
  await book.clock.advance(121_000)
  assert.deepEqual(kinds(), ['incident.opened'])
})

test('a slow disk makes no second incident', async () => {
  const { book, down, kinds } = await begin()
  book.slowMs = 5000
  void down('slack', 'x', true)
  void down('slack', 'y', true)
  void down('slack', 'x', true)
  await book.clock.advance(6000)
  void down('slack', 'y', true)
  await book.clock.advance(60_000)
  assert.deepEqual(kinds(), ['incident.opened'])
})

test('while nothing can be recorded it is tried again', async () => {
  const { book, down, kinds } = await begin()
  await down('slack')
  book.isBroken = true
  await book.clock.advance(80_000)
  assert.deepEqual(kinds(), [])
  book.isBroken = false
  await book.clock.advance(30_000)
  assert.deepEqual(kinds(), ['incident.opened'])
})

test('the state of each channel is what the bot that is there has told, and off where nobody can know', async () => {
  const { down, up, statuses, presence, bot } = await begin()
  const off = (why: string) => [
    { name: 'telegram', state: 'off', why },
    { name: 'slack', state: 'off', why },
  ]
  const goes = await bot()
  assert.deepEqual(statuses(), off('the bot has not told of it yet'))
  await up('telegram')
  presence.told('telegram')
  assert.deepEqual(statuses()[0], { name: 'telegram', state: 'up', why: null })
  assert.deepEqual(statuses()[1]?.state, 'off')
  await down('slack', 'no route')
  presence.told('slack')
  assert.deepEqual(statuses()[1], { name: 'slack', state: 'down', why: 'no route' })
  // Its next connection may begin before the end of the one before is seen.
  const nextGoes = await bot()
  await goes()
  assert.equal(statuses()[0]?.state, 'up')
  await nextGoes()
  assert.deepEqual(statuses(), off('the bot is not connected'))
  await bot()
  assert.deepEqual(statuses(), off('the bot has not told of it yet'), 'what another one has told counts no more')
  presence.told('telegram')
  assert.equal(statuses()[0]?.state, 'up')
})
