import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { nixIsMissing, nixStand, refused } from './nix-stand.ts'

const DEADLINE_MS = 20_000

test('a profile is read, and moved to what was asked for by number or by path', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const before = await target.look()
  assert.deepEqual(
    before.generations.map(({ generation, path }) => [generation, path]),
    [3, 2, 1].map(n => [String(n), stand.path(`good-${n}`)]),
  )
  assert.deepEqual([before.running, before.boot], [before.generations[0], before.generations[0]])
  assert.ok(Math.abs(Date.now() - (before.movedMs ?? 0)) < 60_000)

  const first = await target.resolve('1')
  assert.deepEqual(first, before.generations[2])
  assert.deepEqual(await target.activate(first, DEADLINE_MS), { verdict: 'done', exitCode: 0, why: '' })
  assert.deepEqual((await target.look()).running, first)
  assert.deepEqual(stand.links(), ['app', 'app-1-link', 'app-2-link', 'app-3-link'], 'no generation was made')

  // A path that is no generation yet becomes one; a second call makes no other.
  symlinkSync(stand.path('extra'), join(stand.root, 'result'))
  const extra = await target.resolve(join(stand.root, 'result'))
  for (const _ of [1, 2]) assert.equal((await target.activate(extra, DEADLINE_MS)).verdict, 'done')
  const after = await target.look()
  assert.deepEqual([after.running?.generation, after.running?.path], ['4', stand.path('extra')])
  assert.equal(after.generations.length, 4)
  assert.deepEqual(stand.activated(), ['good-1', 'extra', 'extra'])
  assert.deepEqual(await target.resolve(stand.path('extra')), after.running, 'known by its path from now on')
})

test('a profile that leads where it led before tells that it was put anew', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const seen = async () => (await target.look()).mark
  const first = await seen()
  assert.equal(await seen(), first)
  await sleep(20)
  for (const number of [2, 3]) stand.run('nix-env', '-p', stand.profile, '-G', String(number))
  const second = await seen()
  assert.notEqual(second, first)
  // The generation's own link, which may be given to another path.
  const link = `${stand.profile}-3-link`
  await sleep(20)
  rmSync(link)
  symlinkSync(stand.path('good-3'), link)
  assert.notEqual(await seen(), second)
})

test('what is not whole, or not of this profile, is refused with a reason', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  await refused(target.resolve('9'), 'target.unknown', /no generation 9/)
  await refused(target.resolve('latest'), 'target.unknown', /neither a generation's number/)
  await refused(target.resolve('/nowhere/at/all'), 'target.gone')
  await refused(target.resolve(stand.root), 'target.not-whole', /no path of the store/)
  await refused(target.resolve(stand.path('no-activate')), 'target.no-activation', /bin\/activate/)
  assert.ok((await stand.target({ activate: [] }).resolve(stand.path('no-activate'))).path)

  // A folder in the store that Nix never made.
  const foreign = join(stand.root, 'store', `${'0'.repeat(32)}-foreign`)
  mkdirSync(join(foreign, 'bin'), { recursive: true })
  writeFileSync(join(foreign, 'bin/activate'), '#!/bin/sh\n', { mode: 0o755 })
  await refused(target.resolve(foreign), 'target.not-whole', /Nix does not know it/)

  // As a power cut leaves them: valid for Nix, but empty; or with content that was never written.
  empty(stand.path('good-2'))
  await refused(target.resolve('2'), 'target.not-whole', /empty/)
  const view = await target.look()
  const second = view.generations.find(({ generation }) => generation === '2') ?? assert.fail()
  await refused(target.activate(second, DEADLINE_MS), 'target.not-whole')
  chmodSync(join(stand.path('good-1'), 'bin/activate'), 0o755)
  writeFileSync(join(stand.path('good-1'), 'bin/activate'), '')
  await refused(target.resolve('1'), 'target.not-whole', /content/)
  const needed = readdirSync(join(stand.root, 'store')).find(name => name.endsWith('needed-by-good-3'))
  empty(join(stand.root, 'store', needed ?? assert.fail()))
  await refused(target.resolve('3'), 'target.not-whole')
  assert.equal(stand.current(), 'good-3', 'nothing moved')
})

