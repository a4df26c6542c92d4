import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GenerationStatus, Switched } from '../../core/api/switch-control.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, type Manner, makeReleaseFolder } from './release-folder.ts'
import { type ConfigInput, makeStand } from './stand.ts'

/** Switches that meet something else in the middle. */
async function makeSite(t: TestContext, releases: Record<string, Manner>, more: Partial<ConfigInput> = {}) {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  for (const [name, manner] of Object.entries(releases)) folder.add(name, manner)
  folder.point(Object.keys(releases)[0] ?? '')
  const port = await freePort()
  const config = configOf(folder, port, more)
  stand.configure(config)
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  const good = async () =>
    (await stand.json<GenerationStatus[]>('generations', 'app'))
      .filter(({ knownGood }) => knownGood)
      .map(({ generation }) => generation)
  return { stand, folder, config, good }
}

test('a service that is only starting when a deploy is ordered is watched all the same', async t => {
  const { stand, folder, good } = await makeSite(t, { r1: 'well', r2: 'crashes' })
  const slow = `setTimeout(() => {\n${readFileSync(join(folder.path, 'releases/r1/agent.cjs'), 'utf8')}\n}, 3000)`
  writeFileSync(join(folder.path, 'releases/r1/agent.cjs'), slow)
  const restarting = stand.cli('restart', 'web')
  await stand.inState('web', 'starting')
  const { outcome } = JSON.parse((await stand.cli('deploy', 'app', 'r2', '--json')).stdout) as Switched
  await restarting
  assert.equal(outcome, 'rolled back')
  assert.deepEqual(await good(), ['r1'])
})

test('a deploy proves nothing while the only service is stopped', async t => {
  const { stand, good } = await makeSite(t, { r1: 'well', r2: 'crashes' })
  await stand.must('stop', 'web')
  await stand.cli('deploy', 'app', 'r2', '--json')
  assert.deepEqual(await good(), ['r1'])
})

test('a candidate whose falling service is stopped in the middle of its probation is not known to be good', async t => {
  const { stand, good } = await makeSite(
    t,
    { r1: 'well', r2: 'crashes' },
    { switch: { probation: '2s', passes: 1, deadMan: '3m' } },
  )
  const deploying = stand.cli('deploy', 'app', 'r2', '--json')
  const hasFallen = async () =>
    stand.entries().some(({ kind, data }) => kind === 'service.exited' && data.wanted === false)
  await stand.wait('it has fallen with the candidate', hasFallen)
  await stand.must('stop', 'web')
  assert.notEqual((JSON.parse((await deploying).stdout) as Switched).outcome, 'committed')
  assert.deepEqual(await good(), ['r1'])
})

test('a candidate that asks to be left down (125) is rolled back from, and the service runs again', async t => {
  const { stand, folder } = await makeSite(t, { r1: 'well', r2: 'well' })
  writeFileSync(join(folder.path, 'releases/r2/agent.cjs'), 'process.exit(125)')
  const { outcome } = JSON.parse((await stand.cli('deploy', 'app', 'r2', '--json')).stdout) as Switched
  assert.equal(outcome, 'rolled back')
  assert.equal((await stand.service('web')).state, 'ready')
})

test('a reload during probation leaves no dead-man behind', async t => {
  const app = { kind: 'releases', path: '', activationDeadline: '1s' }
  const { stand, folder, config } = await makeSite(t, { r1: 'well', r2: 'well' })
  const changed = (blameWindow: string): ConfigInput => ({
    ...config,
    targets: { app: { ...app, path: folder.path, blameWindow } },
    switch: { probation: '3s', passes: 3 },
  })
  stand.configure(changed('2h'))
  await stand.must('reload')
  const deploying = stand.cli('deploy', 'app', 'r2', '--json')
  await stand.wait('it is on probation', () => stand.of('switch.probation').length === 2)
  stand.configure(changed('3h'))
  await stand.cli('reload')
  const answer = await deploying
  await stand.wait('it is committed', () => stand.of('switch.committed').length === 2)
  await sleep(1000)
  const standing = readdirSync(join(stand.state, 'switch')).flatMap(dir =>
    readdirSync(join(stand.state, 'switch', dir)).filter(name => name === 'deadman'),
  )
  assert.deepEqual(standing, [], 'it would lead back from what is committed')
  assert.equal(answer.code, 0, answer.stdout)
})

test('who gave an order that came to nothing is not blamed for what others do later', async t => {
  const { stand, folder } = await makeSite(t, { r1: 'well', r2: 'well' })
  await stand.must('deploy', 'app', 'r1')
  folder.point('r2')
  await stand.wait('it is noticed', () => stand.of('switch.observed').length === 2)
  assert.equal(stand.of('switch.observed').at(-1)?.actor, 'heald')
})

test('an irreversible generation is not rolled back from by a probation', async t => {
  const { stand, folder, config } = await makeSite(t, { r1: 'well', r2: 'crashes' })
  stand.configure({ ...config, targets: { app: { kind: 'releases', path: folder.path, irreversible: true } } })
  await stand.must('reload')
  await stand.cli('deploy', 'app', 'r2', '--json')
  assert.equal(stand.of('rollback.started').length, 0)
})

test('a target that is moved to another folder takes no known-good generation with it', async t => {
  const { stand, folder, config } = await makeSite(t, { r1: 'well' })
  const other = makeReleaseFolder(join(stand.root, 'other'))
  other.add('x1', 'well')
  other.point('x1')
  stand.configure({ ...config, targets: { app: { kind: 'releases', path: other.path } } })
  await stand.must('reload')
  await stand.wait('it is looked at', () => stand.of('switch.observed').length === 2)
  const { from } = stand.of('switch.observed').at(-1)?.data ?? {}
  assert.ok(!JSON.stringify(from ?? null).includes(folder.path), JSON.stringify(from))
})
