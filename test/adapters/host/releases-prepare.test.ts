import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { folder, makeReleases, switchTo } from './releases-stand.ts'

/** Three releases, and a `sync` that notes its calls, and fails while a file says so. */
function make(t: TestContext) {
  const base = folder(t)
  const path = makeReleases(join(base, 'app'), 3)
  const bin = join(base, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'sync'), `#!/bin/sh\necho . >> ${base}/calls\n[ ! -e ${base}/fails ]\n`, { mode: 0o755 })
  const before = process.env.PATH
  process.env.PATH = `${bin}:${before}`
  t.after(() => {
    process.env.PATH = before
  })
  const calls = () => (existsSync(join(base, 'calls')) ? readFileSync(join(base, 'calls'), 'utf8').length / 2 : 0)
  return { base, path, calls, target: releasesTarget({ name: 'app', path }) }
}

test('what is brought to the disk ahead is not waited for by a rollback, unless it changes', async t => {
  const { path, calls, target } = make(t)
  await target.prepare([])
  assert.equal(calls(), 0)
  await target.prepare([`${path}/releases/1`, `${path}/releases/gone`, `${path}/releases/2`])
  assert.equal(calls(), 1)
  await switchTo(target, '2')
  await switchTo(target, '1')
  assert.equal(calls(), 1)
  await switchTo(target, '3')
  assert.equal(calls(), 2, 'of that one nobody said that it is whole')
  writeFileSync(join(path, 'releases/2/more'), '')
  await switchTo(target, '2')
  assert.equal(calls(), 3)
})

test('what could not be brought to the disk ahead is brought there by the rollback', async t => {
  const { base, path, calls, target } = make(t)
  writeFileSync(join(base, 'fails'), '')
  await assert.rejects(target.prepare([`${path}/releases/2`]), { code: 'target.flush' })
  await assert.rejects(switchTo(target, '2'), { code: 'target.flush' })
  assert.equal(calls(), 2)
})

test('a release that was never committed is brought to the disk each time: a file in it may have changed in place', async t => {
  const { path, calls, target } = make(t)
  writeFileSync(join(path, 'releases/3/program'), 'one')
  const to = await target.resolve('3')
  await target.activate(to, 5000)
  assert.equal(calls(), 1)
  writeFileSync(join(path, 'releases/3/program'), 'two')
  await target.activate(to, 5000)
  assert.equal(calls(), 2)
  await target.settle(to, [to.path])
  const settled = calls()
  await target.activate(to, 5000)
  assert.equal(calls(), settled, 'a committed one is whole')
})
