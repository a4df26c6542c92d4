import assert from 'node:assert/strict'
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { folder, makeReleases } from './releases-stand.ts'

function switchByHand(path: string, release: string): void {
  symlinkSync(`releases/${release}`, join(path, 'fresh'))
  renameSync(join(path, 'fresh'), join(path, 'current'))
}

test('a pointer that leads where it led before tells that it was put anew', async t => {
  const path = makeReleases(join(folder(t), 'app'), 2)
  const target = releasesTarget({ name: 'app', path })
  const at = join(path, 'current')
  const seen = async () => (await target.look()).mark
  const first = await seen()
  assert.equal(await seen(), first)
  await sleep(20)
  for (const release of ['2', '1']) switchByHand(path, release)
  const second = await seen()
  assert.notEqual(second, first)
  // Aside and back: the very same link.
  await sleep(20)
  renameSync(at, `${at}.aside`)
  renameSync(`${at}.aside`, at)
  assert.notEqual(await seen(), second)
  rmSync(at)
  assert.equal(await seen(), null)
  // By way of another link.
  const way = join(path, 'releases/latest')
  symlinkSync('releases/latest', at)
  symlinkSync('1', way)
  const third = await seen()
  await sleep(20)
  rmSync(way)
  symlinkSync('1', way)
  assert.notEqual(await seen(), third)
})
