import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPace } from '../../bot/pace.ts'

const WINDOWS = [
  { count: 1, perMs: 1000, over: 'chat' },
  { count: 20, perMs: 60_000, over: 'chat' },
  { count: 30, perMs: 1000, over: 'all' },
] as const

test('no stretch of a window ever holds more than it allows, wherever it begins', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ chat: fc.nat(4), afterMs: fc.nat(3000), isUrgent: fc.boolean() }), { maxLength: 300 }),
      asks => {
        const pace = createPace(() => WINDOWS)
        const sent: { chat: string; atMs: number }[] = []
        let nowMs = 0
        for (const { chat, afterMs, isUrgent } of asks) {
          nowMs += afterMs
          const waitMs = pace.waitMs(`c${chat}`, 'post', isUrgent, nowMs)
          if (waitMs > 0 && !isUrgent) continue
          nowMs += waitMs
          assert.equal(pace.waitMs(`c${chat}`, 'post', isUrgent, nowMs), 0, 'it says how long, exactly')
          pace.note(`c${chat}`, 'post', nowMs)
          sent.push({ chat: `c${chat}`, atMs: nowMs })
        }
        for (const { count, perMs, over } of WINDOWS) {
          for (const { chat, atMs } of sent) {
            const within = sent.filter(
              one => one.atMs >= atMs && one.atMs < atMs + perMs && (over === 'all' || one.chat === chat),
            )
            assert.ok(within.length <= count, `${within.length} of ${count} in ${perMs} ms`)
          }
        }
      },
    ),
  )
})

test('some of a window is kept for what is urgent', () => {
  const pace = createPace(() => [{ count: 20, perMs: 60_000, over: 'chat' }])
  for (let n = 0; n < 16; n += 1) pace.note('c', 'edit', n)
  assert.ok(pace.waitMs('c', 'edit', false, 100) > 50_000)
  assert.equal(pace.waitMs('c', 'edit', true, 100), 0)
  assert.equal(pace.waitMs('other', 'edit', false, 100), 0)
})

test('a window of edits lets posts pass, and the other way round', () => {
  const pace = createPace(() => [{ count: 1, perMs: 1000, over: 'all', of: 'edit' }])
  assert.equal(pace.note('c', 'post', 0), false)
  assert.equal(pace.waitMs('c', 'edit', true, 1), 0)
  assert.equal(pace.note('c', 'edit', 1), true)
  assert.deepEqual([pace.waitMs('c', 'post', false, 2), pace.waitMs('other', 'edit', true, 2) > 900], [0, true])
  pace.left('c', 'edit', 500)
  assert.ok(pace.waitMs('c', 'edit', true, 1100) > 400, 'it has left only then')
})
