import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()

test('a restart that systemd gives up because of what the unit requires is no stop by hand; one that is stopped is', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const bad = join(machine.shared, 'bad')
  const sleeper = '[Service]\nExecStart=/bin/sleep 100000\nRestart=always\nRestartSec=1s\n'
  await machine.units({
    'base.service': `[Service]\nType=oneshot\nExecStart=/bin/sh -c "[ ! -e ${bad} ]"\n`,
    'needs.service': `[Unit]\nRequires=base.service\nAfter=base.service\n${sleeper}`,
    'plain.service': sleeper,
  })
  await machine.must('systemctl', 'start', 'needs', 'plain')
  const heald = healdInside(machine)
  heald.configure({ host: 'machine', services: { needs: { unit: 'needs.service' }, plain: { unit: 'plain.service' } } })
  await heald.up()
  writeFileSync(bad, '')
  await machine.must('systemctl', 'kill', '-s', 'KILL', 'needs', 'plain')
  await heald.entry('the end of plain', e => e.kind === 'service.restarting' && e.svc === 'plain')
  await machine.must('systemctl', 'stop', 'plain')
  await heald.entry('the wish', e => e.kind === 'service.stopped' && e.svc === 'plain' && e.actor === 'outside')
  const { data } = await heald.entry(
    'that systemd has given up',
    e => e.kind === 'service.restarting' && e.svc === 'needs' && e.data.by !== 'systemd',
  )
  assert.match(String(data.cause), /given up restarting it: a unit that it requires could not be started/)
  rmSync(bad)
  await heald.entry('its recovery', e => e.kind === 'service.recovered' && e.svc === 'needs', 60_000)
  assert.deepEqual(heald.of('service.stopped', 'needs'), [])
  assert.equal((await heald.service('plain')).state, 'stopped')
  await heald.verified()
})
