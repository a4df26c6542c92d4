import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()
const sleeper = (more = '', before = '') => `[Unit]\n${before}\n[Service]\nExecStart=/bin/sleep 100000\n${more}`

test('starts that came to nothing, or that systemd makes in its own time, are told from stops by hand', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const bad = join(machine.shared, 'bad')
  const forbidden = join(machine.shared, 'forbidden')
  const failsIfBad = `/bin/sh -c "[ -e ${bad} ] && exit 1; systemd-notify --ready; exec sleep 100000"`
  const slowToEnd = '/bin/sh -c "trap \'sleep 1; exit 0\' TERM; sleep 100000 & wait"'
  await machine.units({
    'db.service': `[Service]\nType=notify\nNotifyAccess=all\nExecStart=${failsIfBad}\n`,
    'app.service': sleeper('Restart=always\nRestartSec=100ms\n', 'Requires=db.service\nAfter=db.service'),
    'web.service': sleeper('', 'Requires=db.service\nAfter=db.service'),
    'choosy.service': sleeper('Restart=always\nRestartSec=100ms\n', `ConditionPathExists=!${forbidden}`),
    'limited.service': sleeper('', 'StartLimitIntervalSec=1h\nStartLimitBurst=3'),
    'java.service': `[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=3\n[Service]\nExecStart=/bin/sh -c "trap 'exit 143' TERM; sleep 100000 & wait"\n`,
    'patient.service': sleeper('Restart=always\nRestartSec=1h\n'),
    'worker@.service': sleeper(),
    'boots.service': `[Service]\nExecStart=/bin/sh -c "[ -e ${bad} ] && exit 1; exec sleep 100000"\n[Install]\nWantedBy=basic.target\n`,
    // As the bot's: it ends before heald does, which sees what else ends meanwhile.
    'botlike.service': `[Unit]\nAfter=heald-test.service\n[Service]\nExecStart=${slowToEnd}\n`,
  })
  await machine.must('systemctl', 'enable', 'boots')
  const names = ['db', 'app', 'web', 'choosy', 'limited', 'java', 'patient', 'boots']
  await machine.must('systemctl', 'start', ...names, 'worker@a', 'worker@b')
  const heald = healdInside(machine, { unit: '[Unit]\nAfter=dbus.service\n[Service]\n' })
  const quick = { restart: { backoff: { base: '100ms', cap: '1s' } } }
  heald.configure({
    host: 'machine',
    units: ['worker@*.service'],
    services: Object.fromEntries(names.map(name => [name, { unit: `${name}.service`, ...quick }])),
  })
  await heald.up()
  await machine.must('systemctl', 'start', 'botlike')
  const kill = (name: string) => machine.must('systemctl', 'kill', '-s', 'KILL', '--kill-who=main', name)
  const is = (name: string, state: string) =>
    until(`${name} to be ${state}`, async () => (await heald.service(name)).state === state)
  const stops = (name: string) => heald.of('service.stopped', name)

  await t.test(
    'what could not be started because of another unit comes back with it, and that is no crash loop',
    async () => {
      writeFileSync(bad, '')
      await kill('db')
      const gaveUp = (svc: string) =>
        heald.entry(
          `${svc} not to be started`,
          e => e.kind === 'service.restarting' && e.svc === svc && /that it requires/.test(String(e.data.cause)),
        )
      for (const name of ['app', 'web']) await kill(name)
      for (const name of ['app', 'web']) await gaveUp(name)
      assert.notEqual((await machine.run('systemctl', 'restart', 'app')).code, 0)
      for (const svc of ['app', 'web'])
        await until(
          `${svc} to be tried again`,
          () =>
            heald.of('service.exited', svc).filter(e => /that it requires/.test(String(e.data.diagnosis))).length >= 4,
        )
      rmSync(bad)
      for (const name of ['app', 'web']) {
        await is(name, 'ready')
        assert.deepEqual([stops(name), heald.of('crashloop.detected', name)], [[], []])
      }
    },
  )

  await t.test('what a condition forbids is held, with its incident, also where systemd was to start it', async () => {
    writeFileSync(forbidden, '')
    await kill('choosy')
    await is('choosy', 'held')
    assert.deepEqual([stops('choosy'), heald.of('incident.resolved', 'choosy')], [[], []])
  })

  await t.test('what somebody restarts until its limit is hit is started', async () => {
    for (const name of ['limited', 'java']) {
      let code: number | null = 0
      for (let n = 0; n < 5 && code === 0; n += 1) code = (await machine.run('systemctl', 'restart', name)).code
      assert.notEqual(code, 0)
      await is(name, 'ready')
      assert.equal((await machine.show(name, 'ActiveState')).ActiveState, 'active')
    }
  })

  await t.test('who asks for a start does not wait for RestartSec=', async () => {
    await kill('patient')
    await is('patient', 'backoff')
    assert.equal((await heald.cli('start', 'patient')).code, 0)
    assert.equal((await machine.show('patient', 'ActiveState')).ActiveState, 'active')
  })

  await t.test(
    'a unit of a pattern whose file has been spoilt is looked after as long as there is something of it',
    async () => {
      await machine.units({ 'worker@.service': '[Service]\nType=simple\n' })
      assert.equal((await machine.show('worker@a', 'LoadState')).LoadState, 'bad-setting')
      await kill('worker@b')
      await is('worker-b', 'held')
      assert.match((await heald.service('worker-b')).why ?? '', /can’t load the unit worker@b\.service \(bad-setting\)/)
      // Another unit has systemd looked at.
      await machine.units({ 'worker@.service': sleeper(), 'news.service': sleeper() })
      await machine.must('systemctl', 'start', 'worker@b')
      await is('worker-b', 'ready')
      assert.deepEqual(heald.of('service.released'), [])
    },
  )

  await t.test('what the end of a boot has stopped, and what has failed in the next, is started', async () => {
    writeFileSync(bad, '')
    await machine.reboot()
    await until('it to have failed', async () => (await machine.show('boots', 'ActiveState')).ActiveState === 'failed')
    assert.equal(stops('boots').length, 1, 'the stop was seen')
    rmSync(bad)
    await heald.up()
    await is('boots', 'ready')
  })
  await heald.verified()
})
