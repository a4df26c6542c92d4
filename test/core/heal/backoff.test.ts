import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { delayMs } from '../../../core/heal/backoff.ts'

const DEFAULT = { firstMs: 0, baseMs: 200, capMs: 30_000 }
const backoffs = fc.record({
  firstMs: fc.nat({ max: 60_000 }),
  baseMs: fc.nat({ max: 60_000 }),
  capMs: fc.nat({ max: 600_000 }),
})
const randoms = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('at once, then doubling to the cap', () => {
  const middle = [0, 1, 2, 3, 4, 7].map(attempt => delayMs(attempt, DEFAULT, 0.5))
  assert.deepEqual(middle, [0, 200, 400, 800, 1600, 12_800])
  assert.equal(delayMs(1, DEFAULT, 0), 160)
  assert.equal(delayMs(1, DEFAULT, 0.999999), 240)
  assert.equal(delayMs(0, { ...DEFAULT, firstMs: 1500 }, 0.3), 1500)
})

test('never above the cap, never further than 20 % from the doubled delay, for any attempt', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), backoffs, randoms, (attempt, backoff, random) => {
      const delay = delayMs(attempt, backoff, random)
      const nominalMs =
        attempt > 60 && backoff.baseMs > 0
          ? backoff.capMs
          : Math.min(backoff.capMs, backoff.baseMs * 2 ** Math.min(attempt - 1, 60))
      assert(Number.isSafeInteger(delay) && delay >= 0)
      assert(delay <= backoff.capMs)
      assert(delay >= Math.floor(nominalMs * 0.8) && delay <= Math.ceil(nominalMs * 1.2))
    }),
  )
})

test('services that died together come back spread out, at the cap too', () => {
  const delays = new Set(Array.from({ length: 100 }, (_, n) => delayMs(40, DEFAULT, n / 100)))
  assert.equal(delays.size, 100)
})
