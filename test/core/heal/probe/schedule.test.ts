import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, LIVENESS, READINESS, SPEC, stand } from './schedule-stand.ts'

test('without probes: ready after having lived a little, and then no timer at all', async () => {
  const { clock, events, asked } = stand({}, () => 'pass')
  assert.deepEqual(events, [])
  await clock.advance(99)
  assert.deepEqual(events, [])
  await clock.advance(1)
  assert.deepEqual(events, [['readyPassed', 100]])
  assert.equal(clock.pending(), 0)
  assert.equal(asked.length, 0)
})

test('a start is seen soon: within a quarter of its age, then within 50 ms, then within 1 %', async () => {
  for (const readyAtMs of [1, 10, 17, 30, 33, 60, 100, 333, 2000, 9000, 60_000]) {
    const lateMs = Math.max(1, Math.min(readyAtMs / 4, 50), readyAtMs / 100)
    const spec = { ...SPEC, everyMs: 5000, startupMs: 120_000 }
    const { clock, events, asked } = stand({ startup: spec }, (_, nowMs) => (nowMs < readyAtMs ? 'fail' : 'pass'))
    await clock.advance(readyAtMs + 1000)
    const [[event, atMs] = ['none', 0]] = events
    assert.equal(event, 'readyPassed')
    assert(atMs >= readyAtMs && atMs <= readyAtMs + lateMs, `${readyAtMs}: seen at ${atMs}`)
    assert(asked.length < 400, `asked ${asked.length} times`)
    assert.equal(clock.pending(), 0, 'only a startup probe: nothing goes on after it')
  }
})

test('a start that takes longer than startupMs failed, whether it refuses or stays silent', async () => {
  for (const how of ['fail', 'silent'] as const) {
    const { clock, events } = stand({ startup: { ...SPEC, startupMs: 5000 } }, () => how)
    await clock.advance(20_000)
    assert.deepEqual(events, [['startupFailed', 5000]])
    assert.equal(clock.pending(), 0)
  }
  const silent = stand({ startup: { ...SPEC, startupMs: 100 } }, () => 'silent')
  await silent.clock.advance(1000)
  assert.deepEqual(silent.events, [['startupFailed', 100]], 'also while its first check is in flight')
  assert.equal(silent.aborted.length, 1)
})

test('a startup check that can tell nothing fails no start: it goes on until it can', async () => {
  const { clock, events } = stand({ startup: SPEC }, (_, nowMs) => (nowMs < 60_000 ? 'inconclusive' : 'fail'))
  await clock.advance(59_000)
  assert.deepEqual(events, [])
  await clock.advance(5000)
  assert.equal(events[0]?.[0], 'startupFailed')
})

test('the readiness check, else the liveness check, serves where there is no startup check', async () => {
  const both = stand({ readiness: READINESS, liveness: LIVENESS }, () => 'pass')
  await both.clock.advance(2)
  assert.deepEqual(both.asked, [{ host: 'ready', atMs: 1 }])
  const one = stand({ liveness: LIVENESS }, () => 'pass')
  await one.clock.advance(2)
  assert.deepEqual(one.asked, [{ host: 'live', atMs: 1 }])
})

test('liveness starts after readiness was reached and ticks start to start, whatever a check takes', async () => {
  const { clock, asked, probes } = stand({ startup: SPEC, liveness: LIVENESS }, (host, nowMs) =>
    host === 'live' ? (Math.round(nowMs / 1000) % 2 === 0 ? 'silent' : 'pass') : nowMs < 500 ? 'fail' : 'pass',
  )
  await clock.advance(10_000)
  const live = asked.filter(one => one.host === 'live').map(one => one.atMs)
  const first = live[0] ?? 0
  assert(first > 500 && first <= 1550)
  assert.deepEqual(
    live,
    live.map((_, n) => first + n * 1000),
  )
  assert(live.length >= 8)
  probes.stop()
  assert.equal(clock.pending(), 0)
})

