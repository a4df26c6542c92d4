import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makePointerLock } from '../../../adapters/host/dead-man-lock.ts'
import { areThere, NEEDED, pinTools } from '../../../adapters/host/dead-man-tools.ts'
import { end, releasesStand, until } from './dead-man-stand.ts'
import { folder } from './releases-stand.ts'

const HOLDER = { pid: process.pid, startTime: 12, boot: 'b' }
const flock = async () => execFileSync('sh', ['-c', 'command -v flock'], { encoding: 'utf8' }).trim()
const isFree = (file: string) => spawnSync('flock', ['-n', file, 'true']).status === 0

test('the lock is one holder’s, who is named in it, and is free the moment it is freed', async t => {
  const file = join(folder(t), 'lock')
  writeFileSync(file, 'somebody with a longer line than ours, who held it before\n')
  const [one, other] = [
    makePointerLock({ file, flock, holder: HOLDER }),
    makePointerLock({ file, flock, holder: HOLDER }),
  ]
  assert.equal(await one.take(1000), true)
  assert.equal(await one.take(1000), true)
  assert.deepEqual([one.isHeld(), isFree(file)], [true, false])
  assert.equal(readFileSync(file, 'utf8'), `${process.pid} 12 b\n`)
  assert.equal(await other.take(50), false)
  assert.equal(other.isHeld(), false)
  // No child of ours has it: it would keep it from others after our death.
  const child = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' })
  assert.doesNotMatch(child.stdout, /lock/)
  await one.free()
  await one.free()
  assert.deepEqual([one.isHeld(), isFree(file)], [false, true])
  assert.equal(await other.take(5000), true)
  await other.free()
  const open = readdirSync('/proc/self/fd').map(fd => linkOf(`/proc/self/fd/${fd}`))
  assert.ok(!open.includes(file), 'nothing of it stays open')
})

test('a lock that can not be had says so', async t => {
  const dir = folder(t)
  const lock = makePointerLock({ file: join(dir, 'none/lock'), flock, holder: HOLDER })
  await assert.rejects(lock.take(100), { code: 'deadman.lock', message: /ENOENT/ })
  const lacking = makePointerLock({ file: join(dir, 'lock'), flock: async () => '/none/flock', holder: HOLDER })
  await assert.rejects(lacking.take(100), { code: 'deadman.lock', message: /ENOENT/ })
  const failing = makePointerLock({ file: join(dir, 'lock'), flock: async () => '/bin/false', holder: HOLDER })
  assert.equal(await failing.take(100), false)
  symlinkSync(join(dir, 'lock'), join(dir, 'link'))
  await assert.rejects(makePointerLock({ file: join(dir, 'link'), flock, holder: HOLDER }).take(100), {
    code: 'deadman.lock',
  })
})

test('a kill of heald frees it at once', async t => {
  const { armApart, deadMan, one, dir } = releasesStand(t)
  const { child } = await armApart(one, null, 'lock')
  assert.equal(await deadMan.lock(50), false)
  assert.match(readFileSync(join(dir, 'lock'), 'utf8'), new RegExp(`^${child.pid} \\d+ [0-9a-f-]{36}\n$`))
  await end(child)
  assert.equal(await deadMan.lock(50), true)
})

test('one that stands holds nothing of heald: no pipe, no lock', async t => {
  const { deadMan, pid, one } = releasesStand(t)
  await deadMan.lock(1000)
  await deadMan.arm(one, 60_000)
  const itself = await pid()
  // What whoever runs the tests left open for all to come is not heald's.
  const inherited = spawnSync('sh', ['-c', 'for fd in /proc/$$/fd/*; do readlink "$fd"; done'], { encoding: 'utf8' })
  const own = () =>
    readdirSync(`/proc/${itself}/fd`)
      .map(fd => linkOf(`/proc/${itself}/fd/${fd}`))
      .filter(link => !inherited.stdout.split('\n').includes(link))
  await until('nothing of ours', () => own().every(link => link === '/dev/null'))
  await deadMan.disarm()
})

test('programs that were pinned and are gone are looked for anew', async t => {
  const base = folder(t)
  const [first, second] = ['first', 'second'].map(name => join(base, name))
  assert.ok(first && second)
  mkdirSync(first)
  for (const tool of NEEDED) writeFileSync(join(first, tool), `#!/bin/sh\nexec /bin/${tool} "$@"\n`, { mode: 0o755 })
  const search = `${first}:${second}`
  const tools = await pinTools(search)
  assert.deepEqual([tools.sh, tools.flock, tools.path], [join(first, 'sh'), join(first, 'flock'), first])
  assert.equal(await areThere(tools), true)
  const stand = releasesStand(t, { env: { PATH: `${search}` } })
  await stand.deadMan.arm(stand.one, 60_000)
  await stand.deadMan.disarm()
  renameSync(first, second)
  assert.equal(await areThere(tools), false)
  await stand.deadMan.arm(stand.one, 60_000)
  const words = readFileSync(`/proc/${await stand.pid()}/environ`, 'utf8').split('\0')
  assert.ok(
    words.some(word => word.startsWith(`PATH=${second}`)),
    'what stands has the new ones',
  )
  await stand.deadMan.disarm()
})

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
