import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, makeSeatStand, read, type SeatStand, signal, specOf } from './seat-stand.ts'

/** Starts a service under a first daemon, which then lets go. Answers its pid. */
async function left(stand: SeatStand, run: readonly string[]): Promise<number> {
  const { seat } = await stand.seat(stand.host(), specOf('s', run))
  const { pid } = seat.start()
  await stand.wait('it runs', () => read(stand.run('s.b.pid')) + read(stand.run('s.a.pid')) !== '')
  await stand.wait('it is the program', () => !read(`/proc/${pid}/cmdline`).split('\0').includes('heald'))
  seat.release()
  return pid
}

test('a service left running is adopted; its end is noticed at once', async t => {
  const stand = makeSeatStand(t)
  const pid = await left(stand, ['sleep', '1000'])
  const { seat, ends, end } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  const adopted = await seat.adopt()
  assert.equal(adopted?.pid, pid)
  assert.equal(adopted?.startTime, Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19]))
  const uptimeMs = Number(process.hrtime.bigint() / 1_000_000n) - (adopted?.startedMonoMs ?? 0)
  assert.ok(uptimeMs > -50 && uptimeMs < 60_000, `uptime ${uptimeMs} ms`)
  assert.ok(!seat.isEmpty())
  seat.arm()
  await stand.wait('a standby', () => stand.standbys().length === 1)
  signal(pid, 'SIGKILL')
  const ended = await end()
  assert.deepEqual([ended.pid, ended.exit, ended.oom], [pid, 'unknown', false])
  await seat.killTree(1000)
  assert.ok(seat.isEmpty())
  const next = seat.start()
  assert.equal(next.standby, true)
  await stand.wait('the new one', () => read(`/proc/${next.pid}/comm`) === 'sleep\n')
  await sleep(50)
  assert.equal(ends.length, 1)
})

test('nothing to adopt: none ran, it died meanwhile, or its pid file is not whole', async t => {
  const stand = makeSeatStand(t)
  const fresh = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal(await fresh.seat.adopt(), null)
  const pid = await left(stand, ['sleep', '1000'])
  signal(pid, 'SIGKILL')
  await stand.wait('it is gone', () => !isAlive(pid))
  const second = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal(await second.seat.adopt(), null)
  for (const slot of ['a', 'b']) writeFileSync(stand.run(`s.${slot}.pid`), '{"pid":1,"startT')
  const third = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal(await third.seat.adopt(), null)
})

test('a pid that belongs to somebody else by now is neither adopted nor killed', async t => {
  const stand = makeSeatStand(t)
  const innocent = await stand.seat(stand.host(), specOf('innocent', ['sleep', '1000']))
  const { pid } = innocent.seat.start()
  await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
  const dead = await left(stand, ['sleep', '1000'])
  const file = ['a', 'b'].map(slot => stand.run(`s.${slot}.pid`)).find(path => read(path) !== '') ?? assert.fail()
  const text = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  signal(dead, 'SIGKILL')
  await stand.wait('it is gone', () => !isAlive(dead))
  // The pid of the innocent with the start time of the dead, the other way round, and another boot.
  const own = Number(readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[19])
  for (const lie of [
    { ...text, pid },
    { ...text, pid, startTime: own + 1 },
    { ...text, pid, startTime: own, boot: '00000000-0000-0000-0000-000000000000' },
  ]) {
    writeFileSync(file, JSON.stringify(lie))
    const { seat } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
    assert.equal(await seat.adopt(), null, JSON.stringify(lie))
    assert.ok(isAlive(pid), JSON.stringify(lie))
    seat.release()
  }
})

test('a service that closes what it inherited is adopted, not mistaken for dead, and its end is noticed', async t => {
  const stand = makeSeatStand(t)
  const pid = await left(stand, ['sh', '-c', 'exec 3>&-; exec sleep 1000'])
  await stand.wait('it closed the FIFO', () => read(`/proc/${pid}/comm`) === 'sleep\n')
  const { seat, ends, end } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal((await seat.adopt())?.pid, pid)
  await sleep(300)
  assert.deepEqual(ends, [], 'the end of file is a hint, not the truth')
  signal(pid, 'SIGKILL')
  assert.equal((await end()).pid, pid)
})

test('a grandchild that holds the FIFO only delays the news', async t => {
  const stand = makeSeatStand(t)
  const pid = await left(stand, ['sh', '-c', 'setsid sleep 1001 & exec sleep 1000'])
  // Read once: while a process turns into its program, it can't be seen for a moment.
  const grandchild = await stand.wait('both run', () => {
    const both = stand.processes()
    return both.length === 2 ? both.find(each => each !== pid) : null
  })
  const { seat, end } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal((await seat.adopt())?.pid, pid)
  signal(pid, 'SIGKILL')
  assert.equal((await end()).pid, pid)
  assert.ok(isAlive(grandchild))
  if (stand.groups.length > 0) {
    assert.ok(!seat.isEmpty())
    await seat.killTree(2000)
    assert.ok(!isAlive(grandchild))
  }
})

test('what a dead service left behind is swept before the next one starts', async t => {
  const stand = makeSeatStand(t)
  if (stand.groups.length === 0) return t.skip('needs writable control groups')
  const pid = await left(stand, ['sh', '-c', 'setsid sleep 1001 & exec sleep 1000'])
  await stand.wait('both run', () => stand.processes().length === 2)
  signal(pid, 'SIGKILL')
  await stand.wait('the main process is gone', () => !isAlive(pid))
  const { seat } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal(await seat.adopt(), null)
  assert.deepEqual(stand.processes(), [])
  const { pid: next } = seat.start()
  await stand.wait('the next one', () => read(`/proc/${next}/comm`) === 'sleep\n')
})

test('a daemon killed right after the byte: the shell that becomes the service is waited for and adopted', async t => {
  const stand = makeSeatStand(t)
  for (let round = 0; round < 10; round += 1) {
    const first = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
    const { pid } = first.seat.start()
    first.seat.release()
    const second = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
    const adopted = await second.seat.adopt()
    assert.equal(adopted?.pid, pid, `round ${round}`)
    assert.equal(stand.processes({ launchers: true }).length, 1)
    signal(pid, 'SIGKILL')
    await second.end()
    second.seat.release()
  }
})

test('a missing FIFO or run folder costs nothing but speed', async t => {
  const stand = makeSeatStand(t)
  const pid = await left(stand, ['sleep', '1000'])
  rmSync(stand.run('s.a.fifo'))
  rmSync(stand.run('s.b.fifo'))
  const { seat, end } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  assert.equal((await seat.adopt())?.pid, pid)
  signal(pid, 'SIGKILL')
  assert.equal((await end()).pid, pid)
})
