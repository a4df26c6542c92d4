import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

// A unit waits for what it is bound to, and that was stopped by hand meanwhile; or for the stop of what is stopped before it.

const missing = machineIsMissing()
const sleeper = (more: string, before = '') => `[Unit]\n${before}\n[Service]\nExecStart=/bin/sleep 100000\n${more}`
/** Looks at what is waited for are 1 s apart. */
const STAYS_MS = 4000

test('what is waited for is not started where it was stopped by hand, and that the wait is too long is told', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const go = join(machine.shared, 'go')
  const pause = 'Restart=always\nRestartSec=60s\n'
  // A start waits for its own time and 30 s more.
  const quick = 'TimeoutStartSec=1\n'
  await machine.units({
    'base.service': sleeper(pause),
    'bound.service': sleeper(quick, 'BindsTo=base.service\nAfter=base.service'),
    'known.service': sleeper(pause),
    'tied.service': sleeper(quick, 'BindsTo=known.service\nAfter=known.service'),
    'late.service': sleeper(quick),
    'above.service': `[Unit]
After=late.service
[Service]
TimeoutStopSec=10min
ExecStart=/bin/sh -c "trap '' TERM; until [ -e ${go} ]; do sleep 0.2; done"
`,
  })
  await machine.must('systemctl', 'start', 'base', 'bound', 'known', 'tied', 'late', 'above')
  const heald = healdInside(machine)
  const names = ['bound', 'known', 'tied', 'late']
  heald.configure({
    host: 'machine',
    services: Object.fromEntries(names.map(name => [name, { unit: `${name}.service` }])),
  })
  await heald.up()
  const activeOf = async (unit: string) => (await machine.show(unit, 'ActiveState')).ActiveState
  for (const [base, bound] of [
    ['base', 'bound'],
    ['known', 'tied'],
  ] as const) {
    await machine.must('systemctl', 'kill', '-s', 'KILL', base)
    const isFall = (svc: string | undefined, result: unknown) => svc === bound && result === 'dependency'
    await heald.entry(`the fall of ${bound}`, e => e.kind === 'service.exited' && isFall(e.svc, e.data.result))
  }
  // One is stopped before heald's eyes, but is none of its services; the other one while no heald runs.
  await machine.must('systemctl', 'stop', 'base')
  await sleep(STAYS_MS)
  assert.equal(await activeOf('base'), 'inactive', 'a stop by hand is a wish')
  await heald.kill()
  await machine.must('systemctl', 'stop', 'known')
  const seen = heald.entries().length
  await heald.up()
  await machine.must('systemctl', 'stop', '--no-block', 'above')
  const pid = async () => (await machine.show('late', 'MainPID')).MainPID
  const before = await pid()
  const order = heald.cli('restart', 'late')
  await sleep(STAYS_MS)
  for (const unit of ['base', 'known', 'bound', 'tied']) assert.equal(await activeOf(unit), 'inactive', unit)
  for (const [base, bound] of [
    ['base', 'bound'],
    ['known', 'tied'],
  ] as const) {
    assert.equal((await heald.service(bound)).why, `waits for ${base}.service, which it is bound to`)
    const late = await heald.entry(
      `that ${base} is not back`,
      e => e.seq >= seen && e.svc === bound && e.kind === 'service.exited',
      60_000,
    )
    const { diagnosis } = late.data
    assert.match(String(diagnosis), new RegExp(`${base}\\.service, which it is bound to, was not back within 31 s`))
    assert.equal(await activeOf(base), 'inactive')
  }
  const { code, stderr } = await order
  assert.deepEqual([code === 0, await pid()], [false, before], 'what runs goes on')
  assert.match(stderr, /late was not restarted: systemd did not get to it within 31 s/)
  writeFileSync(go, '')
  await until('what it waited for to be over', async () => (await activeOf('above')) === 'inactive')
  await machine.must('systemctl', 'start', 'base', 'known')
  for (const svc of ['bound', 'tied'])
    await heald.entry(`${svc} to be back`, e => e.seq >= seen && e.kind === 'service.ready' && e.svc === svc)
  for (const svc of ['bound', 'tied'])
    assert.equal(heald.of('service.exited', svc).filter(({ seq }) => seq >= seen).length, 1, 'it is told once')
  assert.equal(await pid(), before, 'nor is it restarted later')
  assert.equal([...heald.of('service.exited', 'late'), ...heald.of('service.stopped', 'late')].length, 0)
  assert.equal(heald.of('crashloop.detected').length, 0)
  await heald.verified()
})
