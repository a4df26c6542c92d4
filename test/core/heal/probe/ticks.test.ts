import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { startProbes } from '../../../../core/heal/probe/schedule.ts'
import { type FakeClock, fakeClock } from '../../../fakes/clock.ts'
import { LIVENESS, READINESS, SPEC, stand } from './schedule-stand.ts'

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
    { numRuns: Number(process.env.HEALD_SOAK_HANGS ?? 300) },
  )
})
