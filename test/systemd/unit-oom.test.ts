import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findHierarchies } from '../../adapters/host/cgroup.ts'
import { until } from '../until.ts'
import { chatsInside } from './chats-inside.ts'
import { healdInside } from './heald-inside.ts'
import { type Machine, machineIsMissing, ROOT, startMachine } from './machine.ts'

// The kernel itself kills a unit for lack of memory, and heald beside it heals, records and tells that. Where the memory
// controller is one of the second version, systemd limits the unit and knows how it ended. Where it is one of the first, as
// on hosts of both, systemd sees a SIGKILL: what tells is the kernel's log, which heald has to see then.

const missing = machineIsMissing()
const LIMIT_BYTES = 24 * 1024 * 1024
/** This host's, that of what the machine is started with, and the machine's own. */
const LEVELS = 3

test('a unit that the kernel kills for lack of memory is healed, recorded as that, and told', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const controllers = await machine.must('cat', '/sys/fs/cgroup/cgroup.controllers')
  const hasOwn = controllers.split(/\s/).includes('memory')
  const { memory } = findHierarchies()
  if (!hasOwn && memory?.version !== 1)
    return t.skip('needs a memory controller: of control groups v2 in the machine, or of v1 that is ours')
  const chats = await chatsInside(t, machine)
  const [begin, pidFile] = [join(machine.shared, 'begin'), join(machine.shared, 'hungry.pid')]
  const leaks = `rm ${begin}; exec python3 ${join(ROOT, 'test/fixtures/leaks-memory.py')} 4 20 200`
  const waits = join(machine.shared, 'hungry.sh')
  writeFileSync(waits, `until [ -e ${begin} ]; do sleep 0.05; done; ${leaks}\n`)
  const forks = `python3 ${join(ROOT, 'test/fixtures/forks-with-equal-numbers.py')} ${LEVELS} ${pidFile}`
  const start = hasOwn
    ? `ExecStart=/bin/sh ${waits}\nMemoryMax=${LIMIT_BYTES}\nMemorySwapMax=0\n`
    : `Type=forking\nPIDFile=${pidFile}\nExecStart=/usr/bin/env ${forks} /bin/sh ${waits}\n`
  await machine.units({ 'hungry.service': `[Service]\n${start}` })
  const started = await machine.run('systemctl', 'start', 'hungry')
  assert.equal(started.code, 0, (await machine.run('systemctl', 'status', 'hungry')).stdout)
  if (!hasOwn) await showKernelLog(machine)
  const heald = healdInside(machine, { hasBot: true })
  heald.configure({ host: 'machine', services: { hungry: { unit: 'hungry.service' } }, ...chats.settings })
  await heald.up()
  await chats.up()
  await until('the bot to reach its chats', () => heald.of('channel.up').length >= 3, 30_000, 100)
  const { pid } = await heald.service('hungry')
  if (!hasOwn && memory !== null) limit(t, memory.folder, pid ?? assert.fail('it runs'))
  writeFileSync(begin, '')
  const { data } = await heald.entry('its end', e => e.kind === 'service.exited' && e.svc === 'hungry')
  assert.deepEqual([data.signal, data.oom, data.pid], ['SIGKILL', true, pid])
  assert.equal(data.result, hasOwn ? 'oom-kill' : 'signal')
  await heald.entry('its recovery', e => e.kind === 'service.recovered' && e.svc === 'hungry')
  assert.notEqual((await heald.service('hungry')).pid, pid)
  assert.equal((await machine.show('hungry', 'ActiveState')).ActiveState, 'active')
  await chats.everywhere('why it ended', /hungry on machine/, /out of memory/)
  await heald.verified()
})

/** A machine gets a file in the place of the kernel's log. */
async function showKernelLog(machine: Machine): Promise<void> {
  await machine.must('sh', '-c', 'umount /dev/kmsg; rm -f /dev/kmsg; mknod -m 644 /dev/kmsg c 1 11')
}

/** As systemd of the first version limits a unit: a group of its own in the hierarchy that has the controller. */
function limit(t: TestContext, hierarchy: string, pid: number): void {
  const group = join(hierarchy, `heald-unit-oom-${process.pid}`)
  mkdirSync(group)
  t.after(async () => {
    await until('nobody to be in its group', () => readFileSync(join(group, 'cgroup.procs'), 'utf8') === '')
    rmdirSync(group)
  })
  writeFileSync(join(group, 'memory.limit_in_bytes'), String(LIMIT_BYTES))
  writeFileSync(join(group, 'cgroup.procs'), String(pid))
}
