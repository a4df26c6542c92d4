import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FakePatient, fakePatient } from '../../fakes/patient.ts'
import { deployed, LONGER_MS, LOOK_MS, makeTrial, observed, R1, R2, SOAK_MS } from './judge-stand.ts'

const passed = { health: 'passed', why: '' }

function web(more: Parameters<typeof fakePatient>[2] = {}): FakePatient {
  const patient = fakePatient('web', 'r1', more)
  patient.generation = 'r2'
  return patient
}

test('a restart that was refused before the switch is nothing against what is not restarted for it', async () => {
  const adopted = fakePatient('web', null)
  adopted.is({ refusal: 'Unit db.service is masked.' })
  const trial = makeTrial([adopted])
  await trial.begin({ ...observed, good: [] })
  await trial.clock.advance(SOAK_MS + LOOK_MS)
  assert.deepEqual([adopted.asked, trial.said()], [[], { health: 'passed', why: '' }])
})

test('a service that runs another generation is started anew, one that runs it already is not', async () => {
  const [old, fresh, unknown] = [web(), fakePatient('fresh', 'r2'), fakePatient('unknown', null)]
  await makeTrial([old, fresh, unknown]).begin(deployed)
  assert.deepEqual([old.asked, fresh.asked], [['renew'], []])
  assert.deepEqual(unknown.asked, ['renew'], 'what can not be told would be judged by what ran before')
  // Looked at for the first time: it runs what it was started with.
  const adopted = fakePatient('adopted', null)
  await makeTrial([adopted]).begin({ ...observed, good: [] })
  assert.deepEqual(adopted.asked, [])
  // Somebody else has moved the pointer since.
  await makeTrial([adopted]).begin({ ...observed, good: [{ generation: 'r1', path: '/srv/r1' }] })
  assert.deepEqual(adopted.asked, ['renew'])
  // Its folder was not there, so it could not be started: that says nothing about what is there now.
  const early = fakePatient('early', null)
  early.is({ state: 'failed', why: 'crash loop: the folder does not exist' })
  const trial = makeTrial([early])
  await trial.begin(observed)
  assert.deepEqual([early.asked, trial.said()], [['renew'], null])
})

test('a generation is told by its path: its name may have been another one’s', async () => {
  const [reused, same] = [web(), web()]
  reused.is({ ran: { generation: 'r2', path: '/srv/app/releases/older' } })
  same.is({ ran: { generation: 'renamed', path: R2.path } })
  await makeTrial([reused, same]).begin(deployed)
  assert.deepEqual([reused.asked, same.asked], [['renew'], []])
})

test('the soak passes when its time is over and all is well, not before', async () => {
  const trial = makeTrial([web()])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS - LOOK_MS)
  assert.equal(trial.said(), null)
  await trial.clock.advance(2 * LOOK_MS)
  assert.deepEqual(trial.said(), passed)
})

test('a crash loop, a hang or a start that fails is the end of it at once, and nothing is left behind', async () => {
  const patient = web()
  const trial = makeTrial([patient])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS / 2)
  patient.is({ state: 'failed', why: 'crash loop: exited with code 1' })
  await trial.clock.advance(0)
  assert.deepEqual(trial.said(), { health: 'failed', why: 'web: crash loop: exited with code 1' })
  assert.deepEqual([patient.heeded(), trial.clock.pending()], [0, 0])
})

test('one crash inside the soak that is healed counts for nothing once the passes are there', async () => {
  const patient = web()
  const trial = makeTrial([patient])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS - 1000)
  patient.is({ state: 'open', passes: 0, isTroubled: true, why: 'exited with code 1' })
  await trial.clock.advance(500)
  patient.is({ state: 'ready', passes: 1, why: '' })
  await trial.clock.advance(SOAK_MS)
  assert.equal(trial.said(), null, 'not yet often enough in a row')
  patient.is({ passes: 3 })
  await trial.clock.advance(LOOK_MS)
  assert.deepEqual(trial.said(), passed)
})

/** It falls and is healed in the same turn. */
async function fall(patient: FakePatient, { clock }: ReturnType<typeof makeTrial>): Promise<void> {
  patient.is({ failed: 'exited with code 1', readySinceMs: clock.monoMs() })
  await clock.advance(0)
}

