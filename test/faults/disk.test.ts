import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
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
function mountState(t: TestContext, stand: Stand, size: string): boolean {
  mkdirSync(stand.state, { mode: 0o700 })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'heald-test', stand.state], { stdio: 'pipe' })
  } catch {
    return false
  }
  t.after(() => execFileSync('umount', ['-l', stand.state]))
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
  assert.match(stdout, /not (being )?recorded|degraded/i)
}

/** After the disk is well: recording again, the gap told, the chain whole. */
async function recovers(stand: Stand): Promise<void> {
  await stand.wait('it records again', async () => (await stand.status()).daemon.recording === 'ok', 60_000)
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
  if (!mountState(t, stand, '24m')) return t.skip('needs root and the right to mount a tmpfs')
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
  await stand.wait('nothing is left', () => stand.leftovers().length === 0)
})

test('a state folder that becomes read-only: the same', async t => {
  const stand = await makeStand(t)
  if (!mountState(t, stand, '32m')) return t.skip('needs root and the right to mount a tmpfs')
  stand.configure(SERVICES)
  await stand.up()
  await stand.inState('api', 'ready')
  // Files open for writing forbid a plain remount; a read-only view for everybody is what a broken disk gives.
  const readOnly = remount(stand.state, 'ro')
  if (!readOnly) return t.skip('needs a tmpfs that can be made read-only while in use')
  for (let n = 0; n < 3; n += 1) await healsAgain(stand, 'api')
  await degraded(stand)
  assert.ok(remount(stand.state, 'rw'))
  await recovers(stand)
})

for (const [call, error] of [
  ['fdatasync', 'EIO'],
  ['pwrite64,write,pwritev,writev', 'EIO'],
  ['pwrite64,write,pwritev,writev', 'ENOSPC'],
] as const) {
  test(`${error} from ${call.split(',')[0]} of the running daemon: nothing is lost without being told`, async t => {
    const stand = await makeStand(t)
    stand.configure(SERVICES)
    const daemon = await stand.up()
    await stand.inState('api', 'ready')
    const { code } = await stand.run(['strace', '-V'])
    if (code !== 0) return t.skip('needs strace')
    const ledger = join(stand.state, 'ledger/seg')
    const syscalls = call === 'fdatasync' ? 'fdatasync,fsync' : call
    const files = ['000000000000.jsonl', '000000000001.jsonl'].map(name => join(ledger, name))
    const strace = stand.start(
      ['strace', '-f', '-qq', '-o', '/dev/null', ...files.slice(0, 1).flatMap(file => ['-P', file])].concat([
        '-e',
        `trace=${syscalls}`,
        '-e',
        `inject=${syscalls}:error=${error}:when=1..2`,
        '-p',
        String(daemon.pid),
      ]),
    )
    await stand.wait('strace is attached', () => isTraced(daemon.pid))
    for (let n = 0; n < 3; n += 1) await healsAgain(stand, 'api')
    strace.kill('SIGTERM')
    await new Promise(resolve => strace.once('close', resolve))
    await stand.wait('it records', async () => (await stand.status()).daemon.recording === 'ok', 60_000)
    assert.equal(daemon.child.exitCode, null)
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
  if (!mountState(t, stand, '8m')) return t.skip('needs root and the right to mount a tmpfs')
  assert.ok(remount(stand.state, 'ro'))
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

function remount(folder: string, mode: 'ro' | 'rw'): boolean {
  try {
    execFileSync('mount', ['-o', `remount,${mode}`, folder], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}

function isTraced(pid: number): boolean {
  return /^TracerPid:\s+[1-9]/m.test(execFileSync('cat', [`/proc/${pid}/status`], { encoding: 'latin1' }))
}
