import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { endActivation, markOf } from '../../../adapters/host/activation-end.ts'
import { unitRunsOf } from '../../../adapters/host/activation-unit.ts'
import { deadManStand, isAlive, release, until } from './dead-man-stand.ts'
import { folder, makeReleases } from './releases-stand.ts'

// An activation begins as a shell, perhaps becomes setpriv, and only then the `timeout` that it is known by. A heald that
// was killed meanwhile has left it all the same.

/** A process that leads a session and waits, with these arguments after its script. */
function waits(t: TestContext, argv0: string, ...args: string[]): number {
  const child = spawn('/bin/sh', args, { argv0, detached: true, stdio: 'ignore' })
  const { pid = 0 } = child
  t.after(() => {
    if (isAlive(pid)) process.kill(-pid, 'SIGKILL')
  })
  return pid
}

/** Of the target at `path`: before it goes into the release, and before it becomes the release's owner. */
function earlyRuns(t: TestContext, path: string): number[] {
  const last = ['heald', path, 'timeout', '-s', 'KILL', '60', 'env', markOf(path), './go']
  return [
    waits(t, '/bin/sh', '-c', 'sleep 100; :', ...last),
    waits(t, 'setpriv', '-c', 'sleep 100; :', '--reuid=1', '--', '/bin/sh', '-c', 'exec "$@"', ...last),
  ]
}

function twoTargets(t: TestContext) {
  const base = folder(t)
  const path = makeReleases(join(base, 'app\nx'), 2)
  const other = makeReleases(join(base, 'app\nx2'), 2)
  const target = { name: 'app', kind: 'releases', path, running: '', activate: [], activationDeadlineMs: 5000 } as const
  return { path, other, stand: deadManStand(t, { target, account: null }, join(base, 'state')) }
}

test('an activation that has only begun is ended by the next heald, and nobody else’s', async t => {
  const { path, other } = twoTargets(t)
  const [ours, theirs] = [earlyRuns(t, path), earlyRuns(t, other)]
  await endActivation(path, null)
  assert.deepEqual(ours.map(isAlive), [false, false])
  assert.deepEqual(theirs.map(isAlive), [true, true])
})

test('an activation that has only begun is ended by the dead-man, which ends neither itself nor anybody else’s', async t => {
  const { path, other, stand } = twoTargets(t)
  const [ours, theirs] = [earlyRuns(t, path), earlyRuns(t, other)]
  await stand.deadMan.arm(release(path, '1'), 100)
  assert.equal((await stand.fired()).result, 'done')
  assert.deepEqual(ours.map(isAlive), [false, false])
  assert.deepEqual(theirs.map(isAlive), [true, true])
})

test('a unit of an activation that has only begun is ended by the dead-man, and one that was ordered never begins', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root, as units do')
  const { path, other, stand } = twoTargets(t)
  const unit = (at: string, name: string) => {
    const made = unitRunsOf(at).replace('*', 'test').replace('*', name)
    mkdirSync(made, { mode: 0o700 })
    t.after(() => rmSync(made, { recursive: true, force: true }))
    writeFileSync(join(made, 'command'), 'sleep 100; :\n')
    return made
  }
  const begun = (at: string) => waits(t, '/bin/sh', join(unit(at, 'begun'), 'command'))
  const [ours, theirs, ordered] = [begun(path), begun(other), unit(path, 'ordered')]
  await until('both to have begun', () => [ours, theirs].every(isAlive))
  await stand.deadMan.arm(release(path, '1'), 100)
  assert.equal((await stand.fired()).result, 'done')
  assert.deepEqual([ours, theirs].map(isAlive), [false, true])
  assert.ok(!existsSync(ordered))
})
