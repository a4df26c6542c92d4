import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakePatient } from '../../fakes/patient.ts'
import { deployed, LONGER_MS, LOOK_MS, makeTrial, observed, rolledBack, SOAK_MS } from './judge-stand.ts'

const passed = { health: 'passed', why: '' }
const fallen = { state: 'stopped', failed: 'exit code 3' } as const

test('what failed with the candidate and was then stopped by somebody speaks against it all the same', async () => {
  for (const journal of [deployed, observed]) {
    const web = fakePatient('web', 'r2')
    const trial = makeTrial([web, fakePatient('other', 'r2')])
    await trial.begin(journal)
    web.is(fallen)
    await trial.clock.advance(SOAK_MS + LONGER_MS - LOOK_MS)
    assert.equal(trial.said(), null, 'it may be started again')
    await trial.clock.advance(2 * LOOK_MS)
    assert.deepEqual(trial.said(), { health: 'failed', why: 'web kept failing: exit code 3' })
  }
})

test('one that is started again, and well, speaks for it', async () => {
  const web = fakePatient('web', 'r2')
  const trial = makeTrial([web])
  await trial.begin(deployed)
  web.is(fallen)
  await trial.clock.advance(SOAK_MS + LOOK_MS)
  web.is({ state: 'ready', failed: null })
  await trial.clock.advance(LOOK_MS)
  assert.deepEqual(trial.said(), passed)
})

test('one that had not failed with it, or was stopped before, or after a rollback, says nothing', async () => {
  const [before, meanwhile] = [fakePatient('before', 'r2'), fakePatient('meanwhile', 'r2')]
  before.is(fallen)
  const trial = makeTrial([before, meanwhile])
  await trial.begin(deployed)
  meanwhile.is({ state: 'stopped' })
  await trial.clock.advance(SOAK_MS + LOOK_MS)
  assert.deepEqual(trial.said(), passed)

  const back = fakePatient('back', 'r1')
  back.onRenew = () => ({ state: 'open' })
  const rollback = makeTrial([back])
  await rollback.begin(rolledBack)
  back.is(fallen)
  await rollback.clock.advance(LOOK_MS)
  assert.deepEqual(rollback.said(), passed)
})