test('one that fell has to be well for as long as the soak, up to 30 s, whatever its checks say', async () => {
  const patient = web()
  const trial = makeTrial([patient])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS - 1000)
  await fall(patient, trial)
  await trial.clock.advance(SOAK_MS - LOOK_MS)
  assert.equal(trial.said(), null)
  await trial.clock.advance(2 * LOOK_MS)
  assert.deepEqual(trial.said(), passed)
  // It fell at the very end of a long soak.
  const long = makeTrial([patient], [], 600_000)
  patient.is({ failed: null })
  await long.begin(deployed)
  await long.clock.advance(600_000 - LOOK_MS)
  await fall(patient, long)
  await long.clock.advance(LONGER_MS - LOOK_MS)
  assert.equal(long.said(), null)
  await long.clock.advance(2 * LOOK_MS)
  assert.deepEqual(long.said(), passed)
})

test('one that falls again and again, too seldom for a crash loop, fails it', async () => {
  for (const soakMs of [SOAK_MS, 2 * LONGER_MS]) {
    const patient = web()
    const trial = makeTrial([patient], [], soakMs)
    await trial.begin(deployed)
    const startedMs = trial.clock.monoMs()
    for (let n = 0; n < (soakMs + 60_000) / 5000 && trial.said() === null; n += 1) {
      await trial.clock.advance(5000)
      await fall(patient, trial)
    }
    assert.deepEqual(trial.said(), { health: 'failed', why: 'web kept failing: exited with code 1' })
    assert.ok(trial.clock.monoMs() - startedMs <= soakMs + 50_000, 'before the dead-man comes')
  }
})

test('where all failed before, one that keeps falling proves nothing', async () => {
  const patient = web()
  const trial = makeTrial([patient])
  await trial.begin(deployed, ['web'])
  for (let n = 0; n < 12; n += 1) {
    await trial.clock.advance(5000)
    await fall(patient, trial)
  }
  assert.equal(trial.said()?.health, 'failed')
})

test('passes have to be in a row: one that never gets so far fails when its longer time is over', async () => {
  const patient = web()
  patient.onRenew = () => ({ passes: 2, why: 'it flaps' })
  const trial = makeTrial([patient])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS + LONGER_MS - LOOK_MS)
  assert.equal(trial.said(), null)
  await trial.clock.advance(2 * LOOK_MS)
  assert.deepEqual(trial.said(), { health: 'failed', why: 'web did not pass often enough in a row: it flaps' })
})

test('how many passes: as configured where there are checks, one of a startup check, none without', async () => {
  const { liveness } = web().spec().probes
  const [startup, none] = [web({ probes: liveness === undefined ? {} : { startup: liveness } }), web({ probes: {} })]
  startup.onRenew = () => ({ passes: 1 })
  none.onRenew = () => ({ passes: 0 })
  const trial = makeTrial([startup, none])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS + LOOK_MS)
  assert.deepEqual(trial.said(), passed)
})

test('a slow starter gets a little longer, and not for ever', async () => {
  for (const [readyMs, health] of [
    [SOAK_MS + LONGER_MS / 2, 'passed'],
    [SOAK_MS + LONGER_MS + 1000, 'failed'],
  ] as const) {
    const patient = web()
    patient.onRenew = () => ({ state: 'open', passes: 0, why: 'it is not ready yet' })
    const trial = makeTrial([patient])
    await trial.begin(deployed)
    await trial.clock.advance(readyMs)
    if (health === 'passed') assert.equal(trial.said(), null)
    patient.is({ state: 'ready', passes: 3 })
    await trial.clock.advance(LOOK_MS)
    assert.equal(trial.said()?.health, health)
  }
})