test('hung after as many misses in a row, reported again with each further one; a pass forgets them', async () => {
  const answers: Answer[] = ['fail', 'fail', 'pass', 'fail', 'fail', 'fail', 'fail', 'pass', 'fail', 'fail', 'fail']
  const { clock, reports } = stand({ startup: SPEC, liveness: LIVENESS }, host =>
    host === 'live' ? (answers.shift() ?? 'pass') : 'pass',
  )
  await clock.advance(12_000)
  const live = reports.filter(report => report.probe === 'liveness')
  assert.deepEqual(
    live.slice(0, 11).map(report => report.misses),
    [1, 2, 0, 1, 2, 3, 4, 0, 1, 2, 3],
  )
  assert.deepEqual(
    live.slice(0, 11).map(report => report.event === 'hung'),
    [0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1].map(Boolean),
  )
  assert.equal(live[4]?.failingSinceMs, live[3]?.atMs)
  assert.equal(live[7]?.failingSinceMs, null)
})

test('one miss never restarts anything, even where the configuration says so', async () => {
  const answers: Answer[] = ['fail', 'pass', 'fail', 'fail']
  const { clock, reports } = stand({ startup: SPEC, liveness: { ...LIVENESS, failures: 1 } }, host =>
    host === 'live' ? (answers.shift() ?? 'pass') : 'pass',
  )
  await clock.advance(5000)
  assert.deepEqual(
    reports
      .filter(report => report.probe === 'liveness')
      .slice(0, 4)
      .map(report => report.event),
    [null, null, null, 'hung'],
  )
})

test('an inconclusive check is reported, counts for nothing and forgets nothing', async () => {
  const answers: Answer[] = ['fail', 'fail', 'inconclusive', 'throw', 'never', 'fail']
  const { clock, reports } = stand({ startup: SPEC, liveness: LIVENESS }, host =>
    host === 'live' ? (answers.shift() ?? 'pass') : 'pass',
  )
  await clock.advance(7000)
  const live = reports.filter(report => report.probe === 'liveness').slice(0, 6)
  assert.deepEqual(
    live.map(report => report.misses),
    [1, 2, 2, 2, 2, 3],
  )
  assert.deepEqual(
    live.map(report => report.verdict?.verdict),
    ['fail', 'fail', 'inconclusive', 'inconclusive', 'inconclusive', 'fail'],
  )
  assert.equal(live[5]?.event, 'hung')
  assert.match(live[3]?.verdict?.error ?? '', /the check is broken/)
  assert.match(live[4]?.verdict?.error ?? '', /did not end within its timeout/)
})

test('readiness fails and passes again without ever saying hung', async () => {
  const { clock, events } = stand({ startup: SPEC, readiness: { ...READINESS, successes: 2 } }, (host, nowMs) =>
    host === 'ready' && nowMs > 3000 && nowMs < 9000 ? 'fail' : 'pass',
  )
  await clock.advance(20_000)
  assert.deepEqual(
    events.map(([event]) => event),
    ['readyPassed', 'readinessFailed', 'readinessPassed'],
  )
  const [, failed = ['', 0], passed = ['', 0]] = events
  assert(failed[1] > 3000 + 2000 && failed[1] <= 3000 + 3000 + 200)
  assert(passed[1] > 9000 + 1000 && passed[1] <= 9000 + 2000)
})

test('a readiness check that is the liveness check is not asked twice', async () => {
  const { clock, asked } = stand({ startup: SPEC, readiness: LIVENESS, liveness: { ...LIVENESS } }, () => 'pass')
  await clock.advance(10_000)
  assert.equal(asked.filter(one => one.host === 'live').length, 10)
})

test('at most one check in flight, and no pause between them, where a timeout is longer than the interval', async () => {
  const slow = { ...LIVENESS, everyMs: 100, timeoutMs: 350 }
  const { clock, most, asked } = stand({ startup: SPEC, liveness: slow }, host => (host === 'live' ? 'silent' : 'pass'))
  await clock.advance(5000)
  assert.equal(most.live, 1)
  const live = asked.filter(one => one.host === 'live').map(one => one.atMs)
  assert.deepEqual(
    live,
    live.map((_, n) => (live[0] ?? 0) + n * 350),
  )
})

test('after one slow check the rhythm is found again', async () => {
  let isSlow = true
  const { clock, asked } = stand({ startup: SPEC, liveness: { ...LIVENESS, timeoutMs: 1500 } }, host => {
    if (host !== 'live' || !isSlow) return 'pass'
    isSlow = false
    return 'silent'
  })
  await clock.advance(6000)
  const live = asked.filter(one => one.host === 'live').map(one => one.atMs)
  const [first = 0] = live
  assert.deepEqual(
    live,
    [0, 1500, 2000, 3000, 4000, 5000].map(afterMs => first + afterMs),
  )
})
