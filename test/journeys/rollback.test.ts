import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { GenerationStatus, Switched } from '../../core/api/switch-control.ts'
import type { Entry } from '../../core/entry.ts'
import type { Incident } from '../../core/incident/fold.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, type Manner, makeReleaseFolder } from './release-folder.ts'
import { type ConfigInput, makeStand } from './stand.ts'

async function makeSite(t: TestContext, releases: Record<string, Manner>, more: Partial<ConfigInput> = {}) {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  for (const [name, manner] of Object.entries(releases)) folder.add(name, manner)
  folder.point(Object.keys(releases)[0] ?? '')
  const port = await freePort()
  stand.configure(configOf(folder, port, more))
  const daemon = await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  return { stand, folder, daemon, port, answers: async () => (await fetch(`http://127.0.0.1:${port}/`)).text() }
}

const kinds = (entries: readonly Entry[]) =>
  entries.map(({ kind }) => kind).filter(kind => /^(switch|rollback|generation|deadman|crashloop)/.test(kind))
const msBetween = (from: Entry | undefined, to: Entry | undefined) => ((to?.mono ?? 0) - (from?.mono ?? 0)) / 1000

test('a good deploy is proved and committed; a crash-looping one is back on the old generation within a second', async t => {
  const { stand, folder, answers } = await makeSite(t, { r1: 'well', r2: 'well', r3: 'crashes' })
  const good = await stand.json<Switched>('deploy', 'app', 'r2')
  assert.deepEqual([good.outcome, good.to?.generation, good.why], ['committed', 'r2', null])
  assert.equal(folder.current(), 'r2')
  assert.equal(await answers(), 'r2\n')

  const before = stand.entries().length
  const bad = await stand.cli('deploy', 'app', 'r3', '--json')
  assert.equal(bad.code, 1, bad.stdout + bad.stderr)
  const outcome = JSON.parse(bad.stdout) as Switched
  assert.deepEqual([outcome.outcome, outcome.current?.generation], ['rolled back', 'r2'])
  assert.match(outcome.why ?? '', /r3 is broken|crash loop/)
  assert.equal(folder.current(), 'r2')
  assert.equal(await answers(), 'r2\n')

  await stand.wait('the quarantine is recorded', () => stand.of('generation.quarantined').length === 1)
  const entries = stand.entries().slice(before)
  assert.deepEqual(kinds(entries), [
    ...['switch.armed', 'deadman.armed', 'switch.activating', 'switch.probation', 'crashloop.detected'],
    ...['rollback.started', 'deadman.armed', 'rollback.activated', 'deadman.disarmed', 'rollback.verified'],
    'generation.quarantined',
  ])
  const firstDeath = entries.find(({ kind, data }) => kind === 'service.exited' && data.exitCode === 1)
  const restarted = entries.findLast(({ kind }) => kind === 'service.started')
  const ready = entries.findLast(({ kind }) => kind === 'service.ready')
  const startMs = Number(ready?.data.readyMs)
  const tookMs = msBetween(firstDeath, ready)
  t.diagnostic(`first death to healthy ${tookMs.toFixed(0)} ms, of which the service's start ${startMs.toFixed(0)} ms`)
  assert.equal(restarted?.data.generation, 'r2')
  const incidents = await stand.json<Incident[]>('incidents')
  assert.equal(incidents[0]?.state, 'resolved')
  assert.match(incidents[0]?.how ?? '', /rolled back to r2/)
  await stand.verified()
})

test('three generations, the newest two bad: it ends on the first; what is quarantined needs --force', async t => {
  const { stand, folder } = await makeSite(t, { r1: 'well', r2: 'crashes', r3: 'hangs' })
  for (const release of ['r2', 'r3']) {
    const { code, stdout } = await stand.cli('deploy', 'app', release, '--json')
    assert.equal(code, 1, stdout)
    assert.equal(folder.current(), 'r1')
  }
  const refused = await stand.cli('deploy', 'app', 'r2', '--json')
  assert.equal(refused.code, 3, refused.stdout)
  assert.match(refused.stdout, /switch\.quarantined/)
  const forced = await stand.cli('deploy', 'app', 'r2', '--force', '--json')
  assert.equal((JSON.parse(forced.stdout) as Switched).outcome, 'rolled back')
  const generations = await stand.json<GenerationStatus[]>('generations', 'app')
  assert.deepEqual(
    generations
      .map(({ generation, current, knownGood, quarantined }) => [generation, current, knownGood, quarantined])
      .sort(),
    [
      ['r1', true, true, false],
      ['r2', false, false, true],
      ['r3', false, false, true],
    ],
  )
  assert.equal((await stand.service('web')).state, 'ready')
  await stand.verified()
})

