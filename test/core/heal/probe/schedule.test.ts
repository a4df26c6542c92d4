import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import type { ProbeSpec, ServiceSpec } from '../../../../core/config/spec.ts'
import { type ProbeEvent, type Report, startProbes } from '../../../../core/heal/probe/schedule.ts'
import type { Verdict } from '../../../../core/heal/probe/verdict.ts'
import { type FakeClock, fakeClock } from '../../../fakes/clock.ts'

const SPEC: ProbeSpec = {
  check: { kind: 'tcp', host: '127.0.0.1', port: 1 },
  everyMs: 1000,
  timeoutMs: 200,
  failures: 3,
  successes: 1,
  startupMs: 10_000,
}
const LIVENESS: ProbeSpec = { ...SPEC, check: { kind: 'tcp', host: 'live', port: 1 } }
const READINESS: ProbeSpec = { ...SPEC, check: { kind: 'tcp', host: 'ready', port: 1 } }

type Answer = 'pass' | 'fail' | 'inconclusive' | 'silent' | 'never' | 'throw'

interface Asked {
  readonly host: string
  readonly atMs: number
}

/** Probes against a service whose answers a test chooses, on a clock that it moves. */
function stand(probes: ServiceSpec['probes'], answer: (host: string, nowMs: number) => Answer, phase = 0.25) {
  const clock = fakeClock(0)
  const asked: Asked[] = []
  const reports: (Report & { atMs: number })[] = []
  const events: [ProbeEvent, number][] = []
  let inFlight = 0
  const most: Record<string, number> = {}
  const running: Record<string, number> = {}
  const aborted: string[] = []
  const started = startProbes(probes, {
    clock,
    phase,
    async run(check, timeoutMs, signal): Promise<Verdict> {
      const host = check.kind === 'tcp' ? check.host : ''
      signal.addEventListener('abort', () => aborted.push(host))
      asked.push({ host, atMs: clock.monoMs() })
      running[host] = (running[host] ?? 0) + 1
      most[host] = Math.max(most[host] ?? 0, running[host])
      inFlight += 1
      try {
        const how = answer(host, clock.monoMs())
        if (how === 'throw') throw new Error('the check is broken')
        if (how === 'never') await new Promise(() => {})
        if (how === 'silent') await clock.sleep(timeoutMs)
        const verdict = how === 'silent' ? 'fail' : how === 'never' ? 'inconclusive' : how
        return { verdict, error: verdict === 'pass' ? null : how, tookMs: 0 }
      } finally {
        inFlight -= 1
        running[host] = (running[host] ?? 1) - 1
      }
    },
    onVerdict(report) {
      reports.push({ ...report, atMs: clock.monoMs() })
      if (report.event !== null) events.push([report.event, clock.monoMs()])
    },
  })
  return { clock, asked, reports, events, most, aborted, probes: started, inFlight: () => inFlight }
}

