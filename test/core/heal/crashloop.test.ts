import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newLoop, onFailure, onReady, onStable, onUnready } from '../../../core/heal/crashloop.ts'

const LIMIT = { failures: 3, withinMs: 60_000 }

/** Lives of one service: how long each start takes (null: never ready), how long it is ready, the delay after it. */
interface Life {
  readonly startMs: number
  readonly readyMs: number | null
  readonly delayMs: number
}

function live(lives: readonly Life[], limit = LIMIT): boolean[] {
  const loop = newLoop()
  let monoMs = 5000
  return lives.map(({ startMs, readyMs, delayMs }) => {
    monoMs += startMs
    if (readyMs !== null) {
      onReady(loop, monoMs)
      monoMs += readyMs
    }
    const { looping } = onFailure(loop, monoMs, limit)
    monoMs += delayMs
    return looping
  })
}

test('a service that takes 30 s to start and dies 6 s after it is ready is a loop', () => {
  const life = { startMs: 30_000, readyMs: 6000, delayMs: 20_000 }
  assert.deepEqual(live([life, life, life]), [false, false, true])
})

test('one that never gets ready is a loop, however long each try takes', () => {
  const life = { startMs: 300_000, readyMs: null, delayMs: 30_000 }
  assert.deepEqual(live([life, life, life, life]), [false, false, true, true])
})

test('one that falls now and then is not', () => {
  const life = { startMs: 100, readyMs: 31_000, delayMs: 0 }
  assert.deepEqual(live([life, life, life, life, life]), [false, false, false, false, false])
  const atTheLimit = { ...life, readyMs: 30_000 }
  assert.deepEqual(live([atTheLimit, atTheLimit, atTheLimit]), [false, false, true])
})

test('a stable period forgets, and the answer says what was counted', () => {
  const loop = newLoop()
  onFailure(loop, 0, LIMIT)
  onFailure(loop, 10, LIMIT)
  onReady(loop, 20)
  onStable(loop)
  assert.deepEqual(onFailure(loop, 30, LIMIT), { looping: false, failures: 1, withinMs: 60_000 })
  assert.deepEqual(onFailure(loop, 40, LIMIT), { looping: false, failures: 2, withinMs: 60_000 })
  assert.deepEqual(onFailure(loop, 50, LIMIT), { looping: true, failures: 3, withinMs: 60_000 })
})

test('while it runs without being ready, the clock of the window stands still', () => {
  const loop = newLoop()
  let monoMs = 0
  const fail = () => {
    onReady(loop, monoMs)
    monoMs += 1000
    onUnready(loop, monoMs)
    monoMs += 3_600_000
    return onFailure(loop, monoMs, LIMIT).looping
  }
  assert.deepEqual([fail(), fail(), fail()], [false, false, true])
})

const lives = fc.array(
  fc.record({
    startMs: fc.nat({ max: 100_000 }),
    readyMs: fc.option(fc.nat({ max: 100_000 }), { nil: null }),
    delayMs: fc.nat({ max: 100_000 }),
  }),
  { maxLength: 30 },
)
const limits = fc.record({ failures: fc.integer({ min: 1, max: 6 }), withinMs: fc.nat({ max: 100_000 }) })

test('only time spent ready matters: starts and delays of any length change no answer', () => {
  fc.assert(
    fc.property(lives, limits, (some, limit) => {
      const bare = some.map(life => ({ ...life, startMs: 0, delayMs: 0 }))
      assert.deepEqual(live(some, limit), live(bare, limit))
    }),
  )
})

test('it agrees with counting the failures of the last withinMs of ready time', () => {
  fc.assert(
    fc.property(lives, limits, (some, limit) => {
      const ends: number[] = []
      const expected = some.map(({ readyMs }) => {
        const end = (ends.at(-1) ?? 0) + (readyMs ?? 0)
        ends.push(end)
        return ends.filter(other => end - other <= limit.withinMs).length >= limit.failures
      })
      assert.deepEqual(live(some, limit), expected)
    }),
  )
})

test('it survives JSON between any two events, in bounded memory', () => {
  const loop = newLoop()
  for (let n = 0; n < 5000; n += 1) onFailure(loop, n, { failures: 1_000_000, withinMs: 1_000_000 })
  assert(loop.failuresAtMs.length <= 1000)
  let kept = newLoop()
  onFailure(kept, 1, LIMIT)
  onReady(kept, 2)
  kept = JSON.parse(JSON.stringify(kept))
  onFailure(kept, 10, LIMIT)
  assert.equal(onFailure(kept, 11, LIMIT).looping, true)
})

test('after a reboot the monotonic clock starts again: the interrupted stretch counts as nothing', () => {
  const loop = newLoop()
  onReady(loop, 9_000_000)
  onReady(loop, 100)
  assert.equal(loop.readySinceMs, 100)
  onFailure(loop, 1100, LIMIT)
  assert.deepEqual(loop.failuresAtMs, [1000])
  onReady(loop, 9_000_000)
  onFailure(loop, 50, LIMIT)
  assert.deepEqual(loop.failuresAtMs, [1000, 1000])
})
