import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand, type Stand } from '../journeys/stand.ts'

/*
 * The state folder's disk is full, read-only or broken. Healing goes on; the status says what is not recorded; once the
 * disk is well, the first durable entry is `ledger.gap`, and the chain holds.
 */
const QUICK = {
  restart: { backoff: { base: '5ms', cap: '50ms', resetAfter: '100ms' } },
  crashLoop: { failures: 1000, within: '1s' },
}
const SERVICES = {
  services: { api: { run: ['sleep', '100000'], ...QUICK }, other: { run: ['sleep', '100001'], ...QUICK } },
}

/** A small disk of its own for the state folder. False where that can't be had. */
function mountState(stand: Stand, size: string): boolean {
  mkdirSync(stand.state, { mode: 0o700 })
  const made = mounted('-t', 'tmpfs', '-o', `size=${size},mode=700`, 'heald-test', stand.state)
  if (!made) return false
  stand.onEnd(() => execFileSync('umount', ['-l', stand.state]))
  return true
}

/** Kills the service and waits until another one runs: seen in /proc, for the ledger may be mute. */
async function healsAgain(stand: Stand, name: string): Promise<void> {
  const pid = await stand.onlyProcess(name)
  process.kill(pid, 'SIGKILL')
  await stand.wait(`${name} is healed`, () => {
    const found = stand.processes(name)
    return found.length === 1 && found[0] !== pid
  })
}

async function degraded(stand: Stand): Promise<void> {
  const status = await stand.wait('status says that nothing is recorded', async () => {
    const found = await stand.status()
    return found.daemon.recording === 'degraded' ? found : null
  })
  assert.ok(status.daemon.why, 'it says why')
  const { code, stdout } = await stand.cli('status')
  assert.equal(code, 1)
  assert.match(stdout, /not recording/i)
}

/** After the disk is well: recording again, the gap told, the chain whole. */
async function recovers(stand: Stand): Promise<void> {
  await stand.wait('it records again', async () => (await stand.status()).daemon.recording === 'ok')
  const gap = await stand.wait('ledger.gap', () => stand.of('ledger.gap')[0])
  const before = stand.of('service.recovered', 'api').length
  await healsAgain(stand, 'api')
  await stand.wait('news is recorded', () => stand.of('service.recovered', 'api').length > before)
  assert.ok(stand.entries().some(entry => entry.seq > gap.seq))
  assert.equal((await stand.cli('status')).code, 0)
  await stand.verified()
}

test('a full disk: healing goes on, the status tells, and the gap is recorded when there is room', async t => {
  const stand = await makeStand(t)
  if (!mountState(stand, '24m')) return t.skip('needs root and the right to mount a tmpfs')
  stand.configure(SERVICES)
  const daemon = await stand.up()
  await stand.inState('api', 'ready')
  await healsAgain(stand, 'api')
  const filler = join(stand.state, 'filler')
  fill(stand.state, filler)
  for (let n = 0; n < 5; n += 1) await healsAgain(stand, 'api')
  await degraded(stand)
  const refused = await stand.cli('reload')
  assert.notEqual(refused.code, 0, 'an order that can not be recorded is refused')
  assert.equal(daemon.child.exitCode, null)
  rmSync(filler)
  await recovers(stand)
  await stand.must('down')
  await stand.nothingLeft()
})

test('a disk that goes read-only under the daemon: the same', async t => {
  const stand = await makeStand(t)
  if (!(await hasStrace(stand))) return t.skip('needs strace')
  stand.configure(SERVICES)
  const daemon = await stand.up()
  await stand.inState('api', 'ready')
  // Files open for writing forbid a real remount; what a broken disk answers is injected instead.
  const inject = await injectFault(stand, daemon.pid, 'fdatasync,fsync', 'EROFS')
  for (let n = 0; n < 3; n += 1) await healsAgain(stand, 'api')
  await degraded(stand)
  await inject.end()
  await recovers(stand)
})

