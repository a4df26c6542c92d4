import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readStanding } from '../../../adapters/host/dead-man-state.ts'
import { releasesTarget } from '../../../adapters/host/releases.ts'
import { isAlive, releasesStand, until, withWord } from './dead-man-stand.ts'
import { strace } from './nix-kill-stand.ts'
import { has } from './nix-stand.ts'
import { currentOf, ROOT } from './releases-stand.ts'

test('killed while it arms anew: at each instant exactly one stands', async t => {
  if (!has('strace')) return t.skip('needs strace')
  const stands = new Set<string>()
  const places = [
    ['openat', 'deadman.new'],
    ['fsync', 'deadman.new'],
    ['rename', 'deadman.new'],
    ['fsync', ''],
  ] as const
  for (const [call, about] of places) {
    const stand = releasesStand(t)
    const { deadMan, options, dir, base, one, two } = stand
    const id = await deadMan.arm(one, 60_000)
    const earlier = await stand.pid()
    // So that it has seen that it is the one.
    await sleep(1300)
    const trace = join(base, 'trace')
    const inject = ['-P', join(dir, about), '-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=1`]
    const arms = [join(ROOT, 'test/fixtures/arms-dead-man.ts'), JSON.stringify(options), JSON.stringify(two), '60000']
    t.after(() => {
      for (const pid of withWord(dir)) process.kill(pid, 'SIGKILL')
    })
    // It goes on following what was started, for which nobody is to wait here.
    const followed = strace(trace, ...inject, process.execPath, ...arms)
    spawnSync(
      'sh',
      [
        '-c',
        '"$@" & wait_for=$!; while kill -0 $wait_for && ! grep -q "killed by SIGKILL" "$0"; do sleep 0.1; done',
        trace,
        ...followed,
      ],
      { stdio: 'ignore', timeout: 30_000 },
    )
    assert.match(readFileSync(trace, 'utf8'), /killed by SIGKILL/, `${call} ${about}`)
    const { standing, fired } = await deadMan.look()
    assert.ok(standing !== null && fired === null, `${call} ${about}`)
    stands.add(standing.path === one.path ? 'earlier' : 'later')
    assert.equal(standing.path, standing.id === id ? one.path : two.path)
    if (standing.id !== id) await until('the end of the earlier', () => !isAlive(earlier))
    // Whoever comes back goes on from there.
    assert.equal((await deadMan.look()).standing?.id, standing.id)
    const next = await deadMan.arm(one, 60_000)
    assert.equal((await deadMan.look()).standing?.id, next)
    await deadMan.disarm()
    assert.equal((await deadMan.look()).standing, null)
  }
  assert.deepEqual([...stands], ['earlier', 'later'])
})

test('one that is killed at its work leaves nothing that keeps a heald from its own', async t => {
  const { deadMan, path, one, two, base, dir, pid } = releasesStand(t, {}, ['./go'])
  const go = `#!/bin/sh\n[ $HEALD_GENERATION = 1 ] || exit 0\necho $$ > ${base}/began\nexec sleep 34567\n`
  for (const name of ['1', '2']) writeFileSync(join(path, 'releases', name, 'go'), go, { mode: 0o755 })
  t.after(() => {
    for (const left of withWord('34567')) process.kill(left, 'SIGKILL')
  })
  await deadMan.arm(one, 100)
  const began = join(base, 'began')
  await until('its activation', () => existsSync(began) && readFileSync(began, 'utf8') !== '')
  const itself = await pid()
  process.kill(-itself, 'SIGKILL')
  await until('its end', () => !isAlive(itself))
  assert.deepEqual(await deadMan.look(), { standing: null, fired: null })
  assert.notEqual(await readStanding(dir), null)
  assert.equal(await deadMan.lock(5000), true)
  const activation = Number(readFileSync(began, 'utf8'))
  assert.ok(isAlive(activation))
  const target = releasesTarget({ name: 'app', path, activate: ['./go'] })
  assert.equal((await target.activate({ ...two, createdMs: 0 }, 5000)).verdict, 'done')
  assert.ok(!isAlive(activation), 'what it began is known for what it is')
  assert.equal(currentOf(path), 'releases/2')
  await deadMan.disarm()
  assert.equal(await readStanding(dir), null)
})
