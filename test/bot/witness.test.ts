import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Item } from '../../bot/item.ts'
import { createWitness, notWitnessed, witnessChats } from '../../bot/witness.ts'
import type { ChannelSpec } from '../../core/config/channel-spec.ts'
import { fakeClock } from '../fakes/clock.ts'
import { channelSpec, noticeSpec } from './stand.ts'

const DAY_MS = 86_400_000

function stand(kinds: readonly ChannelSpec['kind'][] = ['telegram', 'slack'], clock = fakeClock()) {
  const notice = noticeSpec({ channels: kinds.map(kind => channelSpec(kind)) })
  const items = new Map<string, Item>()
  const witnessed = notWitnessed(clock.wallMs())
  const warnings: string[] = []
  const it = { size: 0, signed: 0, asked: 0, isAway: false, told: 0 }
  const begin = () =>
    createWitness({
      ...{ clock, witnessed, items, notice: () => notice, place: { host: 'web-1', tz: 'UTC' } },
      link: {
        async checkpoint() {
          it.asked += 1
          if (it.isAway) throw new Error('away')
          const [size, root] = [it.signed, `root of ${it.signed}`]
          return size === 0
            ? null
            : { size, root, note: `web-1\n${size}\n${root}\n\n— web-1 AAAA\n`, vkey: 'web-1+key', receipt: null }
        },
      },
      isOpen: () => true,
      onItems() {
        it.told += 1
      },
      warn: text => void warnings.push(text),
    })
  const sizes = () => [...items.values()].map(({ channel, checkpoint }) => `${channel} ${checkpoint?.size}`)
  return { clock, items, witnessed, warnings, it, begin, sizes }
}

test('when an incident is closed, each channel gets the checkpoint that covers its end', async () => {
  const { begin, clock, items, it, sizes, witnessed } = stand()
  const witness = begin()
  it.signed = 7
  witness.closed(7)
  await clock.advance(20_000)
  assert.deepEqual(sizes(), [], 'the seven entries that are signed do not hold the end, which is #7')
  it.signed = 8
  await clock.advance(5000)
  assert.deepEqual(sizes(), ['telegram 8', 'slack 8'])
  assert.equal(it.told, 1)
  const [item] = items.values()
  const log = item?.words?.blocks.find(block => block.block === 'log')
  assert.equal(log?.block === 'log' && log.text, 'web-1\n8\nroot of 8\n\n— web-1 AAAA')
  assert.deepEqual([witnessed.closedSeq, witnessed.postedSize], [7, 8])
  await clock.advance(3_600_000)
  assert.equal(it.told, 1, 'nothing was closed since')
})

test('many that close one after the other are one post in ten minutes, and what waits makes room for the newer one', async () => {
  const { begin, clock, it, sizes, items } = stand()
  const witness = begin()
  for (let second = 1; second <= 1200; second += 1) {
    it.signed = second + 1
    witness.closed(second)
    await clock.advance(1000)
  }
  await clock.advance(700_000)
  assert.ok(it.told >= 2 && it.told <= 4, `${it.told} posts in half an hour`)
  assert.deepEqual(sizes(), ['telegram 1201', 'slack 1201'])
  const [first] = items.values()
  if (first !== undefined) first.isOpen = true
  it.signed = 2000
  witness.closed(1500)
  await clock.advance(700_000)
  assert.deepEqual(sizes().sort(), ['slack 2000', 'telegram 1201', 'telegram 2000'], 'one that may be there stays')
})

test('a quiet day ends with a checkpoint, also when the clock was set back', async () => {
  const { begin, clock, it, sizes } = stand()
  begin()
  it.signed = 5
  await clock.advance(DAY_MS - 120_000)
  assert.deepEqual(sizes(), [])
  await clock.advance(240_000)
  assert.deepEqual(sizes(), ['telegram 5', 'slack 5'])
  clock.setWall(-30 * DAY_MS)
  it.signed = 6
  await clock.advance(120_000)
  assert.deepEqual(sizes(), ['telegram 6', 'slack 6'])
})

test('a daemon that is away is asked again, and named once', async () => {
  const { begin, clock, it, sizes, warnings } = stand()
  const witness = begin()
  it.isAway = true
  it.signed = 9
  witness.closed(3)
  await clock.advance(600_000)
  assert.deepEqual([warnings.length, sizes()], [1, []])
  it.isAway = false
  await clock.advance(60_000)
  assert.deepEqual(sizes(), ['telegram 9', 'slack 9'])
})

test('after a kill what was due is due still; of another ledger nothing is', async () => {
  const first = stand()
  first.it.signed = 1
  const witness = first.begin()
  witness.closed(3)
  await first.clock.advance(60_000)
  witness.close()
  first.it.signed = 4
  first.begin()
  await first.clock.advance(60_000)
  assert.deepEqual(first.sizes(), ['telegram 4', 'slack 4'])

  const other = stand()
  const anew = other.begin()
  anew.closed(100)
  anew.anew()
  other.it.signed = 200
  await other.clock.advance(3_600_000)
  assert.deepEqual(other.sizes(), [])
})

test('WhatsApp, where each message is heard, only bears witness where there would be fewer than two', () => {
  const chats = (...kinds: ChannelSpec['kind'][]) =>
    witnessChats(noticeSpec({ channels: kinds.map(kind => channelSpec(kind)) }), channel => channel !== 'console').map(
      ({ channel }) => channel,
    )
  assert.deepEqual(chats('telegram', 'slack', 'whatsapp'), ['telegram', 'slack'])
  assert.deepEqual(chats('telegram', 'whatsapp'), ['telegram', 'whatsapp'])
  assert.deepEqual(
    chats('telegram', 'whatsapp', 'console'),
    ['telegram', 'whatsapp'],
    'the console could not be opened',
  )
  assert.deepEqual(chats('whatsapp'), ['whatsapp'])
})
