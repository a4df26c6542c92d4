import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeDeadMan } from '../../../adapters/host/dead-man.ts'
import { DEAD_MAN } from '../../../adapters/host/dead-man-script.ts'
import { pinTools } from '../../../adapters/host/dead-man-tools.ts'
import { deadManStand, end, isAlive, LIMITS, move, releasesStand, until, withWord } from './dead-man-stand.ts'
import { currentOf, folder, mount } from './releases-stand.ts'

const TOOLS = ['sh', 'sleep', 'env', 'flock', 'ln', 'mv', 'readlink', 'rm', 'setsid', 'sync', 'timeout', 'tr', 'cat']

test('it leads back when the heald that armed it was killed', async t => {
  const { deadMan, armApart, fired, pid, path, one, dir } = releasesStand(t)
  const { id, child } = await armApart(one, 2000, 'lock')
  assert.deepEqual(await deadMan.look(), { standing: { id, path: one.path }, fired: null })
  const itself = await pid()
  await end(child)
  assert.equal(currentOf(path), 'releases/2')
  const { atMs, ...what } = await fired()
  assert.deepEqual(what, { id, to: one, result: 'done', why: 'nobody disarmed it in time' })
  assert.ok(Math.abs(Date.now() - atMs) < 60_000)
  assert.equal(currentOf(path), 'releases/1')
  assert.equal((await deadMan.look()).standing, null)
  await until('its end', () => !isAlive(itself))
  assert.deepEqual(readdirSync(dir).toSorted(), ['deadman.result', 'lock'])
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  await deadMan.imported('another')
  assert.equal((await deadMan.look()).fired?.id, id)
  await deadMan.imported(id)
  await deadMan.imported(id)
  assert.deepEqual(await deadMan.look(), { standing: null, fired: null })
})

test('disarmed, it does nothing and is gone', async t => {
  const { deadMan, pid, path, one, dir } = releasesStand(t)
  await deadMan.disarm()
  await deadMan.arm(one, 2000)
  const itself = await pid()
  assert.ok(isAlive(itself))
  await deadMan.disarm()
  await until('its end', () => !isAlive(itself))
  assert.deepEqual(readdirSync(dir), ['lock'])
  await deadMan.disarm()
  await sleep(2500)
  assert.deepEqual(await deadMan.look(), { standing: null, fired: null })
  assert.equal(currentOf(path), 'releases/2')
  await until('the end of all of it', () => withWord(dir).length === 0)
})

test('one whose name was taken out of the state file ends by itself, under the lock as well', async t => {
  const { deadMan, pid, path, one, dir } = releasesStand(t)
  for (const afterMs of [3000, 300]) {
    await deadMan.lock(5000)
    await deadMan.arm(one, afterMs)
    const itself = await pid()
    await sleep(500)
    rmSync(join(dir, 'deadman'))
    await deadMan.unlock()
    await until('its end', () => !isAlive(itself))
  }
  assert.equal(currentOf(path), 'releases/2')
  assert.equal((await deadMan.look()).fired, null)
})

test('armed again it fires once, and to the new goal', async t => {
  const { deadMan, fired, pid, path, one, two, dir } = releasesStand(t)
  move(path, '1')
  const first = await deadMan.arm(one, 3000)
  const earlier = await pid()
  const second = await deadMan.arm(two, 3200)
  assert.notEqual(first, second)
  await until('the end of the first', () => !isAlive(earlier))
  assert.deepEqual((await deadMan.look()).standing, { id: second, path: two.path })
  assert.deepEqual((await fired()).to, two)
  assert.equal(currentOf(path), 'releases/2')
  await sleep(500)
  assert.equal((await deadMan.look()).fired?.id, second)
  await until('the end of all of it', () => withWord(dir).length === 0)
})

