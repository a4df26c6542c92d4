import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fits as fitsDiscord } from '../../adapters/chat/discord-payload.ts'
import { fitsSlack } from '../../adapters/chat/slack-payload.ts'
import { fitsTelegram } from '../../adapters/chat/telegram-payload.ts'
import { fitsIn as fitsWhatsApp } from '../../adapters/chat/whatsapp-text.ts'
import { fit, shortened } from '../../bot/fit.ts'
import type { Message } from '../../bot/message.ts'
import { fullMessage, plainMessage } from '../conformance/messages.ts'

const size = (message: Message) => JSON.stringify(message).length
const large = fullMessage({
  blocks: [
    { block: 'text', text: 'x'.repeat(1024 * 1024) },
    {
      block: 'steps',
      steps: Array.from({ length: 500 }, (_, n) => ({ offset: `+${n} s`, words: `step ${n} ${'y'.repeat(500)}` })),
    },
    { block: 'log', title: 'Last lines', text: Array.from({ length: 5000 }, (_, n) => `line ${n}`).join('\n') },
  ],
})

test('what fits is left as it is', () => {
  const message = fullMessage()
  assert.deepEqual(
    fit(message, () => true),
    message,
  )
})

test('whatever the limit, the result is within it, still says what it is about, and says what is missing', () => {
  for (const limit of [20_000, 8000, 4096, 2000, 1500]) {
    const cut = fit(large, message => size(message) <= limit)
    assert.ok(size(cut) <= limit, `${size(cut)} of ${limit}`)
    assert.equal(cut.title, large.title)
    assert.match(JSON.stringify(cut), /…|left out/)
  }
})

test('the beginning and the newest of a story are kept, and the newest lines', () => {
  const cut = fit(large, message => size(message) <= 6000)
  const text = JSON.stringify(cut)
  assert.match(text, /step 0 /)
  assert.match(text, /step 499 /)
  assert.match(text, /more steps/)
  const log = cut.blocks.find(({ block }) => block === 'log')
  assert.match(JSON.stringify(log), /line 4999.*/)
  assert.match(JSON.stringify(log), /\(49\d\d lines left out\)/)
})

test('a platform that takes nothing but a title gets that', () => {
  const cut = fit(large, message => message.blocks.length === 0)
  assert.deepEqual([cut.blocks, cut.title], [[], large.title])
})

test('text is never cut in the middle of a character', () => {
  for (let n = 2; n < 12; n += 1)
    assert.ok(!/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/.test(shortened('😀😀😀😀😀😀', n)), String(n))
  assert.equal(shortened('abc', 3), 'abc')
  assert.equal(shortened('abcd', 3), 'ab…')
})

test('a title of any length and of any characters fits each platform', () => {
  const platforms = { fitsSlack, fitsTelegram, fitsDiscord, fitsWhatsApp }
  for (const text of ['a', '&', '<', '🔴', '"'])
    for (const length of [20, 100, 140, 146, 147, 148, 149, 150, 151, 300, 5000]) {
      const title = text.repeat(Math.ceil(length / text.length))
      const message = { ...plainMessage(title), icon: '🔴', blocks: [{ block: 'text', text: 'all of it' }] } as const
      for (const [name, fits] of Object.entries(platforms)) {
        const fitting = fit(message, fits)
        assert.ok(fits(fitting), `${length} × ${text}: ${name}`)
        assert.ok(fitting.title.length >= Math.min(28, length) - 1, fitting.title)
        assert.deepEqual(fitting.blocks, message.blocks, 'nothing else is cut for it')
      }
    }
})
