import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { isAlive, makeSeatStand, read, type SeatStand, signal, specOf } from './seat-stand.ts'

const TREE = new URL('../../fixtures/forks-a-tree.py', import.meta.url).pathname
const LEADERLESS = new URL('../../fixtures/leaderless.c', import.meta.url).pathname
const INNER = process.env.HEALD_TEST_INNER === 'no groups'

async function grown(stand: SeatStand, size = 50) {
  const file = join(stand.root, 'pids')
  const seated = await stand.seat(stand.host(), specOf('tree', ['python3', TREE, file, String(size)]))
  const { pid } = seated.seat.start()
  await stand.wait('the tree', () => existsSync(file))
  const pids = readFileSync(file, 'utf8').trim().split('\n').map(Number)
  assert.deepEqual([pids.length, pids[0]], [size, pid])
  return { ...seated, pid, pids }
}

if (INNER) {
  test('without control groups the process group dies, also when its leader died first', async t => {
    const stand = makeSeatStand(t)
    assert.deepEqual(stand.groups, [])
    for (const leaderFirst of [false, true]) {
      const { seat, end } = await stand.seat(
        stand.host(),
        specOf(`s${leaderFirst}`, ['sh', '-c', 'sleep 1001 & sleep 1002 & wait']),
      )
      const { pid } = seat.start()
      const own = () =>
        stand.processes().filter(each => read(`/proc/${each}/stat`).split(') ')[1]?.split(' ')[2] === String(pid))
      await stand.wait('three', () => own().length === 3)
      if (leaderFirst) {
        signal(pid, 'SIGKILL')
        await end()
        assert.ok(!seat.isEmpty())
      }
      await seat.killTree(2000)
      assert.ok(seat.isEmpty())
      assert.deepEqual(stand.processes(), [])
      // Nobody is there any more: a second call must not signal a group that could belong to others by now.
      await seat.killTree(2000)
    }
  })
} else {
  test('killTree leaves none of 50, whatever sessions they are in', async t => {
    const stand = makeSeatStand(t)
    if (stand.groups.length === 0) return t.skip('needs writable control groups')
    const { seat, ends, pids } = await grown(stand)
    assert.ok(!seat.isEmpty())
    await seat.killTree(5000)
    assert.ok(seat.isEmpty())
    assert.deepEqual(pids.filter(isAlive), [])
    assert.equal(ends.length, 1)
    await seat.killTree(5000)
  })

  test('the tree is not empty when only the main process died', async t => {
    const stand = makeSeatStand(t)
    if (stand.groups.length === 0) return t.skip('needs writable control groups')
    const { seat, pid, pids, end } = await grown(stand, 10)
    seat.arm()
    await stand.wait('a standby', () => stand.standbys().length === 1)
    const [standby = 0] = stand.standbys()
    signal(pid, 'SIGKILL')
    await end()
    assert.ok(!seat.isEmpty())
    await seat.killTree(5000)
    assert.deepEqual(pids.filter(isAlive), [])
    assert.ok(isAlive(standby), 'the standby is no part of the tree')
  })

  test('killTree ends a process whose main thread has ended while others live on', async t => {
    const stand = makeSeatStand(t)
    if (stand.groups.length === 0) return t.skip('needs writable control groups')
    const program = join(stand.root, 'leaderless')
    try {
      execFileSync('gcc', ['-O2', '-pthread', '-Wall', '-Werror', LEADERLESS, '-o', program])
    } catch {
      return t.skip('needs gcc')
    }
    const { seat, end } = await stand.seat(stand.host(), specOf('s', ['sh', '-c', `${program} & exec sleep 1000`]))
    const { pid } = seat.start()
    await stand.wait('its main thread has ended', () =>
      readdirSync('/proc').some(each => read(`/proc/${each}/stat`).includes(`(leaderless) Z ${pid} ${pid} `)),
    )
    signal(pid, 'SIGKILL')
    await end()
    assert.ok(!seat.isEmpty(), 'a thread of the other process lives')
    await seat.killTree(5000)
    assert.ok(seat.isEmpty())
  })

  test('a signal goes to the main process only', async t => {
    const stand = makeSeatStand(t)
    const { seat, end } = await stand.seat(stand.host(), specOf('s', ['sh', '-c', 'sleep 1001 & exec sleep 1000']))
    const { pid } = seat.start()
    await stand.wait('both', () => stand.processes().length === 2)
    seat.signal('SIGTERM')
    assert.deepEqual([(await end()).signal, isAlive(pid)], ['SIGTERM', false])
    assert.equal(stand.processes().length, 1)
    seat.signal('SIGTERM')
    await seat.killTree(2000)
    assert.deepEqual(stand.processes(), [])
  })

  test('remove leaves no groups and no files in run', async t => {
    const stand = makeSeatStand(t)
    const host = stand.host()
    const { seat, end } = await stand.seat(host, specOf('s', ['sleep', '1000'], { limits: { pids: 100 } }))
    const { pid } = seat.start()
    await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
    seat.arm()
    await stand.wait('a standby', () => stand.standbys().length === 1)
    await seat.killTree(2000)
    await end()
    seat.release()
    await host.remove('s')
    await stand.wait('no process', () => stand.processes({ launchers: true }).length === 0)
    assert.deepEqual(readdirSync(join(stand.state, 'run')), [])
    assert.deepEqual(stand.groups.filter(existsSync), [])
  })

  test('all of that where there are no control groups', async t => {
    if (process.getuid?.() !== 0) return t.skip('needs root, to hide the control groups from a test of its own')
    const file = new URL(import.meta.url).pathname
    const hide = 'mount -t tmpfs heald-test /sys/fs/cgroup && exec "$0" --test-reporter=tap "$@"'
    const env: NodeJS.ProcessEnv = { ...process.env, HEALD_TEST_INNER: 'no groups' }
    delete env.NODE_TEST_CONTEXT
    for (const each of [file, ...['start', 'adopt'].map(name => join(file, '..', `${name}.test.ts`))]) {
      const { stdout } = await promisify(execFile)('unshare', ['-m', 'sh', '-c', hide, process.execPath, each], {
        env,
        timeout: 60_000,
      })
      assert.match(stdout, /^# fail 0$/m, stdout)
      assert.doesNotMatch(stdout, /^# pass 0$/m, stdout)
    }
  })
}
