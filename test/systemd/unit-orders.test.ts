import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const sleeper = (more = '', before = '') =>
  `[Unit]\n${before}\n[Service]\nExecStart=/bin/sh -c "echo hello; exec sleep 100000"\n${more}`

test('a unit of a real systemd under its other name', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await machine.units({
    'real.service': `${sleeper()}[Install]\nAlias=nick.service\nWantedBy=multi-user.target\n`,
  })
  await machine.must('systemctl', 'enable', 'real')
  await machine.must('systemctl', 'start', 'real')
  const heald = healdInside(machine)
  heald.configure({ host: 'machine', services: { nick: { unit: 'nick.service' } } })
  await heald.up()
  const kill = (name: string) => machine.must('systemctl', 'kill', '-s', 'KILL', name)
  const pidOf = async (name: string) => (await machine.show(name, 'MainPID')).MainPID
  const isReady = (name: string) =>
    until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready', 15_000)
  const stopped = (svc: string) =>
    heald.entry('the wish', e => e.kind === 'service.stopped' && e.svc === svc && e.actor === 'outside')

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
  await heald.verified()
})