test('a machine that sleeps does not bring it nearer, and it asks no clock', async t => {
  assert.doesNotMatch(DEAD_MAN, /\bdate\b|uptime|SECONDS|printf '%\(/)
  const { deadMan, fired, pid, one, path } = releasesStand(t)
  await deadMan.arm(one, 3000)
  const itself = await pid()
  // What a suspended machine is to it: others' time goes on, and it does nothing.
  process.kill(-itself, 'SIGSTOP')
  await sleep(4000)
  const from = performance.now()
  process.kill(-itself, 'SIGCONT')
  await fired()
  assert.ok(performance.now() - from > 1900, `${performance.now() - from} ms`)
  assert.equal(currentOf(path), 'releases/1')
})

test('after another boot, or when its process was ended, none stands', async t => {
  const { deadMan, pid, one, dir } = releasesStand(t)
  const id = await deadMan.arm(one, 60_000)
  const file = join(dir, 'deadman')
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.replace(/"boot":"[^"]*"/, '"boot":"another"'))
  assert.equal((await deadMan.look()).standing, null)
  writeFileSync(file, text.slice(0, 40))
  assert.equal((await deadMan.look()).standing, null)
  writeFileSync(file, text)
  assert.equal((await deadMan.look()).standing?.id, id)
  const itself = await pid()
  process.kill(-itself, 'SIGKILL')
  await until('its end', () => !isAlive(itself))
  assert.equal((await deadMan.look()).standing, null)
  await deadMan.disarm()
  assert.ok(!existsSync(file))
})

test('one of an earlier boot is forgotten at the start: the next boot would lead back from what was switched to since', async t => {
  const { options, deadMan, one, dir } = releasesStand(t)
  await deadMan.arm(one, 60_000)
  const file = join(dir, 'deadman')
  const fresh = makeDeadMan(options)
  await fresh.sweep()
  assert.ok(existsSync(file), 'of this boot')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"boot":"[^"]*"/, '"boot":"another"'))
  writeFileSync(join(dir, 'deadman.boot.1'), '')
  await fresh.sweep()
  assert.deepEqual(readdirSync(dir), ['lock'])
})

test('a command that fails is run once more, and then it says so', async t => {
  const { deadMan, fired, path, one, base } = releasesStand(t, {}, ['./go', 'a b'])
  for (const name of ['1', '2'])
    writeFileSync(
      join(path, 'releases', name, 'go'),
      `#!/bin/sh\necho "$1 $HEALD_GENERATION $PWD" >> ${base}/ran; exit 3\n`,
      { mode: 0o755 },
    )
  const id = await deadMan.arm(one, 200)
  const { result, why } = await fired()
  assert.deepEqual([result, why], ['failed', 'its activation ended with exit code 3'])
  assert.equal(currentOf(path), 'releases/1')
  const line = `a b 1 ${one.path}\n`
  assert.equal(readFileSync(join(base, 'ran'), 'utf8'), line + line)
  assert.deepEqual(await deadMan.look(), { standing: null, fired: { ...(await fired()), id } })
})

test('a command that hangs is ended with all of its session', async t => {
  const { deadMan, fired, path, one, options, dir, base } = releasesStand(t, {}, ['./go'])
  t.after(() => {
    for (const pid of withWord('98765')) process.kill(pid, 'SIGKILL')
  })
  writeFileSync(
    join(path, 'releases/1/go'),
    `#!/bin/sh\necho . >> ${base}/ran; trap '' TERM; timeout 98766 sleep 98765 & sleep 98765; :\n`,
    { mode: 0o755 },
  )
  const target = { ...options.target, activationDeadlineMs: 1000 }
  await makeDeadMan({ ...options, target }).arm(one, 200)
  const { result, why } = await fired()
  assert.deepEqual([result, why], ['failed', 'its activation did not end in time, or was killed'])
  assert.equal(readFileSync(join(base, 'ran'), 'utf8'), '.\n.\n')
  await until('their end', () => withWord('98765').length === 0)
  assert.equal((await deadMan.look()).fired?.result, 'failed')
  await until('the end', () => withWord(dir).length === 0)
})

test('without its tools, its goal or room for its state it is not armed', async t => {
  const { deadMan, base, options, one, two, path } = releasesStand(t)
  const bin = join(base, 'bin')
  mkdirSync(bin)
  for (const tool of ['sh', 'sleep', 'env', 'ln', 'mv', 'readlink', 'rm', 'sync', 'timeout', 'tr', 'cat'])
    symlinkSync(`/bin/${tool}`, join(bin, tool))
  const lacking = makeDeadMan({ ...options, dir: join(base, 'lacking'), env: { PATH: bin } })
  await assert.rejects(lacking.arm(one, 60_000), { code: 'deadman.tools', name: 'Fault', message: /flock, setsid are/ })
  await assert.rejects(deadMan.arm({ generation: '9', path: `${path}/releases/9` }, 60_000), { code: 'deadman.goal' })
  await assert.rejects(deadMan.arm({ generation: 'x', path: base }, 60_000), { code: 'deadman.goal' })
  const small = join(base, 'small')
  if (!mount(small, '-t', 'tmpfs', '-o', 'size=16k', 'tmpfs')) return t.skip('needs to mount')
  const cramped = makeDeadMan({ ...options, dir: join(small, 'state') })
  await cramped.arm(two, 60_000)
  const fill = () => {
    try {
      writeFileSync(join(small, 'big'), 'x'.repeat(100_000))
    } catch {
      // As far as it goes.
    }
  }
  fill()
  await assert.rejects(cramped.arm(one, 60_000), { code: /^deadman\./ })
  assert.equal((await cramped.look()).standing?.path, two.path, 'the earlier one stands on')
  await cramped.disarm()
  fill()
  await assert.rejects(cramped.arm(one, 60_000), { code: /^deadman\./ })
  assert.equal((await cramped.look()).standing, null)
  await until('the end of what was started', () => withWord(small).length === 0)
})

