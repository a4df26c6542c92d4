import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyAsked } from '../../bot/asked.ts'
import { emptyCards } from '../../bot/cards.ts'
import type { Item } from '../../bot/item.ts'
import { createOutbox } from '../../bot/outbox.ts'
import { createWitness, notWitnessed, type Witnessed } from '../../bot/witness.ts'
import { type FakeChat, fakeChat } from '../fakes/chat.ts'
import { type FakeClock, fakeClock } from '../fakes/clock.ts'
import { channelSpec, noticeSpec } from './stand.ts'

/** Entry #7 closes an incident. The first life is given a checkpoint of nine entries, the next one of ten. */
const CLOSED_SEQ = 7
const SIGNED = [9, 10] as const

interface Disk {
  items: [string, Item][]
  witnessed: Witnessed
  /** Entries that were read. */
  nextSeq: number
}

/** One life of what posts checkpoints. `at` is called at each moment at which a kill could come, with its name. */
function begin(
  disk: { text: string },
  { chats, clock, size }: { chats: readonly FakeChat[]; clock: FakeClock; size: number },
  at: (name: string) => void,
) {
  const read = JSON.parse(disk.text) as Disk
  const items = new Map(read.items)
  const { witnessed } = read
  let { nextSeq } = read
  let isDead = false
  const notice = noticeSpec({ channels: chats.map(({ channel }) => channelSpec(channel.name as 'telegram')) })
  const place = { host: 'web-1', tz: 'UTC' }

  /** What comes after it in a life that ended here never does. */
  async function moment(name: string): Promise<void> {
    if (!isDead) at(name)
    if (isDead) await new Promise<never>(() => {})
  }
  async function save(): Promise<void> {
    const text = JSON.stringify({ items: [...items], witnessed, nextSeq } satisfies Disk)
    await moment('before a save')
    disk.text = text
    await moment('after a save')
  }
  const mortal = ({ channel }: FakeChat) => ({
    ...channel,
    async post(...how: Parameters<typeof channel.post>) {
      await moment(`before a post at ${channel.name}`)
      const verdict = await channel.post(...how)
      await moment(`after a post at ${channel.name}`)
      return verdict
    },
  })
  const outbox = createOutbox({
    ...{ clock, random: () => 0.5, cards: emptyCards(), items, asked: emptyAsked(), place, save },
    notice: () => notice,
    channels: new Map(chats.map(chat => [chat.channel.name, mortal(chat)])),
    ...{ onPosted: () => {}, onOutcome: () => {}, warn: () => {} },
  })
  const witness = createWitness({
    ...{ clock, witnessed, items, notice: () => notice, place, isOpen: () => true, warn: () => {} },
    link: {
      async checkpoint() {
        await moment('asked for a checkpoint')
        return { size, root: 'root', note: `web-1\n${size}\nroot\n\n— web-1 AAAA\n`, vkey: 'web-1+key', receipt: null }
      },
    },
    onItems() {
      at('the items are made')
      if (!isDead) outbox.wake()
    },
  })
  if (nextSeq <= CLOSED_SEQ) {
    nextSeq = CLOSED_SEQ + 1
    witness.closed(CLOSED_SEQ)
  }
  // As the bot does, some time after news.
  clock.after(1000, () => void save())
  return {
    end() {
      isDead = true
      witness.close()
    },
  }
}

async function play(killAt: number, tellTwins: boolean) {
  const chats = [fakeChat('telegram', { tellTwins }), fakeChat('slack', { tellTwins })]
  const clock = fakeClock()
  const disk = { text: JSON.stringify({ items: [], witnessed: notWitnessed(clock.wallMs()), nextSeq: 0 }) }
  let count = 0
  let killedAt: string | null = null
  const first = begin(disk, { chats, clock, size: SIGNED[0] }, name => {
    count += 1
    if (count !== killAt) return
    killedAt = name
    first.end()
  })
  const settle = async (ms: number) => {
    for (let leftMs = ms; leftMs > 0; leftMs -= 1000) await clock.advance(1000)
  }
  await settle(30_000)
  first.end()
  const second = begin(disk, { chats, clock, size: SIGNED[1] }, () => {})
  await settle(180_000)
  second.end()
  const { witnessed } = JSON.parse(disk.text) as Disk
  return { killedAt, witnessed, shown: chats.map(({ shown }) => [...shown.values()]) }
}

for (const tellTwins of [true, false])
  test(`killed at any moment, a checkpoint is in each chat, ${tellTwins ? 'once' : 'at most twice'}`, async t => {
    const moments: string[] = []
    for (let killAt = 1; ; killAt += 1) {
      const { killedAt, witnessed, shown } = await play(killAt, tellTwins)
      for (const messages of shown) {
        const where = `killed ${killedAt} (${killAt}): ${messages.length} messages`
        assert.ok(messages.length >= 1 && messages.length <= (tellTwins ? 1 : 2), where)
        const title = `Checkpoint: ${witnessed.postedSize} entries on web-1`
        assert.deepEqual([...new Set(messages.map(({ message }) => message.title))], [title], where)
      }
      assert.ok(SIGNED.some(size => size === witnessed.postedSize) && witnessed.closedSeq === CLOSED_SEQ)
      if (killedAt === null) break
      moments.push(killedAt)
    }
    for (const name of ['the items are made', 'before a save', 'after a save', 'after a post at slack'])
      assert.ok(moments.includes(name), `${name} in ${moments.join(', ')}`)
    t.diagnostic(`${moments.length} moments: ${[...new Set(moments)].join(', ')}`)
  })
