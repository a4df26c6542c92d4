import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BusError } from '../../../adapters/host/bus-call.ts'
import type { Patient } from '../../../core/heal/patient.ts'
import { createJudge } from '../../../core/safeswitch/judge.ts'
import { deployed, R1, R2, rolledBack, SOAK_MS } from '../../core/safeswitch/judge-stand.ts'
import { switchSpec } from '../../core/safeswitch/managed-spec.ts'
import type { FakeClock } from '../../fakes/clock.ts'
import { BEFORE, MEMORY, RUNS, unitWard } from './unit-ward.ts'

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

test('a candidate is not proved by what ran before it, which systemd did not restart', async () => {
  const { service, seat, clock, calls, world } = await runsR1(['RestartUnit', 'StopUnit'])
  const judge = judgeOf(service.patient, clock)
  assert.deepEqual(service.patient.ran(), R1)
  world.points = R2
  const judged = judge.judge(deployed, [], new AbortController().signal)
  await settled()
  await clock.advance(SOAK_MS + 100)
  assert.deepEqual(await judged, { health: 'failed', why: `web: it was not restarted: ${REFUSAL}` })
  assert.deepEqual(
    calls.filter(call => call.endsWith('Unit')),
    ['RestartUnit', 'StopUnit'],
  )
  assert.deepEqual([service.status().state, service.patient.ran()], ['ready', R1])

  // It runs what is led back to: nothing is to be restarted.
  world.points = R1
  const back = judge.judge(rolledBack, [], new AbortController().signal)
  await clock.advance(100)
  assert.deepEqual(await back, { health: 'passed', why: '' })
  assert.equal(calls.filter(call => call === 'RestartUnit').length, 1)
  // And it is not held against the next one, which may be restarted.
  assert.deepEqual(await judge.baseline(), [])
  seat.release()
})
