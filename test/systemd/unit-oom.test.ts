import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { findHierarchies } from '../../adapters/host/cgroup.ts'
import { openKernelLog } from '../../adapters/host/kernel-log.ts'
import { evidenceOf } from '../../adapters/host/unit-evidence.ts'
import { NO_UNIT, viewWith } from '../../adapters/host/unit-view.ts'
import { until } from '../until.ts'
import { machineIsMissing, ROOT, startMachine } from './machine.ts'

// The kernel itself kills a unit for lack of memory. Where the memory controller is one of the first version, as for hosts of
// both, a systemd of the second knows nothing of that, and sees a SIGKILL: what tells is the kernel's log.

const memory = findHierarchies().memory
const missing =
  machineIsMissing() ?? (memory?.version === 1 ? null : 'needs a memory controller of control groups v1 that is ours')

test('a unit that the kernel kills for lack of memory has ended so, though systemd does not know', async t => {
  if (missing !== null || memory === null) return t.skip(missing ?? '')
  const machine = await startMachine(t)
  const leaks = join(ROOT, 'test/fixtures/leaks-memory.py')
  const begin = join(machine.shared, 'begin')
  const command = `/bin/sh -c "until [ -e ${begin} ]; do sleep 0.05; done; exec python3 ${leaks} 4 20 200"`
  await machine.units({ 'hungry.service': `[Service]\nExecStart=${command}\n` })
  await machine.must('systemctl', 'start', 'hungry')
  const group = join(memory.folder, `heald-unit-oom-${process.pid}`)
  mkdirSync(group)
  t.after(() => rmdirSync(group))
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(24 * 1024 * 1024))
  const kernelLog = openKernelLog()
  t.after(kernelLog.close)
  const pid = withWord(begin)
  writeFileSync(join(group, 'cgroup.procs'), String(pid))
  assert.equal(kernelLog.whatWasKilled(pid, null), 'nothing')
  writeFileSync(begin, '')
  const names = ['ActiveState', 'Result', 'ExecMainCode', 'ExecMainStatus']
  await until('its end', async () => (await machine.show('hungry', ...names)).ActiveState === 'failed', 20_000)
  const view = viewWith(NO_UNIT, await machine.show('hungry', ...names))
  assert.equal(view.result, 'signal')
  const { exit, signal, oom } = evidenceOf(pid, view, kernelLog)
  assert.deepEqual([exit, signal, oom], ['signal', 'SIGKILL', true])
})

/** The process of the machine with this among its arguments, as this host numbers it. */
function withWord(word: string): number {
  const pids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  const found = pids.find(pid => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word)
    } catch {
      return false
    }
  })
  return Number(found ?? assert.fail('the unit runs'))
}
