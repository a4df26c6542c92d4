import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakePatient } from '../../fakes/patient.ts'
import { deployed, LONGER_MS, LOOK_MS, makeTrial, ownCheck, SOAK_MS } from './judge-stand.ts'

const passed = { health: 'passed', why: '' }

test('the target’s own checks: they pass, often enough in a row', async () => {
  const trial = makeTrial([], [ownCheck()])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS - LOOK_MS)
  assert.equal(trial.said(), null)
  await trial.clock.advance(2 * LOOK_MS)
  assert.deepEqual(trial.said(), passed)
  assert.equal(trial.clock.pending(), 0, 'and are asked no more')
})

test('one that never passes fails the candidate when its time to start is over', async () => {
  const trial = makeTrial([], [ownCheck({ startupMs: 3000 })])
  trial.find('fail')
  await trial.begin(deployed)
  await trial.clock.advance(3000 - 2 * LOOK_MS)
  assert.equal(trial.said(), null)
  await trial.clock.advance(3 * LOOK_MS)
  assert.deepEqual(trial.said(), { health: 'failed', why: 'check 1 (tcp): it is a fail' })
})

test('one that fails later, again and again, is the end of it at once', async () => {
  const trial = makeTrial([], [ownCheck()])
  await trial.begin(deployed)
  await trial.clock.advance(2000)
  trial.find('fail')
  await trial.clock.advance(4000)
  assert.deepEqual(trial.said(), { health: 'failed', why: 'check 1 (tcp): it is a fail' })
})

test('a miss in between only delays it; the passes begin anew', async () => {
  const trial = makeTrial([], [ownCheck()])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS - 1100)
  trial.find('fail')
  await trial.clock.advance(1000)
  trial.find('pass')
  await trial.clock.advance(2000)
  assert.equal(trial.said(), null)
  await trial.clock.advance(2000)
  assert.deepEqual(trial.said(), passed)
})

test('one that can not be asked rolls nothing back', async () => {
  const trial = makeTrial([fakePatient('web', 'r2')], [ownCheck()])
  trial.find('inconclusive')
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS + LONGER_MS + LOOK_MS)
  assert.deepEqual(trial.said(), { health: 'passed', why: 'inconclusive: check 1 (tcp) could not be asked' })
})

test('the baseline names what is not well before: what fails, is down or falls; not what only starts', async () => {
  const named = async (health: Parameters<ReturnType<typeof fakePatient>['is']>[0]) => {
    const patient = fakePatient('web', 'r1')
    patient.is(health)
    return makeTrial([patient]).judge.baseline()
  }
  assert.deepEqual(await named({ state: 'ready' }), [])
  assert.deepEqual(await named({ state: 'stopped' }), [])
  assert.deepEqual(await named({ state: 'failed' }), ['web'])
  assert.deepEqual(await named({ state: 'down' }), ['web'])
  assert.deepEqual(await named({ state: 'open', isTroubled: true }), ['web'])
  assert.deepEqual(await named({ state: 'open' }), [])
  const trial = makeTrial([], [ownCheck(), ownCheck({ check: { kind: 'file', path: '/x', maxAgeMs: 1 } })])
  assert.deepEqual(await trial.judge.baseline(), [])
  for (const verdict of ['fail', 'inconclusive'] as const) {
    trial.find(verdict)
    assert.deepEqual(await trial.judge.baseline(), ['check 1 (tcp)', 'check 2 (file)'])
  }
})

test('own checks that failed before do not count', async () => {
  const trial = makeTrial([fakePatient('web', 'r2')], [ownCheck({ startupMs: 1000 })])
  trial.find('fail')
  await trial.begin(deployed, await trial.judge.baseline())
  await trial.clock.advance(SOAK_MS + LOOK_MS)
  assert.deepEqual(trial.said(), passed)
})

test('whether there is anything to ask: checks of the target, or of services that are to run', () => {
  const [checked, bare] = [fakePatient('checked', 'r1'), fakePatient('bare', 'r1', { probes: {} })]
  assert.equal(makeTrial([]).judge.hasChecks(), false)
  assert.equal(makeTrial([bare]).judge.hasChecks(), false)
  assert.equal(makeTrial([bare, checked]).judge.hasChecks(), true)
  assert.equal(makeTrial([], [ownCheck()]).judge.hasChecks(), true)
  for (const state of ['stopped', 'down'] as const) {
    checked.is({ state })
    assert.equal(makeTrial([bare, checked]).judge.hasChecks(), false, state)
  }
})
