import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { killQuietly } from './leftovers.ts'
import { makeStand, soak } from './stand.ts'

const PATIENT = {
  crashLoop: { failures: 1000, within: '1s' },
  restart: { backoff: { base: '1ms', cap: '50ms', resetAfter: '100ms' } },
}

test('every kill -9 of a service is in the ledger with its diagnosis, and pids and counts agree', async t => {
  const kills = soak(8, 200)
  const stand = await makeStand(t)
  stand.configure({ services: { victim: { run: ['sleep', '100000'], ...PATIENT } } })
  await stand.up()
  const killed: number[] = []
  const life = (n: number) =>
    stand.wait(`life ${n} of victim`, () => {
      const found = stand.processes('victim')
      return found.length === 1 && found[0] !== killed.at(-1) ? found[0] : null
    })
  for (let n = 0; n < kills; n += 1) {
    const pid = await life(n)
    // Each life is long enough to reset the backoff, however late it began.
    await sleep(300)
    process.kill(pid, 'SIGKILL')
    killed.push(pid)
  }
  const last = await life(kills)
  await stand.wait('all is recorded', () => stand.of('service.recovered', 'victim').length >= kills)

  const exits = stand.of('service.exited', 'victim')
  assert.deepEqual(
    exits.map(entry => entry.data.pid),
    killed,
  )
  for (const { data } of exits) {
    assert.equal(data.exit, 'signal')
    assert.equal(data.signal, 'SIGKILL')
    assert.equal(data.oom, false)
    assert.equal(data.wanted, false)
    assert.match(String(data.diagnosis), /SIGKILL/)
    assert.ok(Number(data.uptimeMs) > 0)
  }
  assert.deepEqual(
    stand.of('service.started', 'victim').map(entry => entry.data.pid),
    [...killed, last],
  )
  const { pid, restarts, state } = await stand.service('victim')
  assert.deepEqual({ pid, restarts, state }, { pid: last, restarts: kills, state: 'ready' })
  const restarting = stand.of('service.restarting', 'victim')
  assert.equal(restarting.length, kills)
  assert.ok(
    restarting.every(entry => entry.data.delayMs === 0),
    'every first restart is at once',
  )
  assert.equal(stand.of('crashloop.detected').length, 0)
  const incidents = await stand.json<{ state: string; downMs: number }[]>('incidents', '--all')
  assert.equal(incidents.length, kills)
  assert.ok(incidents.every(incident => incident.state === 'resolved' && incident.downMs >= 0))
  await stand.verified()
})

test('many services killed at once all come back, each once', async t => {
  const [services, atOnce] = [soak(40, 500), soak(16, 100)]
  const stand = await makeStand(t)
  const names = Array.from({ length: services }, (_, n) => `s${n}`)
  stand.configure({ services: Object.fromEntries(names.map(name => [name, { run: ['sleep', '100000'], ...PATIENT }])) })
  const daemon = await stand.up({ timeoutMs: 60_000 })
  const live = () => new Map(names.map(name => [name, stand.processes(name)]))
  await stand.wait('all are up', () => stand.of('service.ready').length >= services, 120_000)
  // Without a check, ready means launched: the programs themselves follow in a moment.
  const each = (found: Map<string, number[]>) => ([...found.values()].every(pids => pids.length === 1) ? found : null)
  const before = await stand.wait('each has one process', () => each(live()))

  const victims = names.slice(0, atOnce)
  for (const name of victims) for (const pid of before.get(name) ?? []) process.kill(pid, 'SIGKILL')
  await stand.wait('all are back', () => stand.of('service.recovered').length >= atOnce)
  const after = await stand.wait('each has one process again', () => each(live()))
  for (const name of names) {
    const [was, is] = [before.get(name) ?? [], after.get(name) ?? []]
    assert.equal(is.length, 1, `${name} has ${is.length} processes`)
    assert.equal(is[0] === was[0], !victims.includes(name), `${name}: ${was} became ${is}`)
  }
  const exited = stand.of('service.exited').map(entry => entry.svc)
  assert.deepEqual([...exited].sort(), [...victims].sort())
  const { services: shown } = await stand.status()
  assert.ok(shown.every(each => each.state === 'ready'))
  assert.ok(daemon.rssBytes() < 200e6, `the daemon holds ${Math.round(daemon.rssBytes() / 1e6)} MB`)
  await stand.verified()
  await stand.must('down')
  await stand.nothingLeft()
})

test('a killed descendant is not the end of a service, a killed main process is', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { pair: { run: ['sh', '-c', 'sleep 100001 & sleep 100002; wait'], ...PATIENT } } })
  await stand.up()
  const pids = await stand.wait('three processes', () => {
    const found = stand.processes('pair')
    return found.length === 3 ? found : null
  })
  const { pid: main } = await stand.service('pair')
  assert.ok(main !== null && pids.includes(main))
  for (const pid of pids) if (pid !== main) killQuietly(pid)
  // The shell ends by itself now: nothing is left to wait for.
  const [exit] = await stand.wait('the end of the shell', () => {
    const found = stand.of('service.exited', 'pair')
    return found.length > 0 ? found : null
  })
  assert.equal(exit?.data.pid, main)
  await stand.wait('a new tree', () => stand.processes('pair').length === 3)
})
