import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { GenerationStatus, Switched } from '../../core/api/switch-control.ts'
import { cmdline } from './leftovers.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, type Manner, makeReleaseFolder } from './release-folder.ts'
import { type ConfigInput, makeStand, type ServiceInput, type Stand } from './stand.ts'

/** A daemon with the target `app` on `r1`, and what its configuration is. */
async function makeSite(t: TestContext, releases: Record<string, Manner>, more: Partial<ConfigInput> = {}) {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  for (const [name, manner] of Object.entries(releases)) folder.add(name, manner)
  folder.point('r1')
  const config = configOf(folder, await freePort(), more)
  return { stand, folder, config, web: config.services.web ?? assert.fail() }
}

const known = (stand: Stand) => stand.wait('what runs is known to be good', () => isIdle(stand))
const without = ({ target: _, ...rest }: ServiceInput): ServiceInput => rest as ServiceInput
const refOf = (value: unknown) => (value as { readonly generation?: string } | null)?.generation ?? null

/** Processes that would move a pointer of this stand without heald. */
function deadMen({ state }: Stand): number[] {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return pids.map(Number).filter(pid => {
    const words = cmdline(pid)
    return words.includes('heald-deadman') && words.some(word => word.startsWith(`${state}/`))
  })
}

test('a target added: what runs becomes known to be good, and a deploy starts the service anew, though it ran before', async t => {
  const { stand, folder, config, web } = await makeSite(t, { r1: 'well', r2: 'well' })
  stand.configure({ services: { web: without(web) } })
  await stand.up()
  const { pid } = await stand.inState('web', 'ready')
  stand.configure(config)
  await stand.must('reload')
  await known(stand)
  assert.equal((await stand.service('web')).pid, pid, 'it runs on')
  assert.equal((await stand.json<Switched>('deploy', 'app', 'r2')).outcome, 'committed')
  const after = await stand.service('web')
  assert.notEqual(after.pid, pid)
  assert.deepEqual([after.generation, after.target, folder.current()], ['r2', 'app', 'r2'])
  await stand.verified()
})

test('a target and its services added in one reload: they are started with its generation', async t => {
  const { stand, config } = await makeSite(t, { r1: 'well' })
  stand.configure({ services: { other: { run: ['sleep', '100000'] } } })
  await stand.up()
  stand.configure(config)
  await stand.must('reload')
  await stand.inState('web', 'ready')
  assert.equal((await stand.service('web')).generation, 'r1')
  await known(stand)
  await stand.verified()
})

test('a target removed in the middle of a probation of what others switched to: nobody leads it back later', async t => {
  const { stand, folder, config, web } = await makeSite(t, { r1: 'well', r2: 'well' })
  stand.configure(config)
  await stand.up()
  await known(stand)
  stand.configure({ ...config, switch: { probation: '60s' } })
  await stand.must('reload')
  folder.point('r2')
  await stand.wait('a dead-man stands', () => stand.of('switch.probation').length === 2 && deadMen(stand).length === 1)
  stand.configure({ services: { web: without(web) } })
  await stand.must('reload')
  assert.deepEqual(deadMen(stand), [])
  assert.deepEqual((await stand.status()).targets, [])
  const { code, stdout } = await stand.cli('deploy', 'app', 'r1', '--json')
  assert.equal(code, 2, stdout)
  assert.equal(folder.current(), 'r2')
  await stand.inState('web', 'ready')
  await stand.verified()
  await stand.must('down')
})

test('while it is switched, a target is neither changed nor removed, nor another one switched; anything else is applied', async t => {
  const { stand, folder, config, web } = await makeSite(t, { r1: 'well', r2: 'well' }, { switch: { probation: '5s' } })
  const second = join(stand.root, 'second')
  mkdirSync(join(second, 'releases/s1'), { recursive: true })
  const app = { kind: 'releases', path: folder.path }
  const targets = { app, second: { kind: 'releases', path: second } }
  stand.configure({ ...config, targets })
  await stand.up()
  await known(stand)
  const deploy = stand.json<Switched>('deploy', 'app', 'r2')
  await stand.wait('it is on probation', () => stand.of('switch.probation').length === 2)
  for (const next of [
    { ...config, targets: { ...targets, app: { ...app, keepGood: 5 } } },
    { ...config, services: { web: without(web) }, targets: { second: targets.second } },
  ]) {
    stand.configure(next)
    const { code, stdout } = await stand.cli('reload', '--json')
    assert.equal(code, 3, stdout)
    assert.match(stdout, /switch\.busy.*app is being switched, and the new configuration changes it/)
  }
  const { code, stdout } = await stand.cli('deploy', 'second', 's1', '--unchecked', '--json')
  assert.equal(code, 3, stdout)
  assert.match(stdout, /switch\.busy.*app is being switched, and only one target is at a time/)
  stand.configure({ ...config, targets, services: { ...config.services, other: { run: ['sleep', '100000'] } } })
  await stand.must('reload')
  await stand.inState('other', 'ready')
  assert.equal((await deploy).outcome, 'committed')
  stand.configure({ ...config, targets: { ...targets, app: { ...app, keepGood: 5 } } })
  await stand.must('reload')
  await stand.verified()
})

