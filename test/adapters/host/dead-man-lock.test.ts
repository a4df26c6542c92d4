import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeDeadMan } from '../../../adapters/host/dead-man.ts'
import { readStanding } from '../../../adapters/host/dead-man-state.ts'
import { end, isAlive, releasesStand, until, withOpen, withWord } from './dead-man-stand.ts'
import { currentOf } from './releases-stand.ts'

/** Somebody else who holds the lock. */
async function holdLock(t: TestContext, dir: string): Promise<ChildProcess> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const child = spawn('flock', [join(dir, 'lock'), 'sh', '-c', 'echo held; exec cat > /dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => end(child))
  await once(child.stdout, 'data')
  return child
}

test('the lock is held by one, again and again, and freed', async t => {
  const { deadMan, options, dir } = releasesStand(t)
  const other = makeDeadMan(options)
  t.after(() => other.unlock())
  await deadMan.unlock()
  assert.equal(await deadMan.lock(0), true)
  assert.equal(await deadMan.lock(0), true)
  assert.match(readFileSync(join(dir, 'lock'), 'utf8'), new RegExp(`^${process.pid} \\d+ [-0-9a-f]{36}\n$`))
  const from = performance.now()
  assert.equal(await other.lock(300), false)
  assert.ok(performance.now() - from >= 290)
  assert.equal(await other.lock(0), false)
  const waiting = other.lock(10_000)
  await sleep(100)
  await deadMan.unlock()
  assert.equal(await waiting, true)
  await other.unlock()
  await other.unlock()
  assert.equal(await deadMan.lock(0), true)
  await deadMan.unlock()
  await until('the end of who held it', () => withWord(dir).length === 0)
})

test('kill -9 of its taker frees the lock, and the end of a taker is not held up by it', async t => {
  const { deadMan, armApart, options, one } = releasesStand(t)
  const { child } = await armApart(one, null, 'lock')
  assert.equal(await deadMan.lock(100), false)
  await end(child)
  assert.equal(await deadMan.lock(5000), true)
  await deadMan.unlock()
  const code = `import { makeDeadMan } from ${JSON.stringify(join(import.meta.dirname, '../../../adapters/host/dead-man.ts'))}
    console.log(await makeDeadMan(${JSON.stringify(options)}).lock(1000))`
  const brief = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => end(brief))
  const [said] = await once(brief.stdout, 'data')
  assert.equal(String(said), 'true\n')
  if (brief.exitCode === null) await once(brief, 'exit', { signal: AbortSignal.timeout(10_000) })
  assert.equal(await deadMan.lock(5000), true)
})

test('a heald that hangs with the lock is killed, and what it began is led back', async t => {
  const { armApart, fired, path, one } = releasesStand(t)
  const { child } = await armApart(one, 300, 'lock')
  child.kill('SIGSTOP')
  const gone = once(child, 'exit')
  const { result, why } = await fired()
  assert.deepEqual(await gone, [null, 'SIGKILL'])
  assert.deepEqual(
    [result, why],
    ['done', `nobody disarmed it in time; process ${child.pid}, which held the lock, was killed`],
  )
  assert.equal(currentOf(path), 'releases/1')
})

test('it is the heald that has the lock now that is killed, not the one that armed', async t => {
  const { armApart, fired, deadMan, path, one } = releasesStand(t)
  const first = await armApart(one, 4000)
  const second = await armApart(one, null, 'lock')
  second.child.kill('SIGSTOP')
  await fired()
  await until('the end of who held it', () => !isAlive(second.child.pid ?? 0))
  assert.ok(isAlive(first.child.pid ?? 0))
  assert.equal(currentOf(path), 'releases/1')
  assert.equal(await deadMan.lock(5000), true)
})

test('the lock of somebody who is not to be found: nothing is moved, and it says so', async t => {
  const { deadMan, armApart, path, one, dir, fired } = releasesStand(t, { limits: { lockMs: 50, againMs: 50 } })
  const { child } = await armApart(one, 2500)
  await end(child)
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  // The number of a living process, which is not the one that was meant.
  writeFileSync(join(dir, 'lock'), `${process.pid} 1 ${boot}\n`)
  const holder = await holdLock(t, dir)
  const { result, why } = await fired()
  assert.deepEqual([result, why], ['failed', 'the lock was not to be had'])
  assert.equal(currentOf(path), 'releases/2')
  assert.ok(isAlive(holder.pid ?? 0))
  assert.equal(await deadMan.lock(100), false)
})

test('while one is at work nobody arms or disarms, and its activation has the lock not', async t => {
  const { deadMan, path, one, two, base, dir } = releasesStand(t, {}, ['./go'])
  writeFileSync(
    join(path, 'releases/1/go'),
    `#!/bin/sh\ntouch ${base}/began; while [ ! -e ${base}/go-on ]; do sleep 0.05; done\nsleep 54321 &\n`,
    { mode: 0o755 },
  )
  t.after(() => {
    for (const pid of withWord('54321')) process.kill(pid, 'SIGKILL')
  })
  const id = await deadMan.arm(one, 100)
  await until('the activation', () => existsSync(join(base, 'began')))
  assert.equal(await deadMan.lock(100), false)
  assert.equal((await deadMan.look()).standing?.id, id)
  const arming = deadMan.arm(two, 60_000)
  await sleep(300)
  assert.equal((await readStanding(dir))?.id, id)
  writeFileSync(join(base, 'go-on'), '')
  // Not `fired()`: the next one may stand before anybody has looked.
  await until('what it did', async () => (await deadMan.look()).fired?.id === id)
  // What it leaves running is its own business, and keeps nobody out.
  const next = await arming
  assert.equal((await deadMan.look()).standing?.id, next)
  await until('what it left running', () => withWord('54321').length === 1)
  await deadMan.disarm()
})

test('disarmed in time by a heald that has the lock: one that waits for the lock already does nothing', async t => {
  const { deadMan, path, one, dir } = releasesStand(t, { limits: { lockMs: 60_000, againMs: 50 } })
  await deadMan.lock(1000)
  await deadMan.arm(one, 100)
  await until('its wait', () => withOpen(join(dir, 'lock')).length > 1)
  await deadMan.disarm()
  await deadMan.unlock()
  await until('its end', () => withWord(dir).length === 0)
  assert.equal(currentOf(path), 'releases/2')
  assert.deepEqual(await deadMan.look(), { standing: null, fired: null })
})
