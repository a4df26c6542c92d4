import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const sleeper = (more = '', before = '') => `[Unit]\n${before}\n[Service]\nExecStart=/bin/sleep 100000\n${more}`

test('units of a real systemd are healed', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const beat = join(machine.shared, 'beat')
  const bad = join(machine.shared, 'bad')
  const done = join(machine.shared, 'done')
  const start = 'sh -c "echo starting up; exec sleep 100000"'
  await machine.units({
    'plain.service': `[Service]\nExecStart=/bin/${start}\n`,
    'always.service': sleeper('Restart=always\nRestartSec=0\n'),
    'slow.service': sleeper('Restart=on-failure\nRestartSec=700ms\n'),
    'beats.service': `[Service]\nExecStart=/bin/sh -c "while :; do touch ${beat}; sleep 0.1; done"\n`,
    'watched.service':
      '[Service]\nType=notify\nNotifyAccess=all\nWatchdogSec=500ms\nWatchdogSignal=SIGKILL\nRestart=on-failure\nRestartSec=0\n' +
      'ExecStart=/bin/sh -c "systemd-notify --ready; while :; do systemd-notify WATCHDOG=1; sleep 0.1; done"\n',
    'hungry.service': sleeper(),
    'limited.service': sleeper('', 'StartLimitIntervalSec=1h\nStartLimitBurst=2'),
    'loops.service':
      '[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=4\n' +
      `[Service]\nRestart=always\nRestartSec=0\nExecStart=/bin/sh -c "[ -e ${bad} ] && exit 3; exec sleep 100000"\n`,
    'reloads.service': sleeper('ExecReload=/bin/sleep 0.2\n'),
    'finishes.service': `[Service]\nRestart=on-failure\nExecStart=/bin/sh -c "until [ -e ${done} ]; do sleep 0.1; done"\n`,
    'broken.service': '[Service]\nExecStart=/nonexistent/program\n',
    'base.service': sleeper(),
    'needs.service': sleeper('', 'Requires=base.service\nAfter=base.service'),
  })
  const names = ['plain', 'always', 'slow', 'beats', 'watched', 'hungry', 'limited', 'loops', 'reloads', 'finishes']
  await machine.must('systemctl', 'start', ...names, 'base', 'needs')
  await machine.run('systemctl', 'start', 'broken')
  const services = Object.fromEntries(
    [...names, 'masked', 'broken', 'base'].map(name => [name, { unit: `${name}.service` }]),
  )
  const quick = { crashLoop: { failures: 10 }, restart: { backoff: { base: '100ms', cap: '1s' } } }
  const health = { file: beat, maxAge: '400ms', every: '200ms', timeout: '100ms', failures: 2 }
  const heald = healdInside(machine)
  heald.configure({
    host: 'machine',
    services: {
      ...services,
      beats: { unit: 'beats.service', health },
      limited: { unit: 'limited.service', ...quick },
      loops: { unit: 'loops.service', ...quick },
      gone: { unit: 'gone.service' },
      never: {
        unit: 'needs.service',
        readiness: { unit: 'base.service', every: '300ms', timeout: '300ms', failures: 2 },
      },
    },
  })
  await heald.up()
  const kill = (name: string) => machine.must('systemctl', 'kill', '-s', 'KILL', '--kill-who=main', name)
  const exits = (name: string) => heald.of('service.exited', name).filter(entry => entry.data.wanted === false)
  const ended = (name: string, count = 1) =>
    until(`${count} ends of ${name}`, () => exits(name).length >= count).then(() => exits(name)[count - 1]?.data ?? {})
  const isReady = (name: string) =>
    until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready')
  const recovered = (name: string, count = 1) =>
    until(`${name} to be well`, () => heald.of('service.recovered', name).length >= count)

  await t.test('what runs is adopted, and shown as a unit', async () => {
    await isReady('plain')
    const { kind, state, pid } = await heald.service('plain')
    assert.deepEqual([kind, state], ['unit', 'ready'])
    assert.equal(String(pid), (await machine.show('plain', 'MainPID')).MainPID)
    assert.equal(heald.of('service.started', 'plain').length, 0)
    assert.equal(heald.of('service.adopted', 'plain').length, 1)
  })

  await t.test('killed, with Restart=no: heald starts it, and keeps its last lines', async () => {
    await kill('plain')
    const { signal, result, diagnosis } = await ended('plain')
    assert.deepEqual([signal, result], ['SIGKILL', 'signal'])
    assert.match(String(diagnosis), /killed by SIGKILL/)
    await recovered('plain')
    assert.equal(heald.of('service.restarting', 'plain')[0]?.data.by, undefined)
    const { seq } = await heald.entry('its lines', e => e.kind === 'service.logged' && e.svc === 'plain')
    assert.match((await heald.cli('ledger', 'show', String(seq))).stdout, /starting up/)
    assert.match((await heald.cli('logs', 'plain')).stdout, /starting up\n.*starting up/s)
    assert.equal((await machine.show('plain', 'NRestarts')).NRestarts, '0', 'systemd has nothing to do with it')
  })

  await t.test('killed, with Restart=: systemd starts it, in its own time, and heald counts', async () => {
    await kill('always')
    await kill('slow')
    await recovered('always')
    await recovered('slow')
    assert.deepEqual(heald.of('service.restarting', 'slow')[0]?.data, {
      ...{ attempt: 1, delayMs: 700, by: 'systemd' },
      cause: (await ended('slow')).diagnosis,
    })
    for (const name of ['always', 'slow']) {
      assert.equal((await machine.show(name, 'NRestarts')).NRestarts, '1', `${name} was started once, by systemd`)
      assert.equal((await heald.service(name)).restarts, 1)
    }
  })

  await t.test('a hang, by our check: killed and started again', async () => {
    await isReady('beats')
    await machine.must('systemctl', 'kill', '-s', 'STOP', 'beats')
    const { diagnosis } = await ended('beats')
    assert.match(String(diagnosis), /did not answer its health check .* and was killed by heald/)
    await recovered('beats')
  })

  await t.test('a hang, by its WatchdogSec: systemd ends it, and heald knows why', async () => {
    await machine.must('systemctl', 'kill', '-s', 'STOP', 'watched')
    const { result, diagnosis } = await ended('watched')
    assert.equal(result, 'watchdog')
    assert.match(String(diagnosis), /WatchdogSec/)
    await recovered('watched')
  })

  await t.test('out of memory, as systemd tells it', async () => {
    // What systemd-oomd leaves on a group whose processes it kills; the kernel's own counter needs a memory controller.
    const group = `/sys/fs/cgroup${(await machine.show('hungry', 'ControlGroup')).ControlGroup}`
    const mark = ['ooms', 'kill'].map(name => `os.setxattr("${group}", "user.oomd_${name}", b"1")`).join(';')
    await machine.must('python3', '-c', `import os;${mark}`)
    await kill('hungry')
    const { result, oom, diagnosis } = await ended('hungry')
    assert.deepEqual([result, oom], ['oom-kill', true])
    assert.match(String(diagnosis), /out of memory/)
    await recovered('hungry')
  })

  await t.test('a start limit stops systemd, not heald', async () => {
    for (let count = 1; count <= 4; count += 1) {
      await kill('limited')
      await ended('limited', count)
      await until('it to run again', async () => (await heald.service('limited')).pid !== null)
    }
    assert.equal(
      (await machine.show('limited', 'ActiveState')).ActiveState,
      'active',
      'after four starts of two allowed',
    )
    writeFileSync(bad, '')
    await kill('loops')
    // A busy heald sees the last end and the limit in one picture, and need not be told that systemd has given up.
    await heald.entry(
      'heald to start it',
      e => e.svc === 'loops' && e.kind === 'service.restarting' && !('by' in e.data),
    )
    rmSync(bad)
    await until('it to run', async () => (await heald.service('loops')).pid !== null)
    assert.equal((await machine.show('loops', 'ActiveState')).ActiveState, 'active')
  })

  await t.test('stopped by hand: a wish, also for the next heald', async () => {
    await machine.must('systemctl', 'stop', 'always')
    await heald.entry('the stop', e => e.kind === 'service.stopped' && e.svc === 'always' && e.actor === 'outside')
    assert.equal(exits('always').length, 1, 'not counted as a failure')
    await heald.kill()
    await heald.up()
    const { state, why } = await heald.service('always')
    assert.equal(state, 'stopped')
    assert.match(why ?? '', /stopped outside heald/)
    await machine.must('systemctl', 'start', 'always')
    await isReady('always')
    assert.equal(heald.of('service.started', 'always').at(-1)?.actor, 'outside')
  })

  await t.test('reload and restart by hand are no failures', async () => {
    const before = heald.entries().length
    await machine.must('systemctl', 'reload', 'reloads')
    await machine.must('systemctl', 'restart', 'reloads')
    await heald.entry('its start', e => e.seq >= before && e.kind === 'service.started' && e.svc === 'reloads')
    assert.equal(exits('reloads').length, 0)
    assert.equal(heald.of('incident.opened', 'reloads').length, 0)
  })

  await t.test('a clean end that Restart=on-failure accepts is accepted', async () => {
    await isReady('finishes')
    writeFileSync(done, '')
    await until('it to be held', async () => (await heald.service('finishes')).state !== 'ready')
    const { state, why } = await heald.service('finishes')
    assert.equal(state, 'held')
    assert.match(why ?? '', /exited with code 0, and Restart=on-failure/)
    assert.equal(heald.of('incident.opened', 'finishes').length, 0)
    assert.equal((await machine.show('finishes', 'ActiveState')).ActiveState, 'inactive')
  })

  await t.test('what can’t run says why', async () => {
    assert.match((await heald.service('gone')).why ?? '', /no unit gone\.service/)
    const { diagnosis } = await ended('broken')
    assert.match(String(diagnosis), /EXEC/)
    // A mask lies above it, where an administrator's files are.
    writeFileSync(join(machine.root(), 'run/systemd/system/masked.service'), sleeper())
    await machine.must('systemctl', 'daemon-reload')
    await machine.must('systemctl', 'start', 'masked')
    await isReady('masked')
    await machine.must('systemctl', 'mask', 'masked')
    await kill('masked')
    await until('it to be held', async () => (await heald.service('masked')).state === 'held')
    assert.match((await heald.service('masked')).why ?? '', /masked/)
  })

  await t.test('orders: stop, start, and a restart that takes along what needs the unit', async () => {
    await isReady('never')
    const pidOf = async (name: string) => (await machine.show(name, 'MainPID')).MainPID
    const [base, needs] = [await pidOf('base'), await pidOf('needs')]
    assert.equal((await heald.cli('restart', 'base')).code, 0)
    await isReady('never')
    assert.notEqual(await pidOf('base'), base)
    assert.notEqual(await pidOf('needs'), needs)
    assert.notEqual(await pidOf('needs'), '0', 'it runs again')
    assert.equal((await heald.cli('stop', 'plain')).code, 0)
    assert.equal((await machine.show('plain', 'ActiveState')).ActiveState, 'inactive')
    assert.equal((await heald.cli('start', 'plain')).code, 0)
    assert.equal((await machine.show('plain', 'ActiveState')).ActiveState, 'active')
    assert.equal(heald.of('service.stopped', 'plain').at(-1)?.actor, 'local:admin')
  })

  await t.test('an end that nobody saw is told by the next heald', async () => {
    await heald.kill()
    await kill('plain')
    await sleep(200)
    assert.equal((await machine.show('plain', 'ActiveState')).ActiveState, 'failed')
    await heald.up()
    await isReady('plain')
    assert.match(String(exits('plain').at(-1)?.data.diagnosis), /while heald was away/)
  })

  await t.test('heald down leaves units to systemd', async () => {
    assert.equal((await heald.cli('down')).code, 0)
    for (const name of ['plain', 'always', 'base']) {
      assert.equal((await machine.show(name, 'ActiveState')).ActiveState, 'active', name)
    }
    await heald.up()
    await heald.verified()
    assert.ok(existsSync(beat))
  })
})
