import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { deadManStand, end, until, withWord } from './dead-man-stand.ts'
import { type NixStand, nixIsMissing, nixStand } from './nix-stand.ts'

function profileStand(t: TestContext, nix: NixStand, activate: readonly string[] = ['bin/activate']) {
  const target = {
    name: 'app',
    kind: 'nix-profile',
    path: nix.profile,
    running: '',
    activate,
    activationDeadlineMs: 5000,
  } as const
  return deadManStand(t, { target, account: null, env: nix.env }, join(nix.root, 'dead man'))
}

function systemStand(t: TestContext, nix: NixStand, env: Readonly<Record<string, string>> = {}) {
  const running = join(nix.root, 'run/current-system')
  const target = {
    name: 'system',
    kind: 'nixos',
    path: nix.profile,
    running,
    activate: [],
    activationDeadlineMs: 5000,
  } as const
  const stand = deadManStand(t, { target, account: null, env: { ...nix.env, ...env } }, join(nix.root, 'dead man'))
  const led = () => [running, nix.profile, join(nix.root, 'boot-default')].map(nameAt)
  const switches = () => readFileSync(join(nix.root, 'switches'), 'utf8').split('\n').filter(Boolean)
  return { ...stand, running, led, switches }
}

const nameAt = (path: string): string => realpathSync(path).replace(/.*\/[a-z0-9]{32}-/, '')

test('a profile is led back to the generation that was meant, by a link of it', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t)
  const { armApart, fired, deadMan } = profileStand(t, nix)
  // One that leads to the same path as another.
  symlinkSync(nix.path('good-2'), join(nix.folder, 'app-7-link'))
  symlinkSync('app-7-link.tmp', join(nix.folder, '.heald_app'))
  const { id, child } = await armApart({ generation: '2', path: nix.path('good-2') }, 1500, 'lock')
  assert.equal(nix.current(), 'good-3')
  await end(child)
  const { result, why } = await fired()
  assert.deepEqual([result, why], ['done', 'nobody disarmed it in time'])
  assert.equal(readlinkSync(nix.profile), 'app-2-link')
  assert.deepEqual(nix.activated(), ['good-2'])
  await deadMan.imported(id)
  rmSync(join(nix.folder, 'app-2-link'))
  await deadMan.arm({ generation: '1', path: nix.path('good-1') }, 100)
  await fired().then(({ id }) => deadMan.imported(id))
  await deadMan.arm({ generation: '2', path: nix.path('good-2') }, 100)
  assert.equal((await fired()).result, 'done')
  assert.equal(readlinkSync(nix.profile), 'app-7-link')
  assert.deepEqual(nix.links(), ['app', 'app-1-link', 'app-3-link', 'app-7-link'])
})

test('a path that no generation leads to becomes one, with Nix and without', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t)
  const first = profileStand(t, nix)
  await first.deadMan.arm({ generation: 'extra', path: nix.path('extra') }, 100)
  assert.equal((await first.fired()).result, 'done')
  assert.equal(readlinkSync(nix.profile), 'app-4-link')
  assert.equal(nix.current(), 'extra')
  await first.deadMan.imported((await first.fired()).id)
  rmSync(join(nix.root, 'var/nix/db'), { recursive: true })
  mkdirSync(join(nix.root, 'var/nix/db/db.sqlite'), { recursive: true })
  await first.deadMan.arm({ generation: 'no-activate', path: nix.path('no-activate') }, 100)
  const { result, why } = await first.fired()
  assert.deepEqual([result, why], ['failed', 'its activation ended with exit code 127'])
  assert.equal(readlinkSync(nix.profile), 'app-5-link')
  assert.equal(nix.current(), 'no-activate')
})

test('while another Nix command holds the profile it waits, and then goes on without', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t)
  const { deadMan, fired } = profileStand(t, nix, [])
  const holder = spawn('flock', [`${nix.profile}.lock`, 'sh', '-c', 'echo held; exec cat > /dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => end(holder))
  await once(holder.stdout, 'data')
  const from = performance.now()
  await deadMan.arm({ generation: '1', path: nix.path('good-1') }, 100)
  assert.equal((await fired()).result, 'done')
  assert.ok(performance.now() - from > 9000)
  assert.equal(readlinkSync(nix.profile), 'app-1-link')
})

