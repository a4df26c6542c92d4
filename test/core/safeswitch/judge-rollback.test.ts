import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakePatient, fakePatient } from '../../fakes/patient.ts'
import { LOOK_MS, makeTrial, ownCheck, R1, rolledBack } from './judge-stand.ts'

const VERIFY_MS = 60_000
const passed = { health: 'passed', why: '' }

/** It ran the candidate, and is not well. */
function victim(more: Parameters<typeof fakePatient>[2] = {}): FakePatient {
  const patient = fakePatient('web', 'r2', more)
  patient.generation = 'r1'
  patient.is({ state: 'failed', why: 'crash loop' })
  return patient
}

test('what failed is started anew, with what its recovery is owed to; ready once is enough', async () => {
  const [patient, untouched] = [victim(), fakePatient('untouched', 'r1')]
  patient.onRenew = () => ({ state: 'open', passes: 0 })
  const trial = makeTrial([patient, untouched])
  await trial.begin(rolledBack)
  assert.deepEqual([patient.asked, untouched.asked], [['revive rolled back to r1'], []])
  assert.equal(trial.said(), null)
  patient.is({ state: 'ready', passes: 1 })
  await trial.clock.advance(0)
  assert.deepEqual(trial.said(), passed)
})

test('one that failed with the very generation led back to is started anew too, but not for a mere recovery', async () => {
  for (const [cause, asked] of [
    ['crashloop', ['renew rolled back to r1']],
    ['operator', ['renew rolled back to r1']],
    ['recovery', []],
  ] as const) {
    const patient = victim()
    patient.is({ ran: 'r1' })
    await makeTrial([patient]).begin({ ...rolledBack, cause })
    assert.deepEqual(patient.asked, asked, cause)
  }
})

test('one that asked to be left down: started again only where the candidate made it do so', async () => {
  const down = (ran: string) => {
    const patient = fakePatient('job', ran)
    patient.generation = 'r1'
    patient.is({ state: 'down' })
    return patient
  }
  const [candidates, own, before] = [down('r2'), down('r1'), down('r2')]
  const trial = makeTrial([candidates])
  await trial.begin(rolledBack)
  assert.deepEqual([candidates.asked, candidates.ran()?.generation], [['revive rolled back to r1'], 'r1'])
  await trial.clock.advance(LOOK_MS)
  assert.deepEqual(trial.said(), passed)

  for (const [patient, baseline, cause] of [
    [own, [], 'probation'],
    [before, ['job'], 'probation'],
    [down('r2'), [], 'crashloop'],
  ] as const) {
    const other = makeTrial([patient])
    await other.begin({ ...rolledBack, cause }, baseline)
    await other.clock.advance(LOOK_MS)
    assert.equal(patient.health().state, 'down')
    assert.deepEqual(other.said(), passed, 'and it is no sign of trouble')
  }
})

test('not well with what was good before: at once when it fails, else when its time to start is over', async () => {
  const failing = victim()
  failing.onRenew = () => ({ state: 'open' })
  const trial = makeTrial([failing])
  await trial.begin(rolledBack)
  failing.is({ state: 'failed', why: 'crash loop: no room' })
  await trial.clock.advance(0)
  assert.deepEqual(trial.said(), { health: 'failed', why: 'web: crash loop: no room' })

  const { liveness } = victim().spec().probes
  for (const [startupMs, withinMs] of [
    [30_000, VERIFY_MS],
    [300_000, 301_000],
  ] as const) {
    const slow = victim(liveness === undefined ? {} : { probes: { liveness: { ...liveness, startupMs } } })
    slow.onRenew = () => ({ state: 'open', why: 'no answer' })
    const patience = makeTrial([slow])
    await patience.begin(rolledBack)
    await patience.clock.advance(withinMs - LOOK_MS)
    assert.equal(patience.said(), null, `${startupMs} ms to start`)
    await patience.clock.advance(2 * LOOK_MS)
    assert.deepEqual(patience.said(), { health: 'failed', why: 'web did not get ready: no answer' })
  }
})

test('a check that can not be asked is no reason to go further down; a stopped one and the baseline none to wait', async () => {
  const [patient, stopped, before] = [victim(), fakePatient('stopped', 'r2'), fakePatient('before', 'r1')]
  patient.onRenew = () => ({ state: 'open', isInconclusive: true })
  stopped.is({ state: 'stopped' })
  before.is({ state: 'failed' })
  before.onRenew = () => ({ state: 'failed' })
  const trial = makeTrial([patient, stopped, before])
  await trial.begin(rolledBack, ['before'])
  await trial.clock.advance(VERIFY_MS + LOOK_MS)
  assert.deepEqual(trial.said(), { health: 'passed', why: 'inconclusive: web could not be asked' })
})

test('the target’s own checks are asked as well', async () => {
  const trial = makeTrial([], [ownCheck()])
  trial.find('fail')
  await trial.begin({ ...rolledBack, to: R1 })
  await trial.clock.advance(1000)
  assert.equal(trial.said(), null)
  trial.find('pass')
  await trial.clock.advance(1000)
  assert.deepEqual(trial.said(), passed)
})
