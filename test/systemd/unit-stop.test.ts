import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from '../../core/api/client.ts'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

// What `heald stop` answers, where systemd does not hear it or does not want to.

const missing = machineIsMissing()
const sleeper = (unit = '') =>
  `[Unit]\n${unit}\n[Service]\nExecStart=/bin/sleep 100000\nRestart=always\nRestartSec=100ms\n`
const DISTURBANCES = 3
const BETWEEN_MS = 300
const STOP_MS = 60_000

test('heald stop: what it answers is so, also while systemd re-executes itself or D-Bus is restarted', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const disturbances = {
    'systemd re-executes itself': { prefix: 'exec', argv: ['systemctl', 'daemon-reexec'] },
    'D-Bus is restarted': { prefix: 'bus', argv: ['systemctl', 'restart', 'dbus'] },
  }
  const namesOf = (prefix: string) => Array.from({ length: 20 }, (_, at) => `${prefix}${at}`)
  const names = [...namesOf('exec'), ...namesOf('bus')]
  const units = Object.fromEntries(names.map(name => [`${name}.service`, sleeper()]))
  await machine.units({ ...units, 'refuses.service': sleeper('RefuseManualStop=yes') })
  await machine.must('systemctl', 'start', 'refuses', ...names)
  const heald = healdInside(machine)
  const services = Object.fromEntries(['refuses', ...names].map(name => [name, { unit: `${name}.service` }]))
  heald.configure({ host: 'machine', services })
  await heald.up()
  const isReady = async () => (await heald.status())?.services.every(({ state }) => state === 'ready') === true
  await until('all to be ready', isReady)

  for (const [what, { prefix, argv }] of Object.entries(disturbances)) {
    await t.test(`while ${what}`, async () => {
      const disturbing = (async () => {
        for (let n = 0; n < DISTURBANCES; n += 1) {
          await machine.run(...argv)
          await sleep(BETWEEN_MS)
        }
      })()
      const stops: Promise<unknown>[] = []
      for (const name of namesOf(prefix)) {
        stops.push(request(heald.socket(), 'POST', `/v1/services/${name}/stop`, {}, { timeoutMs: STOP_MS }))
        await sleep(BETWEEN_MS / 4)
      }
      await Promise.all([disturbing, ...stops])
      for (const name of namesOf(prefix)) {
        assert.equal((await machine.show(name, 'ActiveState')).ActiveState, 'inactive', name)
        assert.equal((await heald.service(name)).state, 'stopped', name)
        assert.equal(heald.of('service.stopped', name).length, 1, name)
        const [exit] = heald.of('service.exited', name)
        assert.match(String(exit?.data.diagnosis), /^stopped as asked/, name)
      }
    })
  }

  await t.test('a unit that may not be stopped (RefuseManualStop=) goes on, and the answer says so', async () => {
    const before = await machine.show('refuses', 'MainPID')
    const { code, stderr } = await heald.cli('stop', 'refuses')
    assert.equal(code, 1)
    assert.match(stderr, /refuses was not stopped: refuses\.service has RefuseManualStop=/)
    assert.deepEqual(await machine.show('refuses', 'MainPID'), before)
    assert.equal((await heald.service('refuses')).state, 'ready')
    assert.deepEqual(heald.of('service.stopped', 'refuses'), [])
  })
  await heald.verified()
})
