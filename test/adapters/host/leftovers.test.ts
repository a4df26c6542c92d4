import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { groupsOf } from '../../../adapters/host/activation-groups.ts'
import { removeGroup } from '../../../adapters/host/cgroup.ts'
import { openTarget } from '../../../adapters/host/targets.ts'
import type { TargetSpec } from '../../../core/config/spec.ts'
import { placeOf } from '../../../core/safeswitch/memory.ts'
import { targetSpec } from '../../core/safeswitch/managed-spec.ts'
import { release } from './dead-man-stand.ts'
import { nixIsMissing, nixStand } from './nix-stand.ts'
import { folder, makeReleases } from './releases-stand.ts'

/** A target that was opened once, with heald's own folder for it. */
async function openedOnce(t: TestContext, state: string, spec: TargetSpec, env: Record<string, string> = {}) {
  const open = () => openTarget(state, spec, placeOf(spec), env)
  const first = await open()
  assert.equal(await first.deadMan.lock(1000), true)
  await first.deadMan.unlock()
  const [own = ''] = readdirSync(join(state, 'switch'))
  t.after(() => first.deadMan.disarm())
  return { open, first, dir: join(state, 'switch', own) }
}

function releasesOf(t: TestContext) {
  const base = folder(t)
  const path = makeReleases(join(base, 'app'), 2)
  return { path, state: join(base, 'state'), spec: targetSpec({ path }) }
}

const spoil = (dir: string) => {
  for (const name of ['deadman.new', 'deadman.ready.aaaa', 'deadman.ready.bbbb'])
    writeFileSync(join(dir, name), '1 1\n')
}

test('what kills left of dead-men is swept when a target is opened; one that stands goes on standing', async t => {
  const { path, state, spec } = releasesOf(t)
  const { open, first, dir } = await openedOnce(t, state, spec)
  const id = await first.deadMan.arm(release(path, '1'), 60_000)
  spoil(dir)
  const second = await open()
  assert.deepEqual(readdirSync(dir).sort(), ['deadman', 'lock'])
  assert.equal((await second.deadMan.look()).standing?.id, id)
})

test('while somebody else has the lock, nothing of theirs is swept', async t => {
  const { state, spec } = releasesOf(t)
  const { open, first, dir } = await openedOnce(t, state, spec)
  assert.equal(await first.deadMan.lock(1000), true)
  spoil(dir)
  await open()
  assert.equal(readdirSync(dir).length, 4)
  await first.deadMan.unlock()
})

test('a state folder that can not be swept is no reason not to open a target', async t => {
  const { state, spec } = releasesOf(t)
  const { open, dir } = await openedOnce(t, state, spec)
  mkdirSync(join(dir, 'deadman.new', 'deeper'), { recursive: true })
  writeFileSync(join(dir, 'deadman.ready.aaaa'), '')
  const { target } = await open()
  assert.equal((await target.look()).generations.length, 2)
  assert.ok(existsSync(join(dir, 'deadman.new')))
})

/** A group of a run of the target; with `child`, one that still has a process in it. */
function makeGroup(groups: string, name: string, child?: ChildProcess): string {
  const group = join(groups, name)
  mkdirSync(group, { recursive: true })
  if (child !== undefined) writeFileSync(join(group, 'cgroup.procs'), String(child.pid))
  return group
}

test('empty control groups of activations are removed when their target is opened or dropped, and no others', async t => {
  const { path, state, spec } = releasesOf(t)
  const groups = groupsOf(path)
  if (groups === null) return t.skip('no control groups can be made here')
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
  const gone = once(child, 'exit')
  t.after(() => child.kill('SIGKILL'))
  const empty = makeGroup(groups, '1-1')
  const busy = makeGroup(groups, '1-2', child)
  const other = makeGroup(groupsOf(`${path}-other`) ?? assert.fail(), '1-1')
  t.after(() => {
    for (const each of [empty, busy, groups, other, join(other, '..')]) removeGroup(each)
  })
  const { open } = await openedOnce(t, state, spec)
  assert.deepEqual([existsSync(empty), existsSync(busy), existsSync(other)], [false, true, true])
  const { forget } = await open()
  await forget?.()
  assert.ok(existsSync(busy))
  child.kill('SIGKILL')
  await gone
  await forget?.()
  assert.deepEqual([existsSync(groups), existsSync(other)], [false, true])
})

test('a profile that is dropped keeps nothing from being collected any more; taken up again, it does', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const { root, profile, env, path } = nixStand(t)
  const spec = targetSpec({ kind: 'nix-profile', path: profile, activate: ['bin/activate'] })
  const { first, open, dir } = await openedOnce(t, join(root, 'state'), spec, env)
  const to = await first.target.resolve('3')
  const good = [path('good-3'), path('good-2')]
  await first.target.settle(to, good)
  const roots = join(dir, 'roots')
  assert.equal(readdirSync(roots).length, 2)
  writeFileSync(join(roots, 'by-hand'), '')
  await first.forget?.()
  assert.deepEqual(readdirSync(roots), ['by-hand'], 'what is no link of ours stays')
  rmSync(roots, { recursive: true })
  await first.forget?.()
  const again = await open()
  await again.prepare?.(good)
  assert.equal(readdirSync(roots).length, 2)
  await again.prepare?.([path('good-2')])
  assert.equal(readdirSync(roots).length, 2, 'only a settled switch lets go of one')
  await again.forget?.()
  assert.ok(!existsSync(roots))
})