test('a generation that was collected is not led to', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t)
  const { deadMan, fired, dir } = profileStand(t, nix)
  await deadMan.arm({ generation: '1', path: nix.path('good-1') }, 2000)
  rmSync(nix.path('good-1'), { recursive: true })
  const { result, why } = await fired()
  assert.deepEqual([result, why], ['failed', 'the generation is not there any more'])
  assert.equal(nix.current(), 'good-3')
  assert.deepEqual(nix.activated(), [])
  await until('its end', () => withWord(dir).length === 0)
})

test('a system on trial is led back; what a reboot leads to was never moved', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t, { systems: true })
  const { armApart, fired, led, switches } = systemStand(t, nix)
  nix.run(join(nix.path('extra'), 'bin/switch-to-configuration'), 'test')
  const { child } = await armApart({ generation: '3', path: nix.path('good-3') }, 1500, 'lock')
  assert.deepEqual(led(), ['extra', 'good-3', 'good-3'])
  await end(child)
  const { result, why } = await fired()
  assert.deepEqual([result, why], ['done', 'nobody disarmed it in time'])
  assert.deepEqual(led(), ['good-3', 'good-3', 'good-3'])
  assert.deepEqual(switches().slice(1), ['good-3 test 0'])
})

test('a system that somebody else made the one to boot is led back with both pointers', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t, { systems: true })
  const { armApart, fired, led, switches, deadMan } = systemStand(t, nix)
  const program = join(nix.path('extra'), 'bin/switch-to-configuration')
  const switchTo = () => {
    nix.run('nix-env', '--profile', nix.profile, '--set', nix.path('extra'))
    for (const action of ['boot', 'test']) nix.run(program, action)
  }
  switchTo()
  const { child } = await armApart({ generation: '3', path: nix.path('good-3') }, 1500, 'lock')
  assert.deepEqual(led(), ['extra', 'extra', 'extra'])
  await end(child)
  const { result, why, id } = await fired()
  assert.deepEqual([result, why], ['done', 'nobody disarmed it in time'])
  assert.deepEqual(led(), ['good-3', 'good-3', 'good-3'])
  assert.equal(readlinkSync(nix.profile), 'system-3-link')
  assert.deepEqual(switches().slice(2), ['good-3 test 0', 'good-3 boot 0'])
  await deadMan.imported(id)
  // A rollback that was killed between the profile and the boot loader.
  switchTo()
  await deadMan.arm({ generation: '3', path: nix.path('good-3') }, 1000)
  rmSync(nix.profile)
  symlinkSync('system-3-link', nix.profile)
  assert.equal((await fired()).result, 'done')
  assert.deepEqual(led(), ['good-3', 'good-3', 'good-3'])
})

test('another switch is waited for, and what an exit code hides is seen', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const nix = nixStand(t, { systems: true })
  const { deadMan, fired, led, dir } = systemStand(t, nix)
  const leadTo = async (name: string, setUp = () => {}) => {
    const id = await deadMan.arm({ generation: name, path: nix.path(name) }, 100)
    setUp()
    const { result, why } = await fired()
    await deadMan.imported(id)
    return [result, why]
  }
  const lock = join(nix.root, 'run/nixos/switch-to-configuration.lock')
  const holder = spawn('flock', [lock, 'sleep', '2'], { stdio: 'ignore' })
  t.after(() => end(holder))
  while (!existsSync(lock)) await new Promise(resolve => setTimeout(resolve, 10))
  assert.deepEqual(await leadTo('good-2'), ['done', 'nobody disarmed it in time'])
  assert.deepEqual(led(), ['good-2', 'good-2', 'good-2'])
  assert.deepEqual(await leadTo('units'), ['done', 'nobody disarmed it in time; exit code 4 of its activation'])
  assert.deepEqual(await leadTo('lies'), ['failed', 'it was activated, but something else runs'])
  assert.deepEqual(await leadTo('init'), ['failed', 'switch-to-configuration test ended with exit code 100'])
  assert.deepEqual(await leadTo('no-boot'), ['failed', 'switch-to-configuration boot ended with exit code 1'])
  assert.deepEqual(readdirSync(dir), ['lock'])
})
