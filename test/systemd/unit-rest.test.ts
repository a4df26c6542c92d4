import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

// heald is killed while systemd still ends the rest of units whose end was told.

const missing = machineIsMissing()
/** What is left of it takes systemd 10 s: long enough for another heald to come. */
const stubborn = (more = '') =>
  `[Service]\nTimeoutStopSec=10\nExecStart=/bin/sh -c "(trap '' TERM; while :; do sleep 0.2; done) & exec sleep 100000"\n${more}`
/** Until then a start that is not to come would have. */
const STAYS_MS = 3000

test('what was told of a unit is not told again by the next heald', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await machine.units({
    'plain.service': stubborn(),
    'always.service': stubborn('Restart=always\nRestartSec=100ms\n'),
    'stopped.service': stubborn(),
    'started.service': stubborn(),
  })
  const names = ['plain', 'always', 'stopped', 'started']
  await machine.must('systemctl', 'start', ...names)
  const heald = healdInside(machine)
  heald.configure({
    host: 'machine',
    services: Object.fromEntries(names.map(name => [name, { unit: `${name}.service` }])),
  })
  await heald.up()
  const isReady = (name: string) =>
    until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready', 30_000)
  for (const name of names) await isReady(name)
  for (const name of names) await machine.must('systemctl', 'kill', '-s', 'KILL', '--kill-who=main', name)
  for (const name of names) await heald.entry(`the end of ${name}`, e => e.kind === 'service.exited' && e.svc === name)
  await machine.must('systemctl', 'stop', '--no-block', 'stopped')
  await machine.must('systemctl', 'start', '--no-block', 'started')
  const isWish = await heald.entry('the wish', e => e.kind === 'service.stopped' && e.svc === 'stopped')
  assert.equal(isWish.actor, 'outside')
  await heald.kill()
  await heald.up()
  for (const name of names)
    assert.equal((await machine.show(name, 'ActiveState')).ActiveState, 'deactivating', `${name}: heald came in time`)

  await t.test('an end that was recorded is told once, and the unit comes back', async () => {
    for (const name of ['plain', 'always', 'started']) {
      await isReady(name)
      // It is written a moment after it is shown.
      await heald.entry('the end of that', e => e.kind === 'incident.resolved' && e.svc === name)
      assert.equal(heald.of('service.exited', name).length, 1, name)
      assert.equal(heald.of('incident.opened', name).length, 1, name)
    }
    assert.equal(heald.of('service.restarting', 'always')[0]?.data.by, 'systemd')
    assert.equal((await machine.show('always', 'NRestarts')).NRestarts, '1', 'systemd has started it')
  })

  await t.test('what was stopped by hand meanwhile stays so', async () => {
    await until('it to be down', async () => (await machine.show('stopped', 'ActiveState')).ActiveState === 'failed')
    await sleep(STAYS_MS)
    assert.equal((await machine.show('stopped', 'ActiveState')).ActiveState, 'failed')
    assert.equal((await heald.service('stopped')).state, 'stopped')
    assert.equal(heald.of('service.stopped', 'stopped').length, 1)
    assert.equal(heald.of('service.exited', 'stopped').length, 1)
  })

  await t.test('and a start that waits for the rest to be gone is no stop', () => {
    for (const name of ['plain', 'always', 'started']) assert.deepEqual(heald.of('service.stopped', name), [], name)
  })
  await heald.verified()
})
