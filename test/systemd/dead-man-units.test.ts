import assert from 'node:assert/strict'
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { quickSleep } from './hurry.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()

test('a dead-man starts a unit again that has failed too often for systemd to start it', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const app = join(machine.shared, 'app')
  const begin = join(machine.shared, 'crash')
  for (const [release, text] of [
    ['good', 'exec sleep 100000'],
    ['bad', `[ ! -e ${begin} ] || exit 7; exec sleep 100000`],
  ] as const) {
    mkdirSync(join(app, 'releases', release), { recursive: true })
    writeFileSync(join(app, 'releases', release, 'run'), `${text}\n`)
  }
  symlinkSync('releases/good', join(app, 'current'))
  // It stays failed for longer than any dead-man waits.
  const limit = '[Unit]\nStartLimitIntervalSec=1d\nStartLimitBurst=3\n'
  const run = `[Service]\nExecStart=/bin/sh ${app}/current/run\nRestart=always\nRestartSec=50ms\n`
  await machine.units({ 'app.service': limit + run })
  await machine.must('systemctl', 'start', 'app')
  const hurry = quickSleep(machine)
  const heald = healdInside(machine, { env: { PATH: hurry.path } })
  heald.configure({
    host: 'machine',
    services: { app: { unit: 'app.service', target: 'app', health: { exec: ['true'], every: '1s' } } },
    targets: { app: { kind: 'releases', path: app, activationDeadline: '2s' } },
    switch: { probation: '10s', passes: 1, deadMan: '75s' },
  })
  await heald.up()
  await until('it to be known as good', async () => (await heald.status())?.targets[0]?.knownGood != null)
  const before = heald.entries().length
  const order = heald.cli('deploy', 'app', 'bad', '--unchecked')
  await heald.entry('the probation', e => e.seq >= before && e.kind === 'switch.probation')
  await heald.strike()
  assert.equal(readlinkSync(join(app, 'current')), 'releases/bad')
  const isFailed = async () => (await machine.show('app', 'ActiveState')).ActiveState === 'failed'
  writeFileSync(begin, '')
  await machine.run('systemctl', 'restart', 'app')
  await until('systemd to start it no more', isFailed).catch(async error => {
    throw new Error(`${error}\n${(await machine.run('systemctl', 'status', 'app')).stdout}`)
  })
  hurry.turn(true)
  await until('the dead-man to lead back', () => readlinkSync(join(app, 'current')) === 'releases/good')
  const isActive = async () => (await machine.show('app', 'ActiveState')).ActiveState === 'active'
  await until('the unit to run', isActive)
  assert.equal(heald.pid(), 0, 'heald had no part in it')
  await heald.up()
  const { code, stdout } = await order
  assert.equal(code, 1)
  assert.match(stdout, /app was rolled back to good, after .*: it was moved away from during probation/)
  await heald.entry('what it did', e => e.kind === 'deadman.fired' && e.data.result === 'done')
})
