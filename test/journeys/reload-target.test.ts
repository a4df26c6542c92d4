import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Switched } from '../../core/api/switch-control.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { makeStand } from './stand.ts'

test('a target that a reload adds is known before its new service starts', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  folder.add('r1', 'well')
  folder.add('r2', 'crashes')
  folder.point('r1')
  stand.configure({ services: { other: { run: ['sleep', '1000'] } } })
  await stand.up()
  await stand.inState('other', 'ready')
  stand.configure(configOf(folder, await freePort()))
  await stand.must('reload')
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  assert.equal((await stand.service('web')).generation, 'r1')
  const bad = JSON.parse((await stand.cli('deploy', 'app', 'r2', '--json')).stdout) as Switched
  assert.deepEqual([bad.outcome, folder.current()], ['rolled back', 'r1'])
  await stand.verified()
})

test('a running service that a reload puts under a target is started anew by a deploy', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  folder.add('r1', 'well')
  folder.add('r2', 'crashes')
  folder.add('r3', 'well')
  folder.point('r1')
  const port = await freePort()
  const later = configOf(folder, port)
  const { target: _, ...web } = later.services.web ?? assert.fail()
  stand.configure({ services: { web: { ...web, run: web.run } } })
  await stand.up()
  await stand.inState('web', 'ready')
  const pid = await stand.onlyProcess('web')
  stand.configure(later)
  await stand.must('reload')
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  assert.equal((await stand.service('web')).pid, pid, 'proving what runs takes no restart')
  const bad = JSON.parse((await stand.cli('deploy', 'app', 'r2', '--json')).stdout) as Switched
  assert.deepEqual([bad.outcome, folder.current()], ['rolled back', 'r1'])
  await stand.must('deploy', 'app', 'r3')
  assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), 'r3\n')
  assert.equal(
    (await stand.run(['readlink', `/proc/${await stand.onlyProcess('web')}/cwd`])).stdout,
    `${join(folder.path, 'releases/r3')}\n`,
  )
  await stand.verified()
})

test('a reload in the middle of a switch, of what is switched, is refused and done once that is over', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  folder.add('r1', 'well')
  folder.add('r2', 'well')
  folder.point('r1')
  const port = await freePort()
  const config = configOf(folder, port, { switch: { probation: '3s', passes: 3 } })
  stand.configure(config)
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  const applied = () => stand.of('config.applied')
  const before = applied().length
  const deploy = stand.must('deploy', 'app', 'r2')
  await stand.wait('its probation', async () => (await stand.status()).targets[0]?.state === 'probation')
  stand.configure({ ...config, targets: { app: { kind: 'releases', path: folder.path, blameWindow: '1h' } } })
  const refused = await stand.cli('reload')
  assert.equal(refused.code, 3, refused.stdout + refused.stderr)
  assert.match(refused.stderr, /app is being switched.*\n.*applied once that has ended/)
  await deploy
  assert.equal(applied().length, before)
  await stand.wait('it to be applied', () => applied().length === before + 1)
  assert.match(await stand.must('reload', '--dry-run'), /would keep: web/)
  assert.equal(folder.current(), 'r2')
  await stand.verified()
})