function empty(path: string): void {
  chmodSync(path, 0o755)
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true })
}

test('a collected generation is refused, and a pointer that leads nowhere is news', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  const target = stand.target()
  const third = await target.resolve('3')
  const second = await target.resolve('2')
  // What `nix-env -G` to a collected generation leaves, with exit code 0.
  stand.run('rm', '-rf', third.path)
  const view = await target.look()
  assert.deepEqual([view.running, view.boot], [null, null])
  assert.deepEqual(
    view.generations.map(({ generation }) => generation),
    ['2', '1'],
  )
  await refused(target.resolve('3'), 'target.gone', /collected/)
  await refused(target.activate(third, DEADLINE_MS), 'target.gone')
  await refused(target.settle(third, [third.path]), 'target.moved', /nowhere/)
  assert.equal((await target.activate(second, DEADLINE_MS)).verdict, 'done')
  assert.equal(stand.current(), 'good-2')
})

test('a folder that is missing and a file that is no profile are told apart', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t)
  await refused(stand.target({ profile: '/nowhere/app' }).look(), 'target.missing', /no folder/)
  const file = join(stand.folder, 'file')
  writeFileSync(file, '')
  await refused(stand.target({ profile: file }).look(), 'target.not-a-profile')
  symlinkSync(stand.profile, join(stand.root, 'alias'))
  await refused(stand.target({ profile: join(stand.root, 'alias') }).look(), 'target.not-a-profile', /is a link to/)
  // No profile yet: the first deployment makes it.
  const fresh = stand.target({ profile: join(stand.folder, 'fresh') })
  assert.deepEqual(await fresh.look(), { generations: [], running: null, boot: null, movedMs: null, mark: null })
  assert.equal((await fresh.activate(await fresh.resolve(stand.path('good-1')), DEADLINE_MS)).verdict, 'done')
  assert.equal((await fresh.look()).running?.generation, '1')
  // Somebody pointed straight into the store.
  rmSync(join(stand.folder, 'fresh'))
  symlinkSync(stand.path('extra'), join(stand.folder, 'fresh'))
  const { running } = await fresh.look()
  assert.equal(running?.path, stand.path('extra'))
})

test('what is kept survives a collection, and what is not kept any more goes', async t => {
  const missing = nixIsMissing()
  if (missing !== null) return t.skip(missing)
  const stand = nixStand(t, { good: 4 })
  const target = stand.target()
  const [fourth, third, , first] = (await target.look()).generations
  assert.ok(fourth && third && first)
  for (const _ of [1, 2]) await target.settle(fourth, [fourth.path, third.path, first.path])
  stand.run('nix-collect-garbage', '-d')
  assert.deepEqual(
    ['good-1', 'good-2', 'good-3', 'good-4', 'extra'].map(name => existsSync(stand.path(name))),
    [true, false, true, true, false],
  )
  // The generation is gone, its path is not: rolling back to it makes a new one.
  assert.deepEqual(stand.links(), ['app', 'app-4-link'])
  assert.equal((await target.activate(first, DEADLINE_MS)).verdict, 'done')
  const now = (await target.look()).running ?? assert.fail()
  assert.deepEqual([now.generation, now.path], ['5', first.path])

  await target.settle(now, [now.path])
  assert.deepEqual(readdirSync(join(stand.root, 'heald/roots')).length, 1)
  stand.run('nix-collect-garbage', '-d')
  assert.deepEqual(
    ['good-1', 'good-3', 'good-4'].map(name => existsSync(stand.path(name))),
    [true, false, false],
  )
  await refused(target.settle(fourth, [fourth.path]), 'target.moved')
})
