import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { openKernelLog, RECENT_MS, readVictim } from '../../../adapters/host/kernel-log.ts'

const GROUP = '/sys/fs/cgroup/memory/inner/heald-1234abcd/api.a'
const PLACE = '/outer/inner/heald-1234abcd/api.a'

const named = (pid: number, atMs: number, group = PLACE, name = 'python3') =>
  `6,740,${Math.round(atMs * 1000)},-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,` +
  `oom_memcg=${group},task_memcg=${group},task=${name},pid=${pid},uid=0\n`
const killed = (pid: number, atMs: number) =>
  `3,741,${Math.round(atMs * 1000)},-;Memory cgroup out of memory: Killed process ${pid} (python3) total-vm:78084kB\n`

/** A log that says what the test puts into it, on a clock that the test turns. */
function logStand(t: TestContext, earlier: string[] = []) {
  const records: (string | 'lost')[] = [...earlier]
  const stand = { nowMs: 1_000_000, say: (...more: string[]) => records.push(...more), reads: 0 }
  const source = {
    next() {
      stand.reads += 1
      const record = records.shift()
      if (record === undefined) return null
      return record === 'lost' ? ('lost' as const) : { record }
    },
    close: () => {},
  }
  const log = openKernelLog(source, () => stand.nowMs)
  t.after(() => log.close())
  return { ...stand, log, stand }
}

test('records: the victim and its group, whatever the process calls itself', () => {
  assert.deepEqual(readVictim(named(77, 5)), { pid: 77, group: PLACE, loggedMs: 5 })
  assert.deepEqual(readVictim(killed(78, 6)), { pid: 78, group: null, loggedMs: 6 })
  assert.equal(readVictim(named(77, 5, PLACE, 'x,pid=5,uid=0'))?.pid, 77)
  assert.equal(readVictim(named(77, 5, PLACE, 'a,task=b,pid=5'))?.group, PLACE)
  assert.equal(readVictim('3,1,2,-;Out of memory: Killed process 9 (x) total-vm:1kB\n')?.pid, 9)
  assert.equal(readVictim('3,1,2,-;Out of memory (oom_kill_allocating_task): Killed process 9 (x)\n')?.pid, 9)
  assert.equal(readVictim('3,1,2,-;Killed process 9 (x) total-vm:1kB\n')?.pid, 9, 'kernels before 5')
  assert.equal(readVictim('3,1,2,-,caller=T1;Out of memory: Killed process 9 (x)\n SUBSYSTEM=x\n')?.pid, 9)
  // What a program wrote there, and what only sounds like it.
  assert.equal(readVictim('11,1,2,-;Out of memory: Killed process 9 (x)\n'), null)
  assert.equal(readVictim('4,1,2,-;Killed process  invoked oom-killer: order=0\n'), null)
  assert.equal(readVictim('6,1,2,-;usb 1-1: new device\n'), null)
  assert.equal(readVictim(''), null)
})

test('the process itself, another of its group shortly before, and one long before', t => {
  const { stand, log } = logStand(t, [named(50, 999_999), killed(50, 999_999)])
  assert.equal(log.whatWasKilled(50, GROUP), 'nothing', 'said before it was opened')
  stand.say(named(51, 1_000_000), killed(51, 1_000_000))
  assert.equal(log.whatWasKilled(51, GROUP), 'itself')
  assert.equal(log.whatWasKilled(51, null), 'itself')
  assert.equal(log.whatWasKilled(52, GROUP), 'relative')
  assert.equal(log.whatWasKilled(52, null), 'nothing', 'without a group nobody is a relative')
  assert.equal(log.whatWasKilled(51, GROUP.replace('api.a', 'api.b')), 'nothing', 'its number, but another service')
  assert.equal(log.whatWasKilled(52, GROUP.replace('api.a', 'pi.a')), 'nothing')
  stand.nowMs += RECENT_MS + 1
  assert.equal(log.whatWasKilled(52, GROUP), 'nothing')
  assert.equal(log.whatWasKilled(51, GROUP), 'itself', 'its end may be slow')
  stand.nowMs += 60_000
  assert.equal(log.whatWasKilled(51, GROUP), 'nothing', 'its number may be used again')
})

test('a group below that of the service, and a kill whose group is not told', t => {
  const { stand, log } = logStand(t)
  stand.say(named(60, 1_000_000, `${PLACE}/workers`))
  assert.equal(log.whatWasKilled(1, GROUP), 'relative')
  stand.nowMs += RECENT_MS + 1
  assert.equal(log.whatWasKilled(1, GROUP), 'nothing')
  stand.say(killed(61, stand.nowMs))
  assert.equal(log.whatWasKilled(1, GROUP), 'relative', 'the kernel names no groups when there are many kills')
})

test('a clock of the log that is minutes off does no harm', t => {
  for (const offMs of [-300_000, 300_000]) {
    const { stand, log } = logStand(t)
    stand.nowMs += 1000
    log.whatWasKilled(1, null)
    stand.nowMs += 1000
    stand.say(named(70, stand.nowMs + offMs))
    assert.equal(log.whatWasKilled(1, GROUP), 'relative', `${offMs}`)
    stand.nowMs += RECENT_MS + 1000
    assert.equal(log.whatWasKilled(1, GROUP), 'nothing', `${offMs}`)
  }
})

test('where nobody looked for long, a kill in that time counts: the end is as old', t => {
  const { stand, log } = logStand(t)
  stand.nowMs += 120_000
  stand.say(named(80, stand.nowMs - 100_000))
  assert.equal(log.whatWasKilled(80, GROUP), 'itself')
  assert.equal(log.whatWasKilled(81, GROUP), 'relative')
})

test('nobody knows: no log, lost records, and more than can be read at once', t => {
  assert.equal(openKernelLog(null).whatWasKilled(1, GROUP), 'unknown')
  const { stand, log } = logStand(t, ['lost'])
  assert.equal(log.whatWasKilled(1, GROUP), 'nothing', 'lost before it was opened')
  stand.say('lost', named(90, stand.nowMs))
  assert.equal(log.whatWasKilled(90, GROUP), 'itself')
  assert.equal(log.whatWasKilled(1, GROUP.replace('api', 'web')), 'unknown')
  stand.nowMs += RECENT_MS + 1
  assert.equal(log.whatWasKilled(1, GROUP), 'nothing')

  for (let n = 0; n < 30_000; n += 1) stand.say('6,1,2,-;chatter\n')
  const before = stand.reads
  assert.equal(log.whatWasKilled(1, GROUP), 'unknown')
  assert.ok(stand.reads - before <= 20_000)
})

test('of many victims the newest are remembered', t => {
  const { stand, log } = logStand(t)
  for (let pid = 1000; pid < 2000; pid += 1) stand.say(named(pid, stand.nowMs), killed(pid, stand.nowMs))
  assert.equal(log.whatWasKilled(1999, GROUP), 'itself')
  assert.equal(log.whatWasKilled(1000, null), 'nothing')
})
