import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { test } from 'node:test'
import { currentOf, makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { machineIsMissing } from './machine.ts'
import { makeRecoverSite } from './recover-site.ts'

const missing = machineIsMissing()

test('a switch that a reboot interrupts is led back before the services start, without heald', async t => {
  if (missing !== null) return t.skip(missing)
  const site = await makeRecoverSite(t, {
    services: {
      app: { run: ['sleep', '100000'], target: 'app', health: { exec: ['true'], every: '200ms', timeout: '200ms' } },
    },
    targets: { app: { kind: 'releases', path: '/srv/app', activate: ['./go'], activationDeadline: '10s' } },
  })
  const { machine, at, heald } = site
  const rests = (release: string) =>
    until(
      `the target to rest on ${release}`,
      async () => (await site.target('app'))?.state === 'idle' && currentOf(at('srv/app')) === `releases/${release}`,
      30_000,
    )
  const seen = () => (existsSync(at('seen')) ? readFileSync(at('seen'), 'utf8').trim() : '')

  makeReleases(at('srv/app'), 3, { go: '#!/bin/sh\necho "$HEALD_GENERATION" > /activated\n' })
  site.configure('1s')
  // A service that starts as soon as services may, and says with what.
  const early = `[Service]\nType=oneshot\nExecStart=/bin/sh -c "cat /srv/app/current/version > /seen"\n[Install]\nWantedBy=basic.target\n`
  await machine.units({ 'early.service': early })
  await machine.must('systemctl', 'enable', '--quiet', 'early')
  await site.install()
  await site.known('app')
  assert.equal((await heald('deploy', 'app', '2')).code, 0)
  await rests('2')

  await t.test('nothing is done where no switch was interrupted', async () => {
    await machine.reboot()
    assert.equal(seen(), '2')
    const { ConditionResult, UnitFileState } = await site.recovered()
    assert.deepEqual([UnitFileState, ConditionResult], ['enabled', 'no'])
  })

  await t.test('the pointer is led back, and heald is told of it and does the rest', async () => {
    site.configure('5m')
    await machine.must('systemctl', 'start', 'heald')
    const from = site.entries().length
    const order = heald('deploy', 'app', '3')
    await site.entry('switch.probation', from, 'app')
    assert.equal(currentOf(at('srv/app')), 'releases/3')
    await machine.reboot()
    await order.catch(() => {})
    assert.equal(seen(), '2', 'the first service starts with what is known to be good')
    const { ConditionResult, Result, ExecMainStatus } = await site.recovered()
    assert.deepEqual([ConditionResult, Result, ExecMainStatus], ['yes', 'success', '0'])
    assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'inactive', 'heald had no part in it')
    assert.equal(readFileSync(at('activated'), 'utf8'), '3\n')
    site.configure('1s')
    await machine.must('systemctl', 'start', 'heald')
    await site.entry('rollback.verified', from, 'app')
    const fired = await site.entry('deadman.fired', from, 'app')
    assert.deepEqual(
      [fired.data.result, fired.data.why, (fired.data.to as { generation?: string })?.generation],
      ['done', 'the machine was booted in the middle of a switch', '2'],
    )
    assert.equal(readFileSync(at('activated'), 'utf8'), '2\n', 'the activation as well')
    await rests('2')
    const [folder = ''] = readdirSync(at('var/lib/heald/switch'))
    const left = readdirSync(at('var/lib/heald/switch', folder)).filter(name => name.startsWith('deadman'))
    assert.deepEqual(left, [])
  })

  await t.test('what somebody else switched to is not: he may have booted for it', async () => {
    site.configure('5m')
    await machine.must('systemctl', 'restart', 'heald')
    const from = site.entries().length
    symlinkSync('releases/3', at('srv/app/new'))
    renameSync(at('srv/app/new'), at('srv/app/current'))
    await site.entry('deadman.armed', from, 'app')
    await machine.reboot()
    assert.equal(seen(), '3')
  })
})
