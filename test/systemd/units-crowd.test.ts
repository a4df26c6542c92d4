import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Status } from '../../core/api/control.ts'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const UNITS = 200
const KILLED = 50

const name = (n: number) => `crowd-${n}`
const units = Array.from({ length: UNITS }, (_, n) => name(n))
/** Every other one is systemd's to restart. */
const isOurs = (n: number) => n % 2 === 0

test('nothing of many units is missed, whatever happens to D-Bus and systemd meanwhile', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const text = (n: number) =>
    `[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 100000\n${isOurs(n) ? '' : 'Restart=always\nRestartSec=0\n'}`
  await machine.units(Object.fromEntries(units.map((unit, n) => [`${unit}.service`, text(n)])))
  await machine.must('systemctl', 'start', ...units)
  const heald = healdInside(machine)
  const quick = { crashLoop: { failures: 1000 }, restart: { backoff: { base: '1ms', cap: '10ms' } } }
  heald.configure({
    host: 'machine',
    services: Object.fromEntries(units.map(unit => [unit, { unit: `${unit}.service`, ...quick }])),
  })
  await heald.up()
  /** So many ends each unit should have by now. */
  const wanted = new Map(units.map(unit => [unit, 0]))

  /** The first so many, killed by one command, while another one is run. */
  async function killCrowd(count: number, ...beside: string[]): Promise<void> {
    const pids = await mainPids(units.slice(0, count))
    await Promise.all([machine.must('kill', '-9', ...pids), beside.length > 0 && machine.must(...beside)])
    for (const unit of units.slice(0, count)) wanted.set(unit, (wanted.get(unit) ?? 0) + 1)
  }

  async function mainPids(of: readonly string[]): Promise<string[]> {
    const out = await machine.must('systemctl', 'show', '--property=MainPID', '--value', ...of)
    const pids = out.split('\n').filter(line => line !== '')
    assert.equal(pids.filter(pid => pid !== '0').length, of.length, 'all of them run')
    return pids
  }

  async function areWell(isCountedRight = true): Promise<void> {
    const total = [...wanted.values()].reduce((sum, count) => sum + count, 0)
    await until(`${total} ends to be told`, async () => heald.of('service.exited').length >= total, 30_000).catch(
      error => {
        throw new Error(`${error}: told ${heald.of('service.exited').length}`)
      },
    )
    await until('all to be ready', async () => {
      const { services } = await heald.json<Status>('status')
      return services.every(service => service.state === 'ready')
    })
    const told = new Map(units.map(unit => [unit, 0]))
    for (const { svc = '' } of heald.of('service.exited')) told.set(svc, (told.get(svc) ?? 0) + 1)
    assert.deepEqual([...told], [...wanted])
    // systemd's own count, where it does the restarting. It counts a restart twice that is about to come when it
    // re-executes itself.
    if (!isCountedRight) return
    const theirs = units.filter((_, n) => !isOurs(n))
    const counts = await machine.must('systemctl', 'show', '--property=NRestarts', '--value', ...theirs)
    assert.deepEqual(
      counts.split('\n').filter(Boolean).map(Number),
      theirs.map(unit => wanted.get(unit)),
    )
  }

  await t.test(`${KILLED} of ${UNITS} killed at once`, async () => {
    const from = performance.now()
    await killCrowd(KILLED)
    await areWell()
    t.diagnostic(`${KILLED} killed: all told and ready again ${Math.round(performance.now() - from)} ms later`)
  })

  await t.test('all of them at once', async () => {
    await killCrowd(UNITS)
    await areWell()
  })

  await t.test('D-Bus stopped, some killed, D-Bus started', async () => {
    await machine.must('systemctl', 'stop', 'dbus.socket', 'dbus.service')
    await killCrowd(KILLED)
    await areWell()
    await machine.must('systemctl', 'start', 'dbus.socket')
    await killCrowd(KILLED)
    await areWell()
  })

  await t.test('D-Bus restarted while they are killed', async () => {
    await killCrowd(KILLED, 'systemctl', 'restart', 'dbus.service')
    await areWell()
  })

  await t.test('systemd re-executed while they are killed', async () => {
    await killCrowd(KILLED, 'systemctl', 'daemon-reexec')
    await sleep(500)
    await areWell(false)
    await machine.must('systemctl', 'daemon-reload')
    await killCrowd(KILLED)
    await areWell(false)
  })

  await heald.verified()
})
