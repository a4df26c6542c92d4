import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fit, shortened } from '../../bot/fit.ts'
import type { Message } from '../../bot/message.ts'
import { fullMessage } from '../conformance/messages.ts'

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
