import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isAlive, makeSeatStand, read, signal, specOf } from './seat-stand.ts'

test('a cold start and one from the standby: same pid as promised, own session, own log', async t => {
  const stand = makeSeatStand(t)
  const { seat, ends, end } = await stand.seat(
    stand.host(),
    specOf('s', ['sh', '-c', 'echo out; echo err >&2; exec sleep 1000']),
  )
  const cold = seat.start()
  assert.equal(cold.standby, false)
  await stand.wait('it runs', () => read(`/proc/${cold.pid}/comm`) === 'sleep\n')
  assert.equal(
    readFileSync(`/proc/${cold.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3],
    String(cold.pid),
    'leads its session',
  )
  assert.equal(stand.log('s'), 'out\nerr\n')
  assert.equal(readlinkSync(`/proc/${cold.pid}/fd/0`), '/dev/null')

  seat.arm()
  const [shell] = await stand.wait('a standby', () => (stand.standbys().length === 1 ? stand.standbys() : null))
  seat.arm()
  signal(cold.pid, 'SIGKILL')
  const first = await end()
  assert.deepEqual([first.pid, first.exit, first.signal, first.oom], [cold.pid, 'signal', 'SIGKILL', false])
  assert.equal(first.tail, 'out\nerr\n')
  assert.ok(seat.isEmpty())
  const warm = seat.start()
  assert.deepEqual([warm.standby, warm.pid], [true, shell])
  await stand.wait('it runs', () => read(`/proc/${warm.pid}/comm`) === 'sleep\n')
  assert.equal(ends.length, 1)
  assert.equal(stand.standbys().length, 0, 'arming twice forks one')
})

test('exit codes, also those a shell would use, are the own exit of the program', async t => {
  const stand = makeSeatStand(t)
  for (const code of [0, 1, 2, 125, 126, 127, 130, 255]) {
    const { seat, end } = await stand.seat(
      stand.host(),
      specOf(`c${code}`, ['sh', '-c', `echo says ${code}; exit ${code}`]),
    )
    seat.start()
    const ended = await end()
    assert.deepEqual([ended.exit, ended.exitCode, ended.launchError], ['code', code, undefined], `code ${code}`)
    assert.equal(ended.tail, `says ${code}\n`)
  }
})

test('what keeps a program from running is told apart and named', async t => {
  const stand = makeSeatStand(t)
  const folder = join(stand.root, 'folder')
  const cases: [string, ReturnType<typeof specOf>, RegExp][] = [
    ['no folder', specOf('folder', ['sleep', '1000'], { cwd: folder }), /folder .*does not exist/],
    ['no program', specOf('program', [join(stand.root, 'missing')]), /missing was not found/],
    ['no program in PATH', specOf('path', ['no-such-program-anywhere']), /no-such-program-anywhere was not found/],
    ['a folder as program', specOf('dir', ['/tmp']), /\/tmp may not be executed/],
    [
      'bad interpreter',
      specOf('bad', [stand.program('bad', '#!/no/such/interpreter\n')]),
      /bad .*(not found|interpreter)/,
    ],
  ]
  for (const [what, spec, words] of cases) {
    const { seat, end } = await stand.seat(stand.host(), spec)
    seat.start()
    const ended = await end()
    assert.match(String(ended.launchError), words, what)
    assert.ok(seat.isEmpty(), what)
  }
  // The same, from a standby that was forked before the folder vanished.
  mkdirSync(folder)
  const { seat, end } = await stand.seat(stand.host(), specOf('late', ['sleep', '1000'], { cwd: folder }))
  seat.arm()
  await stand.wait('a standby', () => stand.standbys().length === 1)
  rmSync(folder, { recursive: true })
  assert.equal(seat.start().standby, true)
  assert.match(String((await end()).launchError), /does not exist/)
  mkdirSync(folder)
  const { pid } = seat.start()
  await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
})

test('the reason of a failed launch is still told when the next start came first', async t => {
  const stand = makeSeatStand(t)
  const told: (string | undefined)[] = []
  const seat = await stand.host().seat(specOf('s', [join(stand.root, 'missing')]), end => {
    if (told.length < 3) seat.start()
    told.push(end.evidence().launchError)
  })
  t.after(() => seat.release())
  seat.start()
  await stand.wait('four ends', () => told.length === 4)
  for (const why of told) assert.match(String(why), /missing was not found/)
})

test('a missing user is the trouble of the service; once it exists the service starts', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = makeSeatStand(t)
  const { seat, end, ends } = await stand.seat(stand.host(), specOf('u', ['sleep', '1000'], { user: 'no-such-user' }))
  assert.deepEqual(seat.start(), { pid: 0, standby: false })
  assert.equal(ends.length, 0, 'the end is news, not an answer')
  assert.match(String((await end()).launchError), /no-such-user does not exist/)
  seat.describe({ ...specOf('u', ['sleep', '1000'], { user: 'nobody' }), env: { HEALD_MARK: stand.mark } })
  const pid = await stand.wait('it runs as nobody', () => {
    if (stand.processes().length === 0 && seat.isEmpty()) seat.start()
    return stand.processes().find(each => read(`/proc/${each}/comm`) === 'sleep\n')
  })
  assert.match(read(`/proc/${pid}/status`), /^Uid:\s+65534\s+65534\s+65534\s+65534$/m)
})

test('a FIFO that can not be made is the trouble of the service; once it can be, the service starts', async t => {
  const stand = makeSeatStand(t)
  const host = stand.host()
  const { PATH } = process.env
  process.env.PATH = stand.root
  t.after(() => {
    process.env.PATH = PATH
  })
  const { seat, end, ends } = await stand.seat(host, specOf('f', ['/bin/sleep', '1000']))
  assert.deepEqual(seat.start(), { pid: 0, standby: false })
  assert.match(String((await end()).launchError), /no FIFO can be made in .*run: .*mkfifo/)
  process.env.PATH = PATH
  const pid = await stand.wait('it runs', () => {
    if (stand.processes().length === 0 && seat.isEmpty()) seat.start()
    return stand.processes().find(each => read(`/proc/${each}/comm`) === 'sleep\n')
  })
  assert.equal(readlinkSync(`/proc/${pid}/fd/3`), stand.run('f.a.fifo'))
  for (const { launchError } of ends) assert.match(String(launchError), /FIFO/)
})

test('a service never runs as another user than the description it was started from', async t => {
  if (process.getuid?.() !== 0) return t.skip('needs root')
  const stand = makeSeatStand(t)
  const as = (user: string) => ({ ...specOf('u', ['sleep', '1000'], { user }), env: { HEALD_MARK: stand.mark } })
  const uids: Record<string, string> = { daemon: '1', bin: '2' }
  const { seat, ends } = await stand.seat(stand.host(), as('daemon'))
  for (let n = 0; n < 12; n += 1) {
    const next = as(n % 2 === 0 ? 'bin' : 'daemon')
    const described = seat.describe(next)
    // In half of the rounds the end comes while the new user is still being looked up.
    if (n % 4 > 1) await described
    const { pid } = seat.start()
    await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
    const uid = /^Uid:\t(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? ''
    const ran = ['daemon', 'bin'].filter(user => seat.runs(as(user)))
    assert.deepEqual(
      ran.map(user => uids[user]),
      [uid],
    )
    if (n % 4 > 1) assert.deepEqual(ran, [next.user])
    await described
    await seat.killTree(2000)
    await stand.wait('its end', () => ends.length === n + 1)
  }
})

test('a standby that dies is replaced, and a start without one is cold', async t => {
  const stand = makeSeatStand(t)
  const { seat, ends } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  const { pid } = seat.start()
  await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
  seat.arm()
  const shell = await stand.wait('a standby', () => stand.standbys()[0])
  signal(shell, 'SIGKILL')
  const second = await stand.wait('another standby', () => stand.standbys().find(each => each !== shell))
  assert.deepEqual(ends, [], 'the end of a standby is not the end of the service')
  assert.ok(isAlive(pid))

  // Killed, and needed before anybody noticed: the pipe is broken, the next try must not be lost for good.
  signal(pid, 'SIGKILL')
  await stand.wait('its end', () => ends.length === 1)
  assert.ok(isAlive(second), 'the second standby waits')
  signal(second, 'SIGKILL')
  seat.start()
  await stand.wait('it runs, or its end is told', () => stand.processes().length === 1 || ends.length === 2)
})

test('describe: the next start runs the new command, also when a standby waited with the old one', async t => {
  const stand = makeSeatStand(t)
  const { seat, ends } = await stand.seat(stand.host(), specOf('s', ['sleep', '1001']))
  const { pid } = seat.start()
  await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
  seat.arm()
  const old = await stand.wait('a standby', () => stand.standbys()[0])
  seat.describe({ ...specOf('s', ['sleep', '1002']), env: { HEALD_MARK: stand.mark } })
  await stand.wait('a new standby', () => stand.standbys().some(each => each !== old))
  assert.ok(isAlive(pid), 'the running one is left alone')
  signal(pid, 'SIGKILL')
  await stand.wait('its end', () => ends.length === 1)
  const next = seat.start()
  assert.equal(next.standby, true)
  await stand.wait('the new command', () => read(`/proc/${next.pid}/cmdline`) === 'sleep\x001002\0')
})

test('release and the death of the daemon leave no standby behind, and the service running', async t => {
  const stand = makeSeatStand(t)
  const { seat, ends } = await stand.seat(stand.host(), specOf('s', ['sleep', '1000']))
  const { pid } = seat.start()
  await stand.wait('it runs', () => read(`/proc/${pid}/comm`) === 'sleep\n')
  seat.arm()
  await stand.wait('a standby', () => stand.standbys().length === 1)
  seat.release()
  await stand.wait('no standby', () => stand.standbys().length === 0)
  assert.ok(isAlive(pid))
  assert.deepEqual(ends, [])
})

test('a memory limit: the kernel kills, and the end says so', async t => {
  const stand = makeSeatStand(t)
  if (stand.groups.length === 0) return t.skip('needs writable control groups')
  const hog = "import time\nx = []\nwhile True:\n  x.append(bytearray(b'1' * (1 << 22)))\n  time.sleep(0.002)\n"
  const spec = specOf('hog', ['python3', '-c', hog], { limits: { memoryBytes: 48 << 20 } })
  const { seat, end } = await stand.seat(stand.host(), spec)
  seat.start()
  const ended = await end()
  assert.deepEqual([ended.exit, ended.signal, ended.oom], ['signal', 'SIGKILL', true])
  assert.ok((ended.rssBytes ?? 0) > 30 << 20)
  // The counter of the next instance starts at zero.
  const { pid } = seat.start()
  await stand.wait('it runs', () => read(`/proc/${pid}/comm`).startsWith('python'))
  signal(pid, 'SIGKILL')
  await stand.wait('its end', () => seat.isEmpty())
})