test('its programs are pinned to where they really are', async t => {
  const base = folder(t)
  const bin = join(base, 'bin')
  mkdirSync(bin)
  for (const tool of TOOLS) symlinkSync(`/bin/${tool}`, join(bin, tool))
  const stand = releasesStand(t, { env: { PATH: bin } })
  await stand.deadMan.arm(stand.one, 1500)
  // The switch takes them away.
  rmSync(bin, { recursive: true })
  assert.equal((await stand.fired()).result, 'done')
  assert.equal(currentOf(stand.path), 'releases/1')
})

test('where systemd would not, it is started all the same', async t => {
  const base = folder(t)
  const bin = join(base, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'systemd-run'), `#!/bin/sh\necho "$@" > ${base}/asked\nexit 1\n`)
  chmodSync(join(bin, 'systemd-run'), 0o755)
  const { deadMan, fired, one, path } = releasesStand(t, {
    env: { PATH: `${bin}:${process.env.PATH}` },
    withSystemd: true,
  })
  await deadMan.arm(one, 200)
  assert.match(readFileSync(join(base, 'asked'), 'utf8'), /--unit=heald-deadman-app-[0-9a-f]{16} --service-type=exec/)
  await fired()
  assert.equal(currentOf(path), 'releases/1')
})

test('a folder of somebody else is not used', async t => {
  const base = folder(t)
  const { options, one } = releasesStand(t)
  symlinkSync('/', join(base, 'link'))
  const stand = deadManStand(t, { ...options, limits: LIMITS }, join(base, 'link'))
  await assert.rejects(stand.deadMan.arm(one, 1000), { code: 'deadman.folder' })
})

test('a program with many names is pinned by the name, one that is a link by where it leads', async t => {
  const base = folder(t)
  const [bin, real] = [join(base, 'bin'), join(base, 'real')]
  for (const at of [bin, real]) mkdirSync(at)
  writeFileSync(join(real, 'many-names'), '', { mode: 0o755 })
  for (const tool of TOOLS) symlinkSync('../real/many-names', join(bin, tool))
  const pinned = async (search: string) => {
    const { sh, path } = await pinTools(search)
    return { sh, path }
  }
  assert.deepEqual(await pinned(`relative:${base}/none:${bin}`), { sh: join(bin, 'sh'), path: bin })
  writeFileSync(join(real, 'sleep'), '', { mode: 0o755 })
  rmSync(join(bin, 'sleep'))
  symlinkSync('../real/sleep', join(bin, 'sleep'))
  assert.deepEqual(await pinned(bin), { sh: join(bin, 'sh'), path: `${bin}:${real}` })
  writeFileSync(join(bin, 'tr'), '', { mode: 0o644 })
  rmSync(join(bin, 'tr'))
  await assert.rejects(pinTools(bin), { code: 'deadman.tools', message: /: tr is not/ })
})

test('when the lock can not be asked for nobody is killed', async t => {
  const base = folder(t)
  const bin = join(base, 'bin')
  mkdirSync(bin)
  for (const tool of TOOLS) writeFileSync(join(bin, tool), `#!/bin/sh\nexec /bin/${tool} "$@"\n`, { mode: 0o755 })
  const stand = releasesStand(t, { env: { PATH: bin } })
  const { child } = await stand.armApart(stand.one, 2500, 'lock')
  writeFileSync(join(bin, 'flock'), '#!/bin/sh\nexit 127\n')
  const { result, why } = await stand.fired()
  assert.deepEqual([result, why], ['failed', 'the lock was not to be had'])
  assert.ok(isAlive(child.pid ?? 0))
})