test('a check that can not be asked rolls nothing back, however long', async () => {
  const [patient, other] = [web(), fakePatient('other', 'r2')]
  patient.onRenew = () => ({ state: 'open', passes: 0, isInconclusive: true, why: 'no such program' })
  const trial = makeTrial([patient, other])
  await trial.begin(deployed)
  await trial.clock.advance(SOAK_MS + LONGER_MS + LOOK_MS)
  assert.deepEqual(trial.said(), { health: 'passed', why: 'inconclusive: web could not be asked' })
  // Beside one that really fails, that one alone is named.
  const bad = makeTrial([patient, other])
  other.is({ state: 'open', why: 'HTTP 500' })
  await bad.begin(deployed)
  await bad.clock.advance(SOAK_MS + LONGER_MS + LOOK_MS)
  assert.deepEqual(bad.said(), { health: 'failed', why: 'other did not pass often enough in a row: HTTP 500' })
})

test('an operator’s stop says nothing; without services the time alone passes', async () => {
  const stopped = web()
  stopped.is({ state: 'stopped' })
  for (const patients of [[stopped, fakePatient('other', 'r2')], [stopped], []]) {
    const trial = makeTrial(patients)
    await trial.begin(deployed)
    await trial.clock.advance(SOAK_MS - LOOK_MS)
    assert.equal(trial.said(), null)
    await trial.clock.advance(2 * LOOK_MS)
    assert.deepEqual(trial.said(), passed)
  }
})

test('what was failing before does not count against the candidate', async () => {
  const [sick, well] = [web(), fakePatient('well', 'r2')]
  sick.onRenew = () => ({ state: 'failed', why: 'crash loop' })
  const trial = makeTrial([sick, well])
  await trial.begin(deployed, ['web'])
  await trial.clock.advance(SOAK_MS + LOOK_MS)
  assert.deepEqual(trial.said(), passed)
})

test('where all failed before, one has to be well: what nothing speaks for is not committed', async () => {
  const [one, two] = [web(), fakePatient('two', 'r1')]
  one.onRenew = two.onRenew = () => ({ state: 'failed', why: 'crash loop' })
  const both = ['web', 'two']
  const hopeless = makeTrial([one, two])
  await hopeless.begin(deployed, both)
  await hopeless.clock.advance(LOOK_MS)
  assert.deepEqual(hopeless.said(), { health: 'failed', why: 'web: crash loop' })

  two.onRenew = () => ({ state: 'open', passes: 0, why: 'HTTP 500' })
  two.is({ ran: 'r1' })
  const open = makeTrial([one, two])
  await open.begin(deployed, both)
  await open.clock.advance(SOAK_MS + LONGER_MS - LOOK_MS)
  assert.equal(open.said(), null)
  await open.clock.advance(2 * LOOK_MS)
  assert.deepEqual(open.said(), { health: 'failed', why: 'web, two failed before, and still: crash loop' })

  two.onRenew = () => ({})
  two.is({ ran: 'r1' })
  const mended = makeTrial([one, two])
  await mended.begin(deployed, both)
  await mended.clock.advance(SOAK_MS + LOOK_MS)
  assert.deepEqual(mended.said(), passed)
})

test('one that asks to be left down with the candidate fails it; one that did so before says nothing', async () => {
  const patient = web()
  const trial = makeTrial([patient, fakePatient('other', 'r2')])
  await trial.begin(deployed)
  patient.is({ state: 'down', why: 'it exited with code 125, which asks to be left down' })
  await trial.clock.advance(0)
  assert.equal(trial.said()?.health, 'failed')
  assert.match(trial.said()?.why ?? '', /^web: it exited with code 125/)

  for (const journal of [deployed, { ...observed, from: R1 }]) {
    const job = fakePatient('job', journal.isObserved ? 'r2' : 'r1')
    job.is({ state: 'down' })
    const before = makeTrial([job, fakePatient('other', 'r2')])
    await before.begin(journal)
    await before.clock.advance(SOAK_MS + LOOK_MS)
    assert.deepEqual(before.said(), passed)
  }
})

test('called off: it ends at once, and nothing goes on', async () => {
  const patient = web()
  const trial = makeTrial([patient])
  await trial.begin(deployed)
  trial.abort()
  await trial.clock.advance(0)
  assert.deepEqual(trial.said(), { health: 'failed', why: 'called off' })
  assert.deepEqual([patient.heeded(), trial.clock.pending()], [0, 0])
})
