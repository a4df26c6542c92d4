import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type CheckKind,
  judgeHang,
  noteReady,
  type Suspicion,
  WAIT_LIMIT_MS,
  type Watched,
} from '../../../core/heal/suspect.ts'

const EVERY_MS = 5000
const STARTUP_MS = 30_000

function watched(service: string, failingSinceMs: number | null, checkKind: CheckKind = 'http'): Watched {
  return {
    service,
    checkKind,
    misses: failingSinceMs === null ? 0 : 3,
    failingSinceMs,
    everyMs: EVERY_MS,
    startupMs: STARTUP_MS,
  }
}

test('few failing: restarted as always', () => {
  const two = [watched('a', 1000), watched('b', 1100), watched('c', null)]
  const few = judgeHang({}, 'a', two, 16_000)
  assert.deepEqual([few.act, few.suspicion], ['restart', {}])
  const half = [watched('a', 0), watched('b', 0), watched('c', 0), ...['d', 'e', 'f'].map(name => watched(name, null))]
  const judged = judgeHang({}, 'a', half, 16_000)
  assert.deepEqual([judged.act, judged.suspicion], ['restart', {}])
})

test('other kinds of checks, and troubles of another time, are no evidence against this one', () => {
  const others = [
    watched('a', 100_000),
    watched('b', 100_000, 'tcp'),
    watched('c', 100_000, 'tcp'),
    watched('d', 20_000),
    watched('e', 30_000),
  ]
  assert.deepEqual(judgeHang({}, 'a', others, 110_000).suspicion, {})
})

test('many at once: one canary, the rest wait; it gets ready: all others follow', () => {
  const all = ['a', 'b', 'c', 'd'].map((name, n) => watched(name, 1000 + n * 1000))
  const first = judgeHang({}, 'a', all, 16_000)
  assert.equal(first.act, 'restart')
  assert.match(first.why, /^4 of 4 services fail their http check at once; this one is restarted first/)
  const others = all.slice(1)
  const second = judgeHang(first.suspicion, 'b', others, 17_000)
  assert.equal(second.act, 'wait')
  assert.match(second.why, /waiting to see whether restarting a helps/)
  assert.equal(noteReady(second.suspicion, 'b', 18_000), second.suspicion)
  const good = noteReady(second.suspicion, 'a', 18_000)
  assert.deepEqual(
    ['b', 'c', 'd'].map(name => judgeHang(good, name, others, 19_000).act),
    ['restart', 'restart', 'restart'],
  )
})

test('the canary does not come back: the next one is tried after its startup time, one at a time', () => {
  const all = ['a', 'b', 'c', 'd', 'e'].map(name => watched(name, 1000))
  let { suspicion } = judgeHang({}, 'a', all, 16_000)
  const others = all.slice(1)
  assert.equal(judgeHang(suspicion, 'b', others, 16_000 + STARTUP_MS - 1).act, 'wait')
  const next = judgeHang(suspicion, 'b', others, 16_000 + STARTUP_MS)
  assert.equal(next.act, 'restart')
  suspicion = next.suspicion
  assert.equal(judgeHang(suspicion, 'c', all.slice(2), 16_000 + STARTUP_MS + 1).act, 'wait')
})

test('a canary of an earlier trouble proves nothing about this one', () => {
  const all = ['a', 'b', 'c'].map(name => watched(name, 1000))
  const good = noteReady(judgeHang({}, 'a', all, 16_000).suspicion, 'a', 17_000)
  const later = ['a', 'b', 'c'].map(name => watched(name, 3_600_000))
  const judged = judgeHang(good, 'b', later, 3_615_000)
  assert.equal(judged.suspicion.http?.service, 'b')
  assert.equal(judgeHang(judged.suspicion, 'c', later, 3_615_001).act, 'wait')
})

test('nothing is known of it: restarted', () => {
  assert.equal(judgeHang({}, 'a', [], 0).act, 'restart')
  assert.equal(judgeHang({}, 'a', [watched('a', null)], 0).act, 'restart')
})

/** A check that is broken for good: what is restarted never gets ready. Answers when each was restarted, in order. */
function broken(count: number, everyMs: number, startupMs: number, seed: number): number[] {
  let failing: Watched[] = Array.from({ length: count }, (_, n) => ({
    service: `s${n}`,
    checkKind: 'http',
    misses: 3,
    failingSinceMs: (n * 7919 + seed) % everyMs,
    everyMs,
    startupMs,
  }))
  // Some pass all the time: fewer than half.
  const fine = Array.from({ length: Math.floor((count - 1) / 2) }, (_, n) => watched(`fine${n}`, null))
  const asks = failing.map(({ service, failingSinceMs }) => ({ service, atMs: (failingSinceMs ?? 0) + 3 * everyMs }))
  const restartedMs: number[] = []
  let suspicion: Suspicion = {}
  while (asks.length > 0) {
    asks.sort((a, b) => a.atMs - b.atMs)
    const ask = asks[0]
    if (ask === undefined) break
    const judged = judgeHang(suspicion, ask.service, [...failing, ...fine], ask.atMs)
    suspicion = judged.suspicion
    if (judged.act === 'wait') {
      ask.atMs += everyMs
      continue
    }
    asks.shift()
    restartedMs.push(ask.atMs)
    failing = failing.filter(one => one.service !== ask.service)
  }
  return restartedMs
}

test('a broken check never restarts the world at once, and nobody waits longer than the limit', () => {
  const troubles = fc.tuple(
    fc.integer({ min: 3, max: 60 }),
    fc.integer({ min: 2000, max: 60_000 }),
    fc.integer({ min: 1000, max: 120_000 }),
    fc.nat(),
  )
  fc.assert(
    fc.property(troubles, ([count, everyMs, startupMs, seed]) => {
      const restartedMs = broken(count, everyMs, startupMs, seed)
      const limitMs = WAIT_LIMIT_MS + startupMs
      const paceMs = Math.min(startupMs, WAIT_LIMIT_MS / count)
      for (const [n, atMs] of restartedMs.entries()) {
        const pauseMs = atMs - (restartedMs[n - 1] ?? Number.NEGATIVE_INFINITY)
        // Whoever asks when the limit is over is let go without a turn.
        if (atMs < limitMs) assert(pauseMs >= (n === 1 ? startupMs : paceMs) - 0.001, `turn ${n} after ${pauseMs} ms`)
        assert(atMs <= everyMs + Math.max(3 * everyMs, limitMs + everyMs), `the last waited until ${atMs}`)
      }
    }),
    { numRuns: 40 },
  )
})

test('turns are short enough that most have had theirs when the limit is over', () => {
  const restartedMs = broken(60, 5000, 120_000, 1)
  const early = restartedMs.filter(atMs => atMs < WAIT_LIMIT_MS)
  assert(early.length > 45, `${early.length} of 60`)
})
