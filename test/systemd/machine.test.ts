import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { machineIsMissing, ROOT, startMachine, sweepMachines } from './machine.ts'

const missing = machineIsMissing()

test('a real systemd runs units over a throw-away root, and leaves nothing behind', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await machine.units({ 'sleeps.service': '[Service]\nExecStart=/bin/sleep 1000\n' })
  await machine.must('systemctl', 'start', 'sleeps.service')
  const { ActiveState, MainPID } = await machine.show('sleeps.service', 'ActiveState', 'MainPID')
  assert.equal(ActiveState, 'active')
  assert.ok(Number(MainPID) > 1)
  assert.throws(() => readFileSync('/etc/systemd/system/sleeps.service'), /ENOENT/, 'this host is not touched')
  assert.match(await machine.must('cat', '/proc/1/comm'), /^systemd/)
  assert.match(await machine.must('ls', join(ROOT, 'heald.js')), /heald/)
  const before = machine.leader()
  const bootId = await machine.must('cat', '/proc/sys/kernel/random/boot_id')
  await machine.reboot()
  assert.notEqual(machine.leader(), before)
  assert.notEqual(await machine.must('cat', '/proc/sys/kernel/random/boot_id'), bootId, 'a boot of its own')
  const { LoadState } = await machine.show('sleeps.service', 'LoadState')
  assert.equal(LoadState, 'loaded', 'what was written outlives a reboot')
  const name = machine.shared
  await machine.end()
  await nothingLeft(name)
})

test('a test that is killed leaves no process and no mount', async t => {
  if (missing !== null) return t.skip(missing)
  const program = `
    const { startMachine } = await import('${join(ROOT, 'test/systemd/machine.ts')}')
    const machine = await startMachine({ after() {} })
    console.log(machine.shared)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let name = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    name += text
  })
  await until('the machine to be up', () => name.endsWith('\n'))
  child.kill('SIGKILL')
  await nothingLeft(name.trim())
  await until('what it left to be swept, as the next machine does', () => {
    sweepMachines()
    return !existsSync(name.trim()) && !existsSync(`${name.trim()}.root`)
  })
})

/** Neither a process nor a mount names the machine. */
async function nothingLeft(shared: string): Promise<void> {
  const processes = () =>
    readdirSync('/proc').filter(
      pid => /^\d+$/.test(pid) && Number(pid) !== process.pid && cmdline(pid).includes(shared),
    )
  await until(`no process of ${shared}`, () => processes().length === 0)
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(shared))
}

function cmdline(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
