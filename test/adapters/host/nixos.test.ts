import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { nixos } from '../../../adapters/host/nixos.ts'
import { nixIsMissing, nixStand, refused } from './nix-stand.ts'

const DEADLINE_MS = 20_000

function systemStand(t: TestContext) {
  const stand = nixStand(t, { systems: true })
  const { profile, root, env } = stand
  const running = join(root, 'run/current-system')
  const target = nixos({ name: 'system', profile, running, stateDir: join(root, 'heald'), env })
  const nameOf = (path: string): string => realpathSync(path).replace(/.*\/[a-z0-9]{32}-/, '')
  return {
    ...stand,
    target,
    /** What runs, what the profile leads to, what the boot loader starts. */
    state: () => [running, profile, join(root, 'boot-default')].map(nameOf),
    switches: () => {
      const file = join(root, 'switches')
      return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []
    },
  }
}

test('a switch moves what runs, and only settling it moves what a reboot leads to', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = systemStand(t)
  const { target } = stand
  const before = await target.look()
  assert.deepEqual([before.running, before.boot], [before.generations[0], before.generations[0]])

  const extra = await target.resolve(stand.path('extra'))
  assert.deepEqual(await target.activate(extra, DEADLINE_MS), { verdict: 'done', exitCode: 0, why: '' })
  assert.deepEqual(stand.state(), ['extra', 'good-3', 'good-3'])
  stand.run('nix-store', '--gc')
  const during = await target.look()
  assert.notEqual(during.mark, before.mark)
  assert.deepEqual([during.running?.path, during.boot?.generation], [extra.path, '3'])

  const third = before.generations[0] ?? assert.fail()
  for (const _ of [1, 2]) await target.settle(extra, [extra.path, third.path])
  assert.deepEqual(stand.state(), ['extra', 'extra', 'extra'])
  stand.run('nix-collect-garbage', '-d')
  assert.ok(existsSync(third.path), 'the one before is kept')
  assert.equal((await target.look()).mark, during.mark, 'what runs was not touched')

  // Back, by its path alone: its generation was removed.
  assert.equal((await target.activate(third, DEADLINE_MS)).verdict, 'done')
  assert.deepEqual(stand.state(), ['good-3', 'extra', 'extra'])
  await target.settle(third, [third.path])
  assert.deepEqual(stand.state(), ['good-3', 'good-3', 'good-3'])
  assert.deepEqual(stand.switches(), ['extra test 0', 'extra boot 0', 'extra boot 0', 'good-3 test 0', 'good-3 boot 0'])
})

for (const [name, verdict, exitCode, why] of [
  ['check', 'failed', 1, /exit code 1: a check before the switch failed/],
  ['activation', 'partly', 2, /a snippet failed/],
  ['units', 'partly', 4, /web\.service/],
  ['init', 'reboot', 100, /exit code 100/],
  ['lies', 'failed', 0, /ended well, but .*current-system leads to .*good-3/],
  ['hangs', 'failed', null, /did not end within 500 ms/],
] as const)
  test(`a switch that ends as "${name}" does is ${verdict}`, async t => {
    const missing = nixIsMissing()
    if (missing !== null) return t.skip(missing)
    const { root, target, path, state, run } = systemStand(t)
    const to = await target.resolve(path(name))
    const ended = await target.activate(to, name === 'hangs' ? 500 : DEADLINE_MS)
    assert.deepEqual([ended.verdict, ended.exitCode], [verdict, exitCode])
    assert.match(ended.why, why)
    assert.deepEqual(state().slice(1), ['good-3', 'good-3'], 'a reboot leads back')
    run('nix-store', '--gc')
    // Nothing follows on what only a reboot would bring; all else is led back from, or settled.
    assert.equal(
      lstatSync(join(root, 'heald/candidate'), { throwIfNoEntry: false }) === undefined,
      verdict === 'reboot',
    )
    assert.equal(existsSync(to.path), verdict !== 'reboot', 'it is kept, whether it runs or not')
    if (verdict !== 'partly') await refused(target.settle(to, []), 'target.moved')
  })

test('a switch that is called off is ended, and the one before can be switched to', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { target, path, state, switches } = systemStand(t)
  const to = await target.resolve(path('hangs'))
  const stop = new AbortController()
  const activation = target.activate(to, DEADLINE_MS, stop.signal)
  setTimeout(() => stop.abort(), 500)
  const ended = await activation
  assert.deepEqual([ended.verdict, ended.exitCode], ['failed', null])
  assert.match(ended.why, /was called off/)
  assert.equal((await target.activate(await target.resolve('3'), DEADLINE_MS)).verdict, 'done')
  assert.deepEqual(state(), ['good-3', 'good-3', 'good-3'])
  assert.equal(switches().at(-1), 'good-3 test 0')
})

test('while others switch nothing is done', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = systemStand(t)
  const lock = join(stand.root, 'run/nixos/switch-to-configuration.lock')
  const other = spawn('sh', ['-c', 'exec 9>>"$1"; flock 9; echo held; read -r x', 'sh', lock], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => other.kill('SIGKILL'))
  await once(other.stdout, 'data')
  const ended = await stand.target.activate(await stand.target.resolve('1'), DEADLINE_MS)
  assert.deepEqual([ended.verdict, ended.exitCode], ['retry', 11])
  const third = await stand.target.resolve('3')
  await refused(stand.target.settle(third, []), 'target.boot', /exit code 11/)
  assert.deepEqual([stand.state(), stand.switches()], [['good-3', 'good-3', 'good-3'], []])
})

test('a boot loader that can not be set is told, and the same again can succeed', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { target, path, state } = systemStand(t)
  const to = await target.resolve(path('no-boot'))
  assert.equal((await target.activate(to, DEADLINE_MS)).verdict, 'done')
  await refused(target.settle(to, [to.path]), 'target.boot', /the boot loader says no/)
  assert.deepEqual(state(), ['no-boot', 'no-boot', 'good-3'])
  const third = await target.resolve('3')
  assert.equal((await target.activate(third, DEADLINE_MS)).verdict, 'done')
  await target.settle(third, [third.path])
  assert.deepEqual(state(), ['good-3', 'good-3', 'good-3'])
})
