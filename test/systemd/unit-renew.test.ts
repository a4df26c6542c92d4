import assert from 'node:assert/strict'
import { mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()

for (const refuses of ['Stop', 'Start'])
  test(`a release whose unit systemd does not restart is not taken for proved by what ran before (RefuseManual${refuses}=)`, async t => {
    if (missing !== null) return t.skip(missing)
    const machine = await startMachine(t)
    const app = join(machine.shared, 'app')
    for (const release of ['one', 'two']) {
      mkdirSync(join(app, 'releases', release), { recursive: true })
      writeFileSync(join(app, 'releases', release, 'run'), 'exec sleep 100000\n')
    }
    symlinkSync('releases/one', join(app, 'current'))
    await machine.units({
      'app.service': `[Unit]\nRefuseManual${refuses}=yes\n[Service]\nExecStart=/bin/sh ${app}/current/run\n`,
      'pulls.service': '[Unit]\nWants=app.service\n[Service]\nExecStart=/bin/sleep 100000\n',
    })
    await machine.must('systemctl', 'start', 'pulls')
    const heald = healdInside(machine)
    heald.configure({
      host: 'machine',
      services: { app: { unit: 'app.service', target: 'app', health: { exec: ['true'], every: '1s' } } },
      targets: { app: { kind: 'releases', path: app, activationDeadline: '2s' } },
      switch: { probation: '10s', passes: 1, deadMan: '75s' },
    })
    await heald.up()
    await until('it to be known as good', async () => (await heald.status())?.targets[0]?.knownGood != null)
    const before = await machine.show('app', 'MainPID')
    const seen = heald.entries().length
    const { code, stdout } = await heald.cli('deploy', 'app', 'two')
    assert.equal(code, 1)
    assert.match(stdout, /app was rolled back to one, after .*: app: it was not restarted: .*refused/)
    assert.equal(readlinkSync(join(app, 'current')), 'releases/one')
    assert.deepEqual(await machine.show('app', 'MainPID'), before, 'what ran goes on')
    assert.equal((await heald.service('app')).state, 'ready')
    const [why] = heald.of('rollback.started').map(({ data }) => String(data.why))
    assert.match(why ?? '', /it was not restarted/)
    assert.equal(heald.of('rollback.verified').length, 1)
    assert.equal(heald.of('switch.committed').filter(({ seq }) => seq >= seen).length, 0, 'nor is it ever good')
    await heald.verified()
  })
