import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { killQuietly } from './leftovers.ts'
import { freePort } from './port.ts'
import { FIXTURES, makeStand, NODE, soak } from './stand.ts'

const QUICK = {
  restart: { backoff: { base: '10ms', cap: '50ms', resetAfter: '300ms' } },
  crashLoop: { failures: 100, within: '1s' },
}

test('a service that no longer answers is found, killed and started anew', async t => {
  const stand = await makeStand(t)
  const port = await freePort()
  stand.configure({
    services: {
      http: {
        run: [NODE, join(FIXTURES, 'http-agent.ts')],
        env: { PORT: String(port) },
        health: {
          http: `http://127.0.0.1:${port}/healthz`,
          every: '200ms',
          timeout: '200ms',
          failures: 3,
          startup: '20s',
        },
        ...QUICK,
      },
    },
  })
  await stand.up()
  await stand.inState('http', 'ready')
  const first = await stand.onlyProcess('http')

  // It accepts, and never answers again: the request ends with its process.
  await assert.rejects(fetch(`http://127.0.0.1:${port}/hang`, { signal: AbortSignal.timeout(20_000) }))
  const hung = await stand.wait('service.hung', () => stand.of('service.hung', 'http')[0])
  assert.ok(Number(hung.data.misses) >= 3)
  assert.equal(hung.data.verdict, 'fail')
  await stand.wait('it is back', () => stand.of('service.recovered', 'http').length === 1)
  const second = await stand.onlyProcess('http')
  assert.notEqual(second, first)
  assert.match(String(stand.of('service.exited', 'http')[0]?.data.diagnosis), /hung|hang|answer/i)

  // It stands still as a whole.
  process.kill(second, 'SIGSTOP')
  await stand.wait('it is back again', () => stand.of('service.recovered', 'http').length === 2)
  const third = await stand.onlyProcess('http')
  assert.notEqual(third, second)
  assert.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
  assert.equal(stand.of('service.hung', 'http').length, 2)
  await stand.verified()
})

test('out of memory by its own limit is told from a plain kill', async t => {
  const stand = await makeStand(t)
  stand.configure({
    services: {
      greedy: {
        run: ['python3', join(FIXTURES, 'leaks-memory.py'), '4', '5'],
        limits: { memory: '64MiB' },
        ...QUICK,
      },
    },
  })
  try {
    await stand.up()
  } catch (error) {
    if (/memory/.test(stand.said())) return t.skip('needs memory limits (a writable memory control group)')
    throw error
  }
  const exit = await stand.wait('its end', () => stand.of('service.exited', 'greedy')[0])
  assert.equal(exit.data.oom, true, JSON.stringify(exit.data))
  assert.match(String(exit.data.diagnosis), /memory/)
  const peak = Number(exit.data.rssBytes)
  assert.ok(peak > 30e6 && peak < 80e6, `rssBytes ${peak}`)
  await stand.wait('it is started again', () => stand.of('service.started', 'greedy').length >= 2)
})

test('a service that ignores SIGTERM is gone within its grace period', async t => {
  const stand = await makeStand(t)
  stand.configure({
    services: {
      deaf: {
        run: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
        stop: { timeout: '600ms' },
      },
    },
  })
  await stand.up()
  await stand.inState('deaf', 'ready')
  const before = performance.now()
  await stand.must('stop', 'deaf')
  const tookMs = performance.now() - before
  assert.ok(tookMs >= 600, `it got its grace period (${tookMs} ms)`)
  assert.ok(tookMs < 600 + 5000, `stop took ${tookMs} ms`)
  assert.deepEqual(stand.processes('deaf'), [])
  const exit = stand.of('service.exited', 'deaf')[0]
  assert.deepEqual([exit?.data.signal, exit?.data.wanted], ['SIGKILL', true])
})

