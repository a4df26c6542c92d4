import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fitsTelegram, payloadOf } from '../../../adapters/chat/telegram-payload.ts'
import type { Channel, Verdict } from '../../../bot/channel.ts'
import type { Message } from '../../../bot/message.ts'
import { fullMessage, plainMessage } from '../../conformance/messages.ts'
import { startTelegramPlatform, type TelegramPlatform } from '../../fakes/telegram/platform.ts'
import { until } from '../../until.ts'

let platform: TelegramPlatform
let channel: Channel
let nowMs = Date.now()
let count = 0

before(async () => {
  platform = await startTelegramPlatform({ nowMs: () => nowMs })
  let isUp = false
  channel = await platform.open({
    onState(state) {
      isUp = state.isUp
    },
  })
  await until('it is up', () => isUp)
})
after(async () => {
  await channel.close()
  await platform.close()
})

async function post(message: Message): Promise<Verdict> {
  count += 1
  // The pace is not looked at here.
  nowMs += 60_000
  const how = { key: `k${count}`, isAgain: false, isSilent: false, replyTo: null }
  return channel.post(platform.chats[0], message, how)
}
const stored = () => [...(platform.fake.world.chats.get(Number(platform.chats[0]))?.messages.values() ?? [])].at(-1)

/** A message that people see as exactly that many code units, filled up with `unit`. */
function sized(units: number, unit: string, block: 'text' | 'log'): Message {
  const rest = units - payloadOf(bare('', block)).units
  const text = unit.repeat(Math.floor(rest / unit.length)) + 'x'.repeat(rest % unit.length)
  return bare(text, block)
}
function bare(text: string, block: 'text' | 'log'): Message {
  return { ...plainMessage('t'), blocks: [block === 'text' ? { block, text } : { block, title: 'Last lines', text }] }
}

for (const unit of ['a', '😀', 'م', '&', '<b>', '"', '&amp;', '字', '👩‍👩‍👧']) {
  test(`the longest that fits is taken, one more is not: ${unit}`, async () => {
    for (const block of ['text', 'log'] as const) {
      const longest = sized(4096, unit, block)
      assert.equal(payloadOf(longest).units, 4096)
      assert.equal(fitsTelegram(longest), true)
      assert.equal((await post(longest)).verdict, 'done')
      assert.equal(stored()?.text.length, 4096, 'counted as Telegram counts')
      const longer = sized(4097, unit, block)
      assert.equal(fitsTelegram(longer), false)
      const verdict = await post(longer)
      assert.equal(verdict.verdict, 'refused')
      if (verdict.verdict === 'refused') assert.equal(verdict.of, 'message')
    }
  })
}

test('a huge text does not fit, wherever it stands, and that is said at once', () => {
  const huge = '&'.repeat(1 << 20)
  const messages: Message[] = [
    plainMessage(huge),
    { ...plainMessage('t'), footer: huge },
    bare(huge, 'text'),
    bare(huge, 'log'),
    { ...plainMessage('t'), blocks: [{ block: 'facts', facts: [{ name: 'n', value: huge }] }] },
    { ...plainMessage('t'), blocks: [{ block: 'steps', steps: [{ offset: '', words: huge }] }] },
  ]
  for (const message of messages) {
    const startedMs = performance.now()
    assert.equal(fitsTelegram(message), false)
    assert.ok(performance.now() - startedMs < 500)
  }
})

test('buttons: 64 bytes of id, no empty label, eight in a row', async () => {
  const withButtons = (id: string, label = 'Ack', times = 1): Message => ({
    ...plainMessage('t'),
    buttons: [Array.from({ length: times }, () => ({ id, label, style: 'plain' as const }))],
  })
  assert.equal(fitsTelegram(withButtons('x'.repeat(64))), true)
  assert.equal((await post(withButtons('x'.repeat(64)))).verdict, 'done')
  for (const wrong of [withButtons('x'.repeat(65)), withButtons('x', ' '), withButtons('x', 'Ack', 9)]) {
    assert.equal(fitsTelegram(wrong), false)
    assert.equal((await post(wrong)).verdict, 'refused')
  }
})

test('a card looks at home: bold, collapsed steps, one width for the log, moments in the reader’s zone', async () => {
  assert.equal((await post(fullMessage())).verdict, 'done')
  const { text = '', entities = [], isPreviewOff } = stored() ?? {}
  const shown = (type: string) =>
    entities.filter(entity => entity.type === type).map(({ offset, length }) => text.slice(offset, offset + length))
  assert.equal(shown('bold')[0], 'agent <b>&amp; "co"</b> crash-loops on web-1')
  assert.deepEqual(shown('bold').slice(1), ['Service:', 'Since:', 'Who & <where>:', 'Last lines'])
  assert.deepEqual(shown('expandable_blockquote'), [
    '+0 ms  agent was killed by SIGKILL\n… 12 more\n+1.2 s  ended with code 1 😀 مرحبا',
  ])
  assert.deepEqual(shown('pre'), ['line 1 </pre></code>``` and\nline 2 \\`\\` &lt;'])
  assert.deepEqual(shown('date_time'), ['03:00:07 UTC'])
  assert.equal(entities.find(({ type }) => type === 'date_time')?.unix_time, Date.UTC(2026, 10, 24, 3, 0, 7) / 1000)
  assert.equal(isPreviewOff, true)
})

test('nobody’s text becomes a mark of ours, in any place of a message', async () => {
  const evil = '</b></pre></blockquote><a href="http://evil">&#60;b&gt;&lt;<tg-spoiler>&quot;'
  const before = platform.breaches().length
  const message: Message = {
    ...{ tone: 'info', icon: 'ℹ️', title: evil, footer: evil },
    blocks: [
      { block: 'text', text: evil },
      {
        block: 'facts',
        facts: [
          { name: evil, value: evil },
          { name: evil, value: { atMs: 1_700_000_000_000, text: evil } },
        ],
      },
      {
        block: 'steps',
        steps: [
          { offset: evil, words: evil },
          { offset: '', words: evil },
        ],
      },
      { block: 'log', title: evil, text: evil },
    ],
    buttons: [[{ id: 'x', label: evil, style: 'danger' }]],
  }
  assert.equal((await post(message)).verdict, 'done')
  const seen = stored()
  assert.equal(seen?.text.split(evil).length, 13, 'twelve times as it was written')
  assert.deepEqual([...new Set(seen?.entities.map(({ type }) => type))].sort(), [
    'bold',
    'date_time',
    'expandable_blockquote',
    'italic',
    'pre',
  ])
  assert.equal(seen?.keyboard[0]?.[0]?.text, evil)
  assert.deepEqual(platform.breaches().slice(before), [])
})

test('moments that Telegram has no number for are shown as text', async () => {
  for (const atMs of [Number.NaN, -1, 0, 2 ** 31 * 1000, Number.POSITIVE_INFINITY]) {
    const facts = [{ name: 'Since', value: { atMs, text: 'then' } }]
    assert.equal((await post({ ...plainMessage('t'), blocks: [{ block: 'facts', facts }] })).verdict, 'done')
    assert.match(stored()?.text ?? '', /Since: then/)
  }
})

test('the pace: one a second in a chat, twenty a minute in a group, thirty a second over all', () => {
  const group = channel.pace('-1001234567890')
  const person = channel.pace('5001')
  assert.deepEqual(person, [
    { count: 1, perMs: 1000, over: 'chat' },
    { count: 30, perMs: 1000, over: 'all' },
  ])
  assert.deepEqual(group, [...person.slice(0, 1), { count: 20, perMs: 60_000, over: 'chat' }, ...person.slice(1)])
})