test('without probes: ready at once, and no timer at all', () => {
  const { clock, events, asked } = stand({}, () => 'pass')
  assert.deepEqual(events, [['readyPassed', 0]])
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

test('between two checks one timer runs for each ticking probe; liveness and readiness take turns', async () => {
  const { clock, asked } = stand({ startup: SPEC, liveness: LIVENESS, readiness: READINESS }, () => 'pass')
  await clock.advance(5000)
  assert.equal(clock.pending(), 2)
  const [live, ready] = ['live', 'ready'].map(host => asked.find(one => one.host === host)?.atMs ?? 0)
  assert.equal(Math.abs((live ?? 0) - (ready ?? 0)), 500)
})

test('a check in flight leaves no timer behind when it is stopped', async () => {
  const { clock, probes, aborted } = stand({ startup: SPEC, liveness: LIVENESS }, host =>
    host === 'live' ? 'never' : 'pass',
  )
  await clock.advance(1010)
  probes.stop()
  assert.deepEqual(aborted, ['live'])
  assert.equal(clock.pending(), 0)
})

test('a stalled daemon counts no miss for the time in which it did not look', async () => {
  let hangs = false
  const { clock, reports } = stand({ startup: SPEC, liveness: { ...LIVENESS, failures: 2 } }, host =>
    hangs && host === 'live' ? 'silent' : 'pass',
  )
  await clock.advance(3000)
  hangs = true
  // The tick comes 2.5 intervals late; its check fails.
  await clock.stall(3500)
  await clock.advance(300)
  assert.deepEqual(reports.at(-1)?.verdict?.verdict, 'fail')
  assert.equal(reports.at(-1)?.misses, 0)
  await clock.advance(1000)
  assert.equal(reports.at(-1)?.misses, 1)
  // Stalled while a check is in flight: its failure arrives much too late.
  await clock.advance(2000)
  assert.equal(reports.at(-1)?.event, 'hung')
  hangs = false
  await clock.advance(1000)
  assert.equal(reports.at(-1)?.misses, 0)
  hangs = true
  const ticks = reports.length
  while (reports.length === ticks) await clock.advance(10)
  assert.equal(reports.at(-1)?.misses, 1)
})

test('a failure that is heard of more than two intervals late does not count', async () => {
  const { clock, reports, inFlight } = stand({ startup: SPEC, liveness: LIVENESS }, host =>
    host === 'live' ? 'silent' : 'pass',
  )
  while (inFlight() === 0 || reports.length === 0) await clock.advance(1)
  while (inFlight() === 0) await clock.advance(1)
  await clock.stall(60_000)
  await nextTurn()
  const first = reports.find(report => report.probe === 'liveness')
  assert.equal(first?.verdict?.verdict, 'fail')
  assert.equal(first?.misses, 0)
})

test('after a suspended hour the ticks go on in their rhythm instead of being made up for', async () => {
  const { clock, asked } = stand({ startup: SPEC, liveness: LIVENESS }, () => 'pass')
  await clock.advance(5000)
  const before = asked.length
  const last = asked.at(-1)?.atMs ?? 0
  await clock.stall(3_600_000 + 400)
  await clock.advance(3000)
  const later = asked.slice(before)
  assert(later.length >= 3 && later.length <= 5, `${later.length} checks`)
  for (const one of later.slice(1)) assert.equal((one.atMs - last) % 1000, 0)
})

test('ready() skips the wait; stop() ends everything and nothing is reported after it', async () => {
  const { clock, events, probes, reports, aborted } = stand({ startup: SPEC, liveness: LIVENESS }, host =>
    host === 'live' ? 'silent' : 'fail',
  )
  await clock.advance(100)
  probes.ready()
  probes.ready()
  assert.deepEqual(events, [['readyPassed', 100]])
  await clock.advance(800)
  const seen = reports.length
  probes.stop()
  probes.stop()
  probes.ready()
  assert.equal(aborted.length > 0, true)
  await clock.advance(10_000)
  assert.equal(reports.length, seen)

  const early = stand({ startup: SPEC, liveness: LIVENESS }, () => 'pass')
  early.probes.stop()
  early.probes.ready()
  assert.deepEqual([early.events, early.clock.pending()], [[], 0])
})

test('whoever stops the probes in answer to a verdict leaves no timer behind', async () => {
  for (const event of ['readyPassed', 'hung'] as const) {
    const clock = fakeClock()
    let isStopped = false
    const probes = startProbes(
      { startup: SPEC, liveness: { ...LIVENESS, everyMs: 100 }, readiness: READINESS },
      {
        clock,
        async run(check, timeoutMs) {
          if (check.kind !== 'tcp' || check.host !== 'live') return { verdict: 'pass', error: null, tookMs: 0 }
          // Longer than its interval, so that a check is owed when this one ends.
          await clock.sleep(timeoutMs)
          return { verdict: 'fail', error: 'silent', tookMs: timeoutMs }
        },
        onVerdict: report => {
          assert(!isStopped, 'a report after the stop')
          if (report.event !== event) return
          probes.stop()
          isStopped = true
        },
      },
    )
    await clock.advance(10_000)
    assert.equal(clock.pending(), 0, event)
  }
})

test('500 services do not ask in the same millisecond', async () => {
  const firsts = new Set<number>()
  for (let n = 0; n < 50; n += 1) {
    const { clock, asked, probes } = stand({ liveness: LIVENESS }, () => 'pass', n / 50)
    await clock.advance(1002)
    firsts.add(Math.round(asked[1]?.atMs ?? 0))
    probes.stop()
  }
  assert.equal(firsts.size, 50)
})

test('a hang is noticed at most failures × every + timeout after it began, never before it, never by one miss', async () => {
  const hangs = fc.record({
    everyMs: fc.integer({ min: 10, max: 5000 }),
    timeoutMs: fc.integer({ min: 5, max: 8000 }),
    failures: fc.integer({ min: 1, max: 5 }),
    phase: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    hangPart: fc.double({ min: 0, max: 8, noNaN: true }),
    latencyPart: fc.double({ min: 0, max: 0.95, noNaN: true }),
  })
  await fc.assert(
    fc.asyncProperty(hangs, async ({ everyMs, timeoutMs, failures, phase, hangPart, latencyPart }) => {
      const clock: FakeClock = fakeClock(0)
      const liveness = { ...LIVENESS, everyMs, timeoutMs, failures }
      const intervalMs = Math.max(everyMs, timeoutMs)
      const hangsAtMs = 2 + hangPart * intervalMs
      let hungAtMs: number | null = null
      let missesThen = 0
      const probes = startProbes(
        { startup: { ...SPEC, startupMs: 100_000 }, liveness },
        {
          clock,
          phase,
          async run(check) {
            if (check.kind === 'tcp' && check.host !== 'live') return { verdict: 'pass', error: null, tookMs: 0 }
            const startedMs = clock.monoMs()
            await clock.sleep(latencyPart * timeoutMs)
            if (clock.monoMs() < hangsAtMs) return { verdict: 'pass', error: null, tookMs: 0 }
            await clock.sleep(startedMs + timeoutMs - clock.monoMs())
            return { verdict: 'fail', error: 'silent', tookMs: timeoutMs }
          },
          onVerdict(report) {
            if (report.event !== 'hung' || hungAtMs !== null) return
            hungAtMs = clock.monoMs()
            missesThen = report.misses
            probes.stop()
          },
        },
      )
      const needed = Math.max(2, failures)
      await clock.advance(hangsAtMs + (needed + 2) * intervalMs + timeoutMs)
      const boundMs = timeoutMs <= everyMs ? needed * everyMs + timeoutMs : everyMs + needed * timeoutMs
      assert(hungAtMs !== null, 'never noticed')
      const tookMs = hungAtMs - hangsAtMs
      assert(tookMs > 0, 'before it hung')
      assert(tookMs <= boundMs + 0.001, `after ${tookMs} ms`)
      assert.equal(missesThen, needed)
    }),
    { numRuns: 300 },
  )
})