test('a daemon started on a disk that is read-only by now heals, and says that it does not record', async t => {
  const stand = await makeStand(t)
  stand.configure(SERVICES)
  const first = await stand.up()
  await stand.inState('api', 'ready')
  const before = stand.processes('api')
  first.child.kill('SIGTERM')
  await first.ended
  // A read-only view over the same folder: the services go on writing their logs through the one below.
  if (!mounted('--bind', stand.state, stand.state)) return t.skip('needs root and the right to mount')
  let isCovered = true
  const uncover = () => {
    if (isCovered) execFileSync('umount', ['-l', stand.state])
    isCovered = false
  }
  stand.onEnd(uncover)
  assert.ok(mounted('-o', 'remount,bind,ro', stand.state))
  // As on a real host: /run is another disk.
  stand.env.RUNTIME_DIRECTORY = join(stand.root, 'runtime')
  mkdirSync(stand.env.RUNTIME_DIRECTORY)
  await stand.up()
  assert.deepEqual(stand.processes('api'), before, 'adopted')
  await healsAgain(stand, 'api')
  await degraded(stand)
  uncover()
  await recovers(stand)
})

for (const [calls, error] of [
  ['fdatasync,fsync', 'EIO'],
  ['pwrite64,write,pwritev,writev', 'EIO'],
  ['pwrite64,write,pwritev,writev', 'ENOSPC'],
] as const) {
  test(`${error} from ${calls.split(',')[0]} of the running daemon: nothing is lost without being told`, async t => {
    const stand = await makeStand(t)
    stand.configure(SERVICES)
    const daemon = await stand.up()
    await stand.inState('api', 'ready')
    if (!(await hasStrace(stand))) return t.skip('needs strace')
    const file = join(stand.state, 'ledger/seg/000000000000.jsonl')
    const inject = await injectFault(stand, daemon.pid, calls, error, ['-P', file])
    for (let n = 0; n < 3; n += 1) await healsAgain(stand, 'api')
    await inject.end()
    await stand.wait('it records', async () => (await stand.status()).daemon.recording === 'ok')
    assert.equal(daemon.child.exitCode, null)
    assert.ok(stand.of('ledger.gap').length > 0, 'what happened is named')
    await healsAgain(stand, 'api')
    await stand.wait('all is recorded', () => stand.of('service.exited', 'api').length >= 4)
    await stand.verified()
    await daemon.kill()
    await stand.up()
    await stand.verified()
  })
}

test('a state folder that can not be written at the start is told in words', async t => {
  const stand = await makeStand(t)
  if (!mountState(stand, '8m')) return t.skip('needs root and the right to mount a tmpfs')
  assert.ok(mounted('-o', 'remount,ro', stand.state))
  stand.configure(SERVICES)
  const { code, stderr } = await stand.cli('up', '--config', stand.configPath)
  assert.notEqual(code, 0)
  assert.match(stderr, new RegExp(stand.state))
  assert.match(stderr, /read-only|EROFS/i)
  assert.doesNotMatch(stderr, /\n\s+at /, 'no stack trace')
})

function fill(folder: string, file: string): void {
  const room = statfsSync(folder)
  const block = Buffer.alloc(1 << 16, 120)
  for (let n = Number(room.bavail) * Number(room.bsize); n > -(1 << 20); n -= block.length) {
    try {
      writeFileSync(file, block, { flag: 'a' })
    } catch {
      break
    }
  }
  try {
    for (let n = 0; n < 1 << 16; n += 1) writeFileSync(file, 'x', { flag: 'a' })
  } catch {
    // Full to the last byte, as wanted.
  }
}

function mounted(...words: string[]): boolean {
  try {
    execFileSync('mount', words, { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

async function hasStrace(stand: Stand): Promise<boolean> {
  try {
    return (await stand.run(['strace', '-V'])).code === 0
  } catch {
    return false
  }
}

/** Makes system calls of the running daemon fail until `end`, which also checks that some did. */
async function injectFault(stand: Stand, pid: number, calls: string, error: string, filter: readonly string[] = []) {
  const trace = join(stand.root, 'trace')
  const what = ['-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`]
  const strace = stand.start(['strace', '-f', '-qq', '-o', trace, ...filter, ...what, '-p', String(pid)])
  await stand.wait('strace is attached', () => isTraced(pid))
  return {
    async end() {
      await stand.wait('a call has failed', () => /INJECTED/.test(readFileSync(trace, 'latin1')))
      strace.kill('SIGTERM')
      await new Promise(resolve => strace.once('close', resolve))
    },
  }
}

function isTraced(pid: number): boolean {
  return /^TracerPid:\s+[1-9]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
}
