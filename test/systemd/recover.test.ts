import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import type { Entry } from '../../core/entry.ts'
import { currentOf, makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()

/** The machine boots to basic.target, and heald is wanted later: what is seen before it is started was done without it. */
test('a switch that a reboot interrupts is led back before the services start, without heald', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const heald = (...words: string[]) => machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words)
  const target = async () => (JSON.parse((await heald('status', '--json')).stdout) as Status).targets[0]
  const entries = () =>
    readdirSync(at('var/lib/heald/ledger/seg')).flatMap(name =>
      readFileSync(at('var/lib/heald/ledger/seg', name), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as Entry),
    )
  const entry = (kind: string, from: number) =>
    until(`an entry ${kind}`, () => entries().some(each => each.seq >= from && each.kind === kind), 20_000)
  const recovered = () => machine.show('heald-recover', 'ConditionResult', 'Result', 'ExecMainStatus', 'UnitFileState')
  const rests = (release: string) =>
    until(
      `the target to rest on ${release}`,
      async () => (await target())?.state === 'idle' && currentOf(at('srv/app')) === `releases/${release}`,
      30_000,
    )
  const seen = () => (existsSync(at('seen')) ? readFileSync(at('seen'), 'utf8').trim() : '')

  makeReleases(at('srv/app'), 3, { go: '#!/bin/sh\necho "$HEALD_GENERATION" > /activated\n' })
  mkdirSync(at('etc/heald'), { recursive: true })
  const config = {
    host: 'machine',
    services: {
      app: { run: ['sleep', '100000'], target: 'app', health: { exec: ['true'], every: '200ms', timeout: '200ms' } },
    },
    targets: { app: { kind: 'releases', path: '/srv/app', activate: ['./go'], activationDeadline: '10s' } },
    switch: { probation: '1s', passes: 2, deadMan: '10m' },
  }
  const configure = (probation: string) =>
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ ...config, switch: { ...config.switch, probation } }))
  configure('1s')
  // A service that starts as soon as services may, and says with what.
  const early = `[Service]\nType=oneshot\nExecStart=/bin/sh -c "cat /srv/app/current/version > /seen"\n[Install]\nWantedBy=basic.target\n`
  await machine.units({ 'early.service': early })
  await machine.must('systemctl', 'enable', '--quiet', 'early')
  const installed = await heald('install')
  assert.equal(installed.code, 0, installed.stdout + installed.stderr)
  await until('what runs to be known as good', async () => (await target())?.knownGood !== null, 20_000)
  assert.equal((await heald('deploy', 'app', '2')).code, 0)
  await rests('2')

  await t.test('nothing is done where no switch was interrupted', async () => {
    await machine.reboot()
    assert.equal(seen(), '2')
    const { ConditionResult, UnitFileState } = await recovered()
    assert.deepEqual([UnitFileState, ConditionResult], ['enabled', 'no'])
  })

  await t.test('the pointer is led back, and heald is told of it and does the rest', async () => {
    configure('5m')
    await machine.must('systemctl', 'start', 'heald')
    const from = entries().length
    const order = heald('deploy', 'app', '3')
    await entry('switch.probation', from)
    assert.equal(currentOf(at('srv/app')), 'releases/3')
    await machine.reboot()
    await order.catch(() => {})
    assert.equal(seen(), '2', 'the first service starts with what is known to be good')
    const { ConditionResult, Result, ExecMainStatus } = await recovered()
    assert.deepEqual([ConditionResult, Result, ExecMainStatus], ['yes', 'success', '0'])
    assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'inactive', 'heald had no part in it')
    assert.equal(readFileSync(at('activated'), 'utf8'), '3\n')
    configure('1s')
    await machine.must('systemctl', 'start', 'heald')
    await entry('rollback.verified', from)
    const fired = entries().find(each => each.seq >= from && each.kind === 'deadman.fired')
    assert.deepEqual(
      [fired?.data.result, fired?.data.why, (fired?.data.to as { generation?: string })?.generation],
      ['done', 'the machine was booted in the middle of a switch', '2'],
    )
    assert.equal(readFileSync(at('activated'), 'utf8'), '2\n', 'the activation as well')
    await rests('2')
    const [folder = ''] = readdirSync(at('var/lib/heald/switch'))
    const left = readdirSync(at('var/lib/heald/switch', folder)).filter(name => name.startsWith('deadman'))
    assert.deepEqual(left, [])
  })

  await t.test('what somebody else switched to is not: he may have booted for it', async () => {
    configure('5m')
    await machine.must('systemctl', 'restart', 'heald')
    const from = entries().length
    symlinkSync('releases/3', at('srv/app/new'))
    renameSync(at('srv/app/new'), at('srv/app/current'))
    await entry('deadman.armed', from)
    await machine.reboot()
    assert.equal(seen(), '3')
  })
})
