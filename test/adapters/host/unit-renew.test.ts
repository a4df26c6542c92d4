import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusError } from '../../../adapters/host/bus-call.ts'
import { type Memory, remember } from '../../../core/heal/memory.ts'
import type { Patient } from '../../../core/heal/patient.ts'
import { createJudge } from '../../../core/safeswitch/judge.ts'
import { deployed, R1, R2, rolledBack, SOAK_MS } from '../../core/safeswitch/judge-stand.ts'
import { switchSpec } from '../../core/safeswitch/managed-spec.ts'
import { entryOf } from '../../core/safeswitch/written.ts'
import type { FakeClock } from '../../fakes/clock.ts'
import { BEFORE, HAS_FAILED, MEMORY, PAST, RUNS, run, unitWard } from './unit-ward.ts'

// A switch has a unit restarted, and systemd does not do it: what ran before goes on.

const REFUSAL = 'Operation refused, unit web.service may be requested by dependency only.'
const settled = () => new Promise(resolve => setImmediate(resolve))

/** A unit that runs r1. `member` of the manager is refused, `words` what systemd says. */
async function runsR1(refused: readonly string[]) {
  const world = { points: R1 as typeof R1 | typeof R2 }
  const memory = { ...MEMORY, generation: 'r1', generationPath: R1.path }
  const ward = unitWard(
    { memory: { web: memory }, openIncidents: () => [] },
    {},
    {
      warnings: [],
      generationOf: () => world.points,
      answer(member) {
        if (refused.includes(member)) throw new BusError('org.freedesktop.systemd1.OnlyByDependency', REFUSAL)
      },
    },
  )
  const adopted = ward.service.adopt()
  ward.seat.take({ ...RUNS, MainPID: BEFORE }, true)
  await adopted
  ward.service.begin()
  await ward.clock.advance(0)
  return { ...ward, world }
}

function judgeOf(patient: Patient, clock: FakeClock) {
  return createJudge({
    ...{ patients: () => [patient], checks: [], cwd: '/', clock, random: () => 0.5, restartsUnits: false },
    runCheck: async () => ({ verdict: 'pass', error: null, tookMs: 1 }),
    switchSpec: () => switchSpec({ probationMs: SOAK_MS, passes: 1 }),
  })
}

for (const refuses of [['StopUnit'], ['StartUnit'], []])
  test(`a candidate is not proved by what ran before it, which systemd did not restart (${refuses.join()})`, async () => {
    const refused = ['RestartUnit', ...refuses]
    const { service, seat, clock, calls, world } = await runsR1(refused)
    const judge = judgeOf(service.patient(), clock)
    assert.deepEqual(service.patient().ran(), R1)
    world.points = R2
    const judged = judge.judge(deployed, [], new AbortController().signal)
    await settled()
    await clock.advance(SOAK_MS + 100)
    assert.deepEqual(await judged, { health: 'failed', why: `web: it was not restarted: ${REFUSAL}` })
    assert.deepEqual(
      calls.filter(call => call.endsWith('Unit')),
      ['RestartUnit'],
      'it is not taken down: it might be for good',
    )
    assert.deepEqual([service.status().state, service.patient().ran()], ['ready', R1])

    // It runs what is led back to: nothing is to be restarted.
    world.points = R1
    const back = judge.judge(rolledBack, [], new AbortController().signal)
    await clock.advance(100)
    assert.deepEqual(await back, { health: 'passed', why: '' })
    assert.equal(calls.filter(call => call === 'RestartUnit').length, 1)
    // And it is not held against the next one, which may be restarted.
    assert.deepEqual(await judge.baseline(), [])
    refused.length = 0
    world.points = R2
    const again = judge.judge(deployed, [], new AbortController().signal)
    await settled()
    seat.take({ ...RUNS, MainPID: 9, InvocationID: run(3) }, true)
    await settled()
    await clock.advance(SOAK_MS + 100)
    assert.deepEqual([await again, service.patient().ran()], [{ health: 'passed', why: '' }, R2])
    seat.release()
  })

test('a heald that was killed between an order to stop and its answer has left no wish behind', async () => {
  for (const isRefused of [true, false]) {
    const { service, seat, drafts, clock } = await runsR1(isRefused ? ['StopUnit'] : [])
    const before = drafts.length
    const stopped = service.stop('local:admin').catch((error: Error) => error.message)
    // Where it is not refused, systemd has not begun it yet.
    await settled()
    if (isRefused) assert.match(String(await stopped), /web was not stopped: Operation refused/)
    service.release()
    const told = drafts.slice(before).map(({ kind }) => kind)
    assert.deepEqual(told, isRefused ? ['service.adopted'] : [])
    const memory: Memory = { web: { ...MEMORY } }
    for (const { kind, data } of drafts) remember(memory, { ...entryOf(kind, data), svc: 'web', boot: MEMORY.boot })
    assert.deepEqual([memory.web?.wanted, memory.web?.runningPid], [true, BEFORE])
    const next = unitWard({ memory, openIncidents: () => [] })
    const adopted = next.service.adopt()
    next.seat.take({ ...RUNS, MainPID: BEFORE }, true)
    await adopted
    next.service.begin()
    await next.clock.advance(10_000)
    assert.deepEqual([next.service.status().state, next.calls], ['ready', []])
    await clock.advance(60_000)
    for (const each of [seat, next.seat]) each.release()
  }
})

test('a restart or a start that comes to nothing is answered with its own reason, not with what was in the way before', async () => {
  for (const order of ['restart', 'start'] as const) {
    const waiting: (() => void)[] = []
    const isMasked = new BusError('org.freedesktop.systemd1.UnitMasked', 'Unit base.service is masked.')
    const { service, seat, clock } = unitWard(
      PAST,
      {},
      {
        later: write => void waiting.push(write),
        answer(member) {
          if (member === 'StartUnit') throw isMasked
        },
      },
    )
    const write = () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next()
    }
    const adopted = service.adopt()
    seat.take({ ...RUNS, MainPID: BEFORE, Restart: 'no' }, true)
    await adopted
    service.begin()
    await clock.advance(1000)
    seat.take(HAS_FAILED, true)
    await settled()
    write()
    assert.equal(service.status().state, 'backoff')
    let answer = ''
    service[order]('local:admin').catch((error: Error) => {
      answer = error.message
    })
    await settled()
    write()
    await settled()
    service.release()
    assert.match(answer, /did not get ready: .*base\.service is masked/)
  }
})