test('a generation that breaks after its commit is rolled back from, once', async t => {
  const { stand, folder, answers } = await makeSite(t, { r1: 'well', r2: 'breaks' })
  await stand.must('deploy', 'app', 'r2')
  writeFileSync(join(folder.path, 'releases/r2/broken'), '')
  await stand.wait('it was rolled back', () => stand.of('rollback.verified').length === 1)
  assert.equal(folder.current(), 'r1')
  assert.equal(await answers(), 'r1\n')
  const [loop] = stand.of('crashloop.detected')
  const [started] = stand.of('rollback.started')
  assert.equal(loop?.data.verdict, 'rollback')
  assert.deepEqual([started?.data.cause, started?.inc], ['crashloop', loop?.inc])
  const death = stand.of('service.exited').find(({ data }) => data.wanted === false)
  const ready = stand.of('service.ready').at(-1)
  t.diagnostic(
    `first death to healthy ${msBetween(death, ready).toFixed(0)} ms, start ${Number(ready?.data.readyMs).toFixed(0)} ms`,
  )
  await stand.verified()
})

test('trouble that is not of the generation rolls back once, then holds and says so', async t => {
  const { stand, folder } = await makeSite(t, { r1: 'needsRoom', r2: 'needsRoom' })
  await stand.must('deploy', 'app', 'r2')
  writeFileSync(folder.noRoom, '')
  const [pid] = stand.processes('web')
  process.kill(pid ?? assert.fail(), 'SIGKILL')
  await stand.wait('it is held', () => stand.of('rollback.held').length === 1)
  const [held] = stand.of('rollback.held')
  assert.equal(held?.data.verdict, 'environment')
  assert.equal(stand.of('rollback.started').length, 1)
  assert.equal(folder.current(), 'r1')
  const { targets } = await stand.status()
  assert.equal(targets[0]?.state, 'held')
  assert.deepEqual(targets[0]?.quarantined, [], 'nothing is blamed for what is not its fault')
  const [incident] = await stand.json<Incident[]>('incidents')
  assert.deepEqual([incident?.severity, incident?.state], ['critical', 'open'])
  rmSync(folder.noRoom)
  await stand.must('restart', 'web')
  const again = await stand.json<Switched>('deploy', 'app', 'r2')
  assert.equal(again.outcome, 'committed')
  await stand.verified()
})

test('a switch by hand is put on probation too, and the budget holds', async t => {
  const releases = { r1: 'well', r2: 'crashes', r3: 'crashes', r4: 'crashes', r5: 'well' } as const
  const { stand, folder } = await makeSite(t, releases)
  for (const [n, release] of ['r2', 'r3'].entries()) {
    folder.point(release)
    await stand.wait(`${release} was rolled back from`, () => stand.of('rollback.verified').length === n + 1)
    assert.equal(folder.current(), 'r1')
  }
  folder.point('r4')
  await stand.wait('the budget is used up', () => stand.of('rollback.held').length === 1)
  assert.match(String(stand.of('rollback.held')[0]?.data.why), /budget of 2/)
  assert.equal(folder.current(), 'r4')
  folder.point('r5')
  await stand.wait(
    'r5 was committed',
    () => stand.of('switch.committed').some(({ data }) => (data.to as { generation: string }).generation === 'r5'),
    30_000,
  )
  await stand.inState('web', 'ready')
  assert.equal((await stand.status()).targets[0]?.state, 'idle')
  await stand.verified()
})

test('an operator rolls back and forth; a dry run moves nothing', async t => {
  const { stand, folder } = await makeSite(t, { r1: 'well', r2: 'well' })
  await stand.must('deploy', 'app', 'r2')
  const plan = await stand.json<Switched>('rollback', 'app', '--dry-run')
  assert.deepEqual([plan.outcome, plan.to?.generation, folder.current()], ['planned', 'r1', 'r2'])
  assert.equal((await stand.json<Switched>('rollback', 'app')).outcome, 'rolled back')
  assert.equal(folder.current(), 'r1')
  assert.equal((await stand.json<Switched>('rollback', 'app', '--to', 'r2')).outcome, 'rolled back')
  assert.equal(folder.current(), 'r2')
  assert.equal((await stand.json<Switched>('deploy', 'app', 'r2')).outcome, 'nothing to do')
  assert.equal(stand.of('generation.quarantined').length, 0)
  await stand.verified()
})
