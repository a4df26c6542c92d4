import assert from 'node:assert/strict'
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
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
  /** Each unit writes a line here when it starts: counted by nobody else. */
  const starts = join(machine.shared, 'starts')
  mkdirSync(starts)
  const text = (n: number) =>
    '[Unit]\nStartLimitIntervalSec=0\n[Service]\n' +
    `ExecStart=/bin/sh -c "echo >>${starts}/${name(n)}; exec sleep 100000"\n` +
    (isOurs(n) ? '' : 'Restart=always\nRestartSec=0\n')
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
  /** What systemd's own count of its restarts is more than these. */
  let surplus = new Map<string, number>()

  /** A command that kills these; from now on their ends are wanted. */
  async function killing(from: number, to: number): Promise<string> {
    const crowd = units.slice(from, to)
    const pids = await mainPids(crowd)
    for (const unit of crowd) wanted.set(unit, (wanted.get(unit) ?? 0) + 1)
    return `kill -9 ${pids.join(' ')}`
  }
  const inside = (script: string) => machine.must('sh', '-c', script)

  async function mainPids(of: readonly string[]): Promise<string[]> {
    const out = await machine.must('systemctl', 'show', '--property=MainPID', '--value', ...of)
    const pids = out.split('\n').filter(line => line !== '')
    assert.equal(pids.filter(pid => pid !== '0').length, of.length, 'all of them run')
    return pids
  }

  /** How often heald has lost its connection to systemd. */
  const timesCutOff = async () => (await heald.said()).split('the connection to systemd is gone').length - 1

  /** Of those that systemd restarts, what it counts beyond the ends they should have. */
  async function countSurplus(): Promise<Map<string, number>> {
    const theirs = units.filter((_, n) => !isOurs(n))
    const counts = await machine.must('systemctl', 'show', '--property=NRestarts', '--value', ...theirs)
    const counted = counts.split('\n').filter(Boolean).map(Number)
    return new Map(theirs.map((unit, at) => [unit, (counted[at] ?? Number.NaN) - (wanted.get(unit) ?? 0)]))
  }

  /** `isRecounted`: systemd counts a restart twice that is about to come when it re-executes itself. */
  async function areWell(isRecounted = false): Promise<void> {
    const total = [...wanted.values()].reduce((sum, count) => sum + count, 0)
    await until(`${total} ends to be told`, async () => heald.of('service.exited').length >= total).catch(error => {
      throw new Error(`${error}: told ${heald.of('service.exited').length}`)
    })
    await until('all to be ready', async () => {
      const { services } = await heald.json<Status>('status')
      return services.every(service => service.state === 'ready')
    })
    const told = new Map(units.map(unit => [unit, 0]))
    for (const { svc = '' } of heald.of('service.exited')) told.set(svc, (told.get(svc) ?? 0) + 1)
    assert.deepEqual([...told], [...wanted])
    // Each was started once more than it has ended, as they tell it themselves, and runs as heald has it.
    const written = (unit: string) => (existsSync(join(starts, unit)) ? statSync(join(starts, unit)).size : 0)
    const due = (unit: string) => (wanted.get(unit) ?? 0) + 1
    await until('the last of them to have begun', () => units.every(unit => written(unit) >= due(unit)))
    assert.deepEqual(units.map(written), units.map(due))
    const { services } = await heald.json<Status>('status')
    const known = new Map(services.map(service => [service.name, String(service.pid)]))
    assert.deepEqual(
      units.map(unit => known.get(unit)),
      await mainPids(units),
    )
    // systemd's own count, where it does the restarting.
    const counted = await countSurplus()
    if (!isRecounted && surplus.size > 0) assert.deepEqual([...counted], [...surplus])
    surplus = counted
  }

  await areWell()
  assert.ok([...surplus.values()].every(count => count === 0))

  await t.test(`${KILLED} of ${UNITS} killed at once`, async () => {
    const from = performance.now()
    await inside(await killing(0, KILLED))
    await areWell()
    t.diagnostic(`${KILLED} killed: all told and ready again ${Math.round(performance.now() - from)} ms later`)
  })

  await t.test('all of them at once', async () => {
    await inside(await killing(0, UNITS))
    await areWell()
  })

  // Once D-Bus is gone altogether heald goes on at systemd's own socket, so that comes last.
  await t.test('D-Bus dies with all that it had still to deliver', async () => {
    const before = await timesCutOff()
    await until('D-Bus to run', async () => (await machine.show('dbus', 'MainPID')).MainPID !== '0')
    const { MainPID } = await machine.show('dbus', 'MainPID')
    const [first, second] = [await killing(0, KILLED), await killing(KILLED, 2 * KILLED)]
    await inside(`kill -STOP ${MainPID}; ${first}; sleep 0.3; kill -9 ${MainPID}; ${second}`)
    await areWell()
    assert.equal(await timesCutOff(), before + 1)
  })

  await t.test('D-Bus restarted while they are killed', async () => {
    const before = await timesCutOff()
    // The order to systemd comes before the kills, and is carried out while they are.
    await inside(`systemctl --no-block restart dbus.service; ${await killing(0, KILLED)}`)
    await areWell()
    assert.equal(await timesCutOff(), before + 1)
  })

  await t.test('D-Bus stopped, some killed, D-Bus started', async () => {
    const before = await timesCutOff()
    await machine.must('systemctl', 'stop', 'dbus.socket', 'dbus.service')
    await inside(await killing(0, KILLED))
    await areWell()
    await machine.must('systemctl', 'start', 'dbus.socket')
    await inside(await killing(0, KILLED))
    await areWell()
    assert.equal(await timesCutOff(), before + 1)
  })

  await t.test('systemd re-executed while they are killed', async () => {
    const kill = await killing(0, KILLED)
    await Promise.all([inside(kill), machine.must('systemctl', 'daemon-reexec')])
    await sleep(500)
    await areWell(true)
    await machine.must('systemctl', 'daemon-reload')
    await inside(await killing(0, KILLED))
    await areWell()
  })

  await heald.verified()
})