for (const how of ['stop', 'crash', 'restart', 'down'] as const) {
  test(`a tree of 50 with sessions and double forks of its own: none survives a ${how}`, async t => {
    const stand = await makeStand(t)
    const pids = join(stand.root, 'pids')
    stand.configure({
      services: {
        tree: { run: ['python3', join(FIXTURES, 'forks-a-tree.py'), pids, '50'], stop: { timeout: '300ms' }, ...QUICK },
      },
    })
    await stand.up()
    const grown = () => {
      const found = existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n').map(Number) : []
      return found.length === 50 && found.every(pid => stand.processes('tree').includes(pid)) ? found : null
    }
    const old = await stand.wait('50 processes', grown)
    const sessions = new Set(old.map(pid => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3]))
    assert.ok(sessions.size > 10, `they are in ${sessions.size} sessions`)
    if (how === 'crash') process.kill((await stand.service('tree')).pid ?? assert.fail(), 'SIGKILL')
    else await stand.must(...(how === 'down' ? ['down'] : [how, 'tree']))
    const survivors = () => stand.processes('tree').filter(pid => old.includes(pid))
    if (how === 'crash') await stand.wait('a new one', () => stand.of('service.started', 'tree').length === 2)
    assert.deepEqual(survivors(), [])
    if (how === 'crash' || how === 'restart') await stand.wait('50 new processes', grown)
    else assert.deepEqual(stand.processes('tree'), [])
    if (how === 'down') await stand.nothingLeft()
  })
}

test('floods and binary output: the log is bounded, the daemon stays small, and logs prints', async t => {
  const stand = await makeStand(t)
  stand.configure({
    services: {
      flood: {
        run: ['sh', '-c', 'exec yes "a line of a service that has too much to say"'],
        logs: { maxBytes: '4MiB', keep: 2 },
      },
      binary: { run: ['sh', '-c', 'head -c 200000 /dev/urandom; printf "\\n\\033[2J\\000last\\n"; exec sleep 100000'] },
    },
  })
  const daemon = await stand.up()
  await stand.inState('flood', 'ready')
  const early = daemon.rssBytes()
  const logs = join(stand.state, 'logs')
  const sizes = () =>
    readdirSync(logs)
      .filter(name => name.startsWith('flood'))
      .map(name => statSync(join(logs, name)).size)
  await stand.wait('a rotation', () => existsSync(join(logs, 'flood.log.2')))
  const pid = await stand.onlyProcess('flood')
  assert.ok(killQuietly(pid, 'SIGSTOP'))
  const log = readFileSync(join(logs, 'flood.log'), 'latin1')
  assert.ok(!log.includes('\0'), 'no hole at its beginning: the service goes on at the end of what is there')
  const copies = readdirSync(logs).filter(name => name.startsWith('flood.log.'))
  assert.ok(copies.length <= 2, copies.join(' '))
  await stand.wait('the log is within bounds', () => sizes().every(size => size <= 4 * 1024 * 1024 + 4096))
  assert.ok(
    daemon.rssBytes() < early + 60e6,
    `resident memory went from ${early / 1e6} to ${daemon.rssBytes() / 1e6} MB`,
  )
  killQuietly(pid, 'SIGCONT')

  const shown = await stand.must('logs', 'flood', '--lines', '5')
  assert.match(shown, /too much to say\n/)
  assert.ok(shown.split('\n').length <= 6)
  assert.match(await stand.must('logs', 'binary', '--lines', '1'), /last/)
  const unknown = await stand.cli('logs', 'no-such')
  assert.equal(unknown.code, 2)
  await stand.verified()
})

test('where descriptors are few, standbys go without and orders are still heard', async t => {
  const stand = await makeStand(t)
  const names = Array.from({ length: 40 }, (_, n) => `s${n}`)
  stand.configure({ services: Object.fromEntries(names.map(name => [name, { run: ['sleep', '1000'], ...QUICK }])) })
  await stand.up({ wrap: ['prlimit', '--nofile=300:300'] })
  for (const name of names) await stand.wait(`${name} is ready`, () => stand.of('service.ready', name)[0])
  // Long enough for all standbys to be armed, if they may.
  await new Promise(resolve => setTimeout(resolve, 2000))
  process.kill(await stand.onlyProcess('s39'), 'SIGKILL')
  await stand.wait('it is healed', () => stand.of('service.recovered', 's39')[0])
  assert.equal((await stand.status()).services.length, 40)
  await stand.must('down')
  await stand.nothingLeft()
})

test('a service that dies with binary last words is recorded in valid lines', async t => {
  const deaths = soak(5, 50)
  const stand = await makeStand(t)
  stand.configure({
    services: { dies: { run: ['sh', '-c', 'head -c 3000 /dev/urandom; exit 7'], ...QUICK } },
  })
  await stand.up()
  await stand.wait('deaths', () => stand.of('service.exited', 'dies').length >= deaths)
  await stand.must('stop', 'dies')
  for (const exit of stand.of('service.exited', 'dies').slice(0, deaths)) assert.equal(exit.data.exitCode, 7)
  await stand.verified()
})
