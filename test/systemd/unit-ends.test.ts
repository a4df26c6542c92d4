import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const sleeper = (more = '', before = '') => `[Unit]\n${before}\n[Service]\nExecStart=/bin/sleep 100000\n${more}`
/** Until then a second start would have come. */
const STAYS_MS = 4000
/** An end is told by its first signal, not once systemd has ended the rest. */
const AT_ONCE_MS = 2000

test('how units end: at once, as they were told to, and because of others', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const ran = (name: string) => join(machine.shared, `${name}.ran`)
  const exits = (name: string, code: number, more = '') =>
    `[Service]\nExecStart=/bin/sh -c "echo >>${ran(name)}; sleep 1; exit ${code}"\n${more}`
  const hung = 'trap "" ABRT TERM; systemd-notify --ready; while :; do sleep 0.2; done'
  await machine.units({
    'asks.service': exits('asks', 125),
    'prevented.service': exits('prevented', 23, 'Restart=always\nRestartSec=100ms\nRestartPreventExitStatus=23\n'),
    'nightly.service': exits('nightly', 0),
    'nightly.timer': '[Timer]\nOnActiveSec=1h\n',
    'parent.service': `[Service]\nTimeoutStopSec=4\nExecStart=/bin/sh -c "(trap '' TERM; while :; do sleep 0.2; done) & exec sleep 100000"\n`,
    'post.service': sleeper(
      `Restart=always\nRestartSec=100ms\nExecStopPost=/bin/sh -c "sleep 3; echo >>${ran('post')}"\n`,
    ),
    'watched.service': `[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=1\nTimeoutAbortSec=4\nTimeoutStopSec=1\nExecStart=/bin/sh -c '${hung}'\n`,
    'daemon.service': '[Service]\nType=forking\nGuessMainPID=no\nExecStart=/bin/sh -c "sleep 100000 & exit 0"\n',
    'base.service': sleeper(),
    'bound.service': sleeper('', 'BindsTo=base.service\nAfter=base.service'),
    'always.service': sleeper('Restart=always\nRestartSec=1s\n'),
    'tied.service': sleeper('', 'BindsTo=always.service\nAfter=always.service'),
  })
  const running = ['parent', 'post', 'daemon', 'base', 'bound', 'always', 'tied']
  await machine.must('systemctl', 'start', ...running, 'nightly.timer')
  const heald = healdInside(machine)
  const named = [...running, 'asks', 'prevented', 'watched'].map(name => [name, { unit: `${name}.service` }])
  heald.configure({ host: 'machine', units: ['nightly*.service'], services: Object.fromEntries(named) })
  await heald.up()
  const kill = (name: string) => machine.must('systemctl', 'kill', '-s', 'KILL', '--kill-who=main', name)
  const runs = (name: string) => (existsSync(ran(name)) ? readFileSync(ran(name), 'utf8').length : 0)
  const ended = (svc: string) => heald.entry(`the end of ${svc}`, e => e.kind === 'service.exited' && e.svc === svc)
  const well = (svc: string) => heald.entry(`${svc} to be well`, e => e.kind === 'service.recovered' && e.svc === svc)
  const isReady = (name: string) =>
    until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready')

  await t.test('what asks to be left down, or is to be, is left down', async () => {
    await machine.must('systemctl', 'start', 'asks', 'prevented', 'nightly')
    for (const name of ['asks', 'prevented', 'nightly']) await ended(name)
    await sleep(STAYS_MS)
    assert.deepEqual(['asks', 'prevented', 'nightly'].map(runs), [1, 1, 1])
    const why = async (name: string) => (await heald.service(name)).why ?? ''
    assert.match(await why('asks'), /code 125, which asks to be left down/)
    assert.match(await why('prevented'), /code 23, and RestartPreventExitStatus=/)
    assert.match(await why('nightly'), /code 0: it is done until .* as nightly\.timer does while that is active/)
    for (const name of ['asks', 'nightly']) assert.equal(heald.of('incident.opened', name).length, 0, name)
    assert.equal(heald.of('incident.opened', 'prevented').length, 1, 'people have to know')
  })

  await t.test('an end is told at once, while systemd ends the rest, which is left to it', async () => {
    for (const name of ['parent', 'post']) {
      const fromMs = performance.now()
      await kill(name)
      const { data } = await ended(name)
      const tookMs = performance.now() - fromMs
      assert.ok(tookMs < AT_ONCE_MS, `${name}: told after ${Math.round(tookMs)} ms`)
      assert.equal(data.signal, 'SIGKILL')
      assert.notEqual((await heald.service(name)).state, 'ready')
    }
    for (const name of ['parent', 'post']) {
      const { data } = await well(name)
      assert.ok(Number(data.downMs) > AT_ONCE_MS, `${name} was down for ${data.downMs} ms`)
      assert.equal(heald.of('service.exited', name).length, 1)
    }
    assert.equal(runs('post'), 1, 'its last command was not killed')
    assert.equal((await machine.show('post', 'NRestarts')).NRestarts, '1', 'systemd has started it')
  })

  await t.test('a hang by WatchdogSec is told at once too', async () => {
    await machine.must('systemctl', 'start', 'watched')
    const { data } = await ended('watched')
    assert.equal(data.result, 'watchdog')
    assert.ok(Number(data.uptimeMs) < 3000, `after ${data.uptimeMs} ms`)
    assert.equal((await machine.show('watched', 'ActiveState')).ActiveState, 'deactivating')
    await well('watched')
    await machine.must('systemctl', 'stop', 'watched')
  })

  await t.test('figures of a unit without a main process are of this run', async () => {
    await machine.must('systemctl', 'kill', '-s', 'KILL', 'daemon')
    const { data } = await well('daemon')
    assert.ok(Number(data.downMs) >= 0, `down for ${data.downMs} ms`)
    const readyMs = Number(heald.of('service.ready', 'daemon').at(-1)?.data.readyMs)
    assert.ok(readyMs >= 0 && readyMs < 5000, `ready after ${readyMs} ms`)
  })

  await t.test('what systemd stops because another one fell has fallen too, and comes back with it', async () => {
    for (const [base, bound] of [
      ['base', 'bound'],
      ['always', 'tied'],
    ] as const) {
      await kill(base)
      const { data } = await ended(bound)
      assert.deepEqual([data.wanted, data.result], [false, 'dependency'])
      assert.match(String(data.diagnosis), new RegExp(`${base}\\.service`))
      await well(bound)
      assert.equal(heald.of('service.stopped', bound).length, 0)
      await isReady(base)
    }
    assert.equal((await machine.show('always', 'NRestarts')).NRestarts, '1', 'in its own time')
  })

  await t.test('and is a wish where the other one was stopped', async () => {
    await isReady('bound')
    await machine.must('systemctl', 'stop', 'base')
    await heald.entry('the wish', e => e.kind === 'service.stopped' && e.svc === 'bound' && e.actor === 'outside')
    assert.equal((await heald.service('bound')).state, 'stopped')
    assert.equal((await heald.service('base')).state, 'stopped')
  })
  await heald.verified()
})
