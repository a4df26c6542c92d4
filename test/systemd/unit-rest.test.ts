import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

// heald is killed while systemd still ends the rest of units whose end was told.

const missing = machineIsMissing()
/** What is left of it takes systemd 20 s: long enough for another heald to come. */
const stubborn = (more = '') =>
  `[Service]\nTimeoutStopSec=20\nExecStart=/bin/sh -c "(trap '' TERM; while :; do sleep 0.2; done) & exec sleep 100000"\n${more}`
/** Falls with its base, and takes as long to end. */
const BOUND = `[Unit]\nBindsTo=base.service\n[Service]\nTimeoutStopSec=20\nExecStart=/bin/sh -c "trap '' TERM; while :; do sleep 0.2; done"\n`
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
    'late.service': stubborn(),
    'base.service': '[Service]\nExecStart=/bin/sleep 100000\n',
    'bound.service': BOUND,
  })
  const killed = ['plain', 'always', 'stopped', 'started', 'late']
  const names = [...killed, 'base', 'bound']
  await machine.must('systemctl', 'start', ...names)
  const heald = healdInside(machine)
  heald.configure({
    host: 'machine',
    services: Object.fromEntries(names.map(name => [name, { unit: `${name}.service` }])),
  })
  await heald.up()
  const isReady = (name: string) =>
    until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready')
  for (const name of names) await isReady(name)
  for (const name of [...killed, 'base']) await machine.must('systemctl', 'kill', '-s', 'KILL', '--kill-who=main', name)
  for (const name of names) await heald.entry(`the end of ${name}`, e => e.kind === 'service.exited' && e.svc === name)
  await machine.must('systemctl', 'stop', '--no-block', 'stopped')
  await machine.must('systemctl', 'start', '--no-block', 'started')
  const isWish = await heald.entry('the wish', e => e.kind === 'service.stopped' && e.svc === 'stopped')
  assert.equal(isWish.actor, 'outside')
  await isReady('base')
  await heald.kill()
  await machine.must('systemctl', 'stop', '--no-block', 'late')
  await heald.up()
  for (const name of [...killed, 'bound'])
    assert.equal((await machine.show(name, 'ActiveState')).ActiveState, 'deactivating', `${name}: heald came in time`)

  await t.test('an end that was recorded is told once, and the unit comes back', async () => {
    for (const name of ['plain', 'always', 'started', 'bound']) {
      await isReady(name)
      // It is written a moment after it is shown.
      await heald.entry('the end of that', e => e.kind === 'incident.resolved' && e.svc === name)
      assert.equal(heald.of('service.exited', name).length, 1, name)
      assert.equal(heald.of('incident.opened', name).length, 1, name)
    }
    assert.equal(heald.of('service.restarting', 'always')[0]?.data.by, 'systemd')
    assert.equal((await machine.show('always', 'NRestarts')).NRestarts, '1', 'systemd has started it')
  })

  await t.test('what was stopped by hand before, or while no heald ran, stays so', async () => {
    const isDown = async (name: string) => (await machine.show(name, 'ActiveState')).ActiveState === 'failed'
    for (const name of ['stopped', 'late']) await until(`${name} to be down`, () => isDown(name))
    await sleep(STAYS_MS)
    for (const name of ['stopped', 'late']) {
      assert.ok(await isDown(name), name)
      assert.equal((await heald.service(name)).state, 'stopped', name)
      assert.equal(heald.of('service.stopped', name).length, 1, name)
      assert.equal(heald.of('service.exited', name).length, 1, name)
    }
  })

  await t.test('and neither a start that waits for the rest to be gone nor a fall is a stop', () => {
    for (const name of ['plain', 'always', 'started', 'bound'])
      assert.deepEqual(heald.of('service.stopped', name), [], name)
  })
  await heald.verified()
})
