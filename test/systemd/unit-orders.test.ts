import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const sleeper = (more = '', before = '') =>
  `[Unit]\n${before}\n[Service]\nExecStart=/bin/sh -c "echo hello; exec sleep 100000"\n${more}`

test('units under another name, and orders that systemd refuses or somebody else crosses', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const inside = (...path: string[]) => join(machine.root(), ...path)
  await machine.units({
    'real.service': `${sleeper()}[Install]\nAlias=nick.service\nWantedBy=multi-user.target\n`,
    'bad.service': sleeper(),
    'deleted.service': sleeper(),
    'stubborn.service':
      '[Service]\nTimeoutStopSec=30\nExecStart=/bin/sh -c "trap \'\' TERM; while :; do sleep 0.2; done"\n',
    'conditional.service': sleeper('', 'ConditionPathExists=!/run/not-now'),
  })
  // A mask lies above it, where an administrator's files are.
  writeFileSync(inside('run/systemd/system/masked.service'), sleeper())
  await machine.must('systemctl', 'daemon-reload')
  await machine.must('systemctl', 'enable', 'real')
  const names = ['masked', 'bad', 'deleted', 'stubborn', 'conditional']
  await machine.must('systemctl', 'start', 'real', ...names)
  const heald = healdInside(machine)
  const services = Object.fromEntries(names.map(name => [name, { unit: `${name}.service` }]))
  // The pattern names it by its own name.
  heald.configure({
    host: 'machine',
    units: ['rea*.service'],
    services: { ...services, nick: { unit: 'nick.service' } },
  })
  await heald.up()
  const kill = (name: string) => machine.must('systemctl', 'kill', '-s', 'KILL', name)
  const pidOf = async (name: string) => (await machine.show(name, 'MainPID')).MainPID
  const isReady = (name: string) =>
    until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready')
  const stopped = (svc: string) =>
    heald.entry('the wish', e => e.kind === 'service.stopped' && e.svc === svc && e.actor === 'outside')

  await t.test('a unit that the file names by its other name, and a pattern too, is one', async () => {
    const { services } = await heald.json<Status>('status')
    assert.deepEqual(services.map(({ name }) => name).sort(), [...names, 'nick'].sort())
    assert.match(await heald.said(), /real\.service, which a pattern names, is nick\.service in the configuration/)
  })

  await t.test('a unit under its other name (Alias=) is healed, restarted, stopped by hand, and shown', async () => {
    await kill('real')
    const { data } = await heald.entry('its end', e => e.kind === 'service.exited' && e.svc === 'nick')
    assert.equal(data.signal, 'SIGKILL')
    await heald.entry('its recovery', e => e.kind === 'service.recovered' && e.svc === 'nick')
    await isReady('nick')
    const before = await pidOf('real')
    assert.equal((await heald.cli('restart', 'nick')).code, 0)
    assert.notEqual(await pidOf('real'), before)
    assert.equal((await heald.service('nick')).unit, 'nick.service')
    assert.match((await heald.cli('logs', 'nick')).stdout, /hello/)
    await machine.must('systemctl', 'stop', 'real')
    await stopped('nick')
  })

  await t.test('a restart that systemd refuses fails in words, and leaves alone what runs', async () => {
    await machine.must('systemctl', 'mask', 'masked')
    rmSync(inside('etc/systemd/system/deleted.service'))
    // Type=simple has one command.
    await machine.units({ 'bad.service': '[Service]\nExecStart=/bin/sleep 1\nExecStart=/bin/sleep 2\n' })
    const words = { masked: /masked/, deleted: /no unit deleted\.service/, bad: /bad-setting/ }
    for (const [name, why] of Object.entries(words)) {
      const before = await pidOf(name)
      const { code, stderr } = await heald.cli('restart', name)
      assert.deepEqual([code, await pidOf(name)], [1, before], name)
      assert.match(stderr, why)
      assert.equal((await heald.service(name)).state, 'ready', name)
      assert.equal(heald.of('incident.opened', name).length, 0, name)
    }
  })

  await t.test('a stop by hand in the middle of a restart is a wish', async () => {
    const restart = heald.cli('restart', 'stubborn')
    await until('it to be ending', async () => (await machine.show('stubborn', 'SubState')).SubState === 'stop-sigterm')
    const stop = machine.run('systemctl', 'stop', 'stubborn')
    await until('the stop', async () =>
      (await machine.must('systemctl', 'list-jobs')).includes('stubborn.service stop'),
    )
    await kill('stubborn')
    await stop
    assert.equal((await restart).code, 1)
    await stopped('stubborn')
    assert.equal((await heald.service('stubborn')).state, 'stopped')
    assert.equal(heald.of('incident.opened', 'stubborn').length, 0)
  })

  await t.test('a unit whose condition is not met is held, with an incident, and is no crash loop', async () => {
    writeFileSync(inside('run/not-now'), '')
    await kill('conditional')
    await until('it to be held', async () => (await heald.service('conditional')).state === 'held')
    assert.match((await heald.service('conditional')).why ?? '', /a condition of the unit is not met/)
    assert.equal(heald.of('crashloop.detected', 'conditional').length, 0)
    assert.equal(heald.of('incident.opened', 'conditional').length, 1)
    assert.equal(heald.of('incident.resolved', 'conditional').length, 0)
    rmSync(inside('run/not-now'))
    await machine.must('systemctl', 'start', 'conditional')
    await isReady('conditional')
    await heald.entry('the end of that', e => e.kind === 'incident.resolved' && e.svc === 'conditional', 90_000)
  })
  await heald.verified()
})