test('changed at rest, what is known of it stays; at another place, nothing of it is', async t => {
  const { stand, folder, config } = await makeSite(t, { r1: 'well', r2: 'well' })
  stand.configure(config)
  await stand.up()
  await known(stand)
  await stand.must('deploy', 'app', 'r2')
  const before = stand.entries().filter(({ kind }) => kind.startsWith('switch.')).length
  stand.configure({ ...config, targets: { app: { kind: 'releases', path: folder.path, blameWindow: '1h' } } })
  await stand.must('reload')
  const [target] = (await stand.status()).targets
  assert.deepEqual([target?.state, target?.current?.generation, target?.knownGood?.generation], ['idle', 'r2', 'r1'])
  assert.equal(
    stand.entries().filter(({ kind }) => kind.startsWith('switch.')).length,
    before,
    'nothing is proved anew',
  )

  mkdirSync(join(stand.root, 'elsewhere'))
  const elsewhere = makeReleaseFolder(join(stand.root, 'elsewhere'))
  elsewhere.add('r2', 'well')
  elsewhere.point('r2')
  const moved = { ...config.services.web, cwd: join(elsewhere.path, 'current') } as ServiceInput
  stand.configure({ ...config, services: { web: moved }, targets: { app: { kind: 'releases', path: elsewhere.path } } })
  await stand.must('reload', '--restart')
  await known(stand)
  const observed = stand.of('switch.observed').at(-1)
  assert.deepEqual([refOf(observed?.data.from), observed?.data.place], [null, `releases ${elsewhere.path}`])
  const { code, stdout } = await stand.cli('rollback', 'app', '--json')
  assert.equal(code, 3, stdout)
  assert.match(stdout, /switch\.no-way-back/)
  assert.deepEqual(
    (await stand.json<GenerationStatus[]>('generations', 'app')).map(({ path }) => path),
    [join(elsewhere.path, 'releases/r2')],
  )
  await stand.verified()
})

test('the target of a service changed: it belongs to the other one from then on', async t => {
  const { stand, folder, config, web } = await makeSite(t, { r1: 'well', r2: 'well' })
  mkdirSync(join(stand.root, 'other'))
  const other = makeReleaseFolder(join(stand.root, 'other'))
  for (const release of ['r1', 'r2']) other.add(release, 'well')
  other.point('r2')
  const targets = { app: { kind: 'releases', path: folder.path }, other: { kind: 'releases', path: other.path } }
  stand.configure({ ...config, targets })
  await stand.up()
  await stand.wait('both are known', () => stand.of('generation.good').length === 2)
  const { pid } = await stand.inState('web', 'ready')
  stand.configure({ ...config, targets, services: { web: { ...web, target: 'other' } } })
  await stand.must('reload')
  assert.deepEqual([(await stand.service('web')).target, (await stand.service('web')).pid], ['other', pid])
  const { code, stdout } = await stand.cli('deploy', 'app', 'r2', '--json')
  assert.equal(code, 3, `nobody speaks for it any more: ${stdout}`)
  assert.match(stdout, /switch\.unchecked/)
  await stand.must('deploy', 'other', 'r1')
  const after = await stand.service('web')
  assert.notEqual(after.pid, pid, 'what it ran was not this target’s r1')
  assert.equal(after.generation, 'r1')
  await stand.verified()
})

test('settings of switches changed: the next switch goes by them', async t => {
  const { stand, config } = await makeSite(t, { r1: 'well', r2: 'well' })
  stand.configure(config)
  await stand.up()
  await known(stand)
  stand.configure({ ...config, switch: { probation: '700ms', passes: 1, deadMan: '400s' } })
  await stand.must('reload')
  await stand.must('deploy', 'app', 'r2')
  assert.equal(stand.of('switch.probation').at(-1)?.data.deadlineMs, 700)
  assert.equal(stand.of('deadman.armed').at(-1)?.data.afterMs, 400_000)
  await stand.verified()
})
