import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { makeReleases } from '../adapters/host/releases-stand.ts'
import { until } from '../until.ts'
import { INSTALLED, INSTALLED_NODE, machineIsMissing, startMachine } from './machine.ts'

const missing = machineIsMissing()

test('heald is not removed in the middle of a switch that has no dead-man', { timeout: 180_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  const at = (...path: string[]) => join(machine.root(), ...path)
  const heald = (...words: string[]) => machine.run(INSTALLED_NODE, join(INSTALLED, 'heald.js'), ...words)
  const target = async () => (JSON.parse((await heald('status', '--json')).stdout) as Partial<Status>).targets?.[0]
  const configure = (probation: string) =>
    writeFileSync(
      at('etc/heald/heald.yaml'),
      JSON.stringify({
        host: 'machine',
        services: { worker: { run: ['sleep', '100004'], target: 'app' } },
        targets: {
          app: {
            kind: 'releases',
            path: '/srv/app',
            irreversible: ['2'],
            checks: [{ exec: ['true'], every: '200ms', timeout: '200ms' }],
          },
        },
        switch: { probation, passes: 2, deadMan: '10m' },
      }),
    )
  mkdirSync(at('etc/heald'), { recursive: true })
  makeReleases(at('srv/app'), 2)
  configure('1s')
  assert.equal((await heald('install')).code, 0)
  await until('what runs to be known as good', async () => ((await target())?.knownGood ?? null) !== null, 20_000)
  configure('5m')
  assert.equal((await heald('reload')).code, 0)
  // It waits for another heald then, which does not come: it ends with the machine.
  const order = heald('deploy', 'app', '2')
  order.catch(() => {})
  await until('the probation', async () => (await target())?.state === 'probation', 20_000)
  const units = await machine.must('systemctl', 'list-units', '--plain', '--no-legend', 'heald-deadman-*')
  assert.equal(units, '', 'what can’t be led back from has no dead-man')
  const { code, stderr } = await heald('uninstall')
  assert.notEqual(code, 0)
  assert.match(stderr, /a switch is under way \(app\).*\n.*heald status/)
  assert.equal((await machine.show('heald', 'ActiveState')).ActiveState, 'active')
  await heald('down')
  const roots = at('var/lib/heald/switch/of-nix/roots')
  mkdirSync(roots, { recursive: true })
  symlinkSync('/nix/store/generation', join(roots, 'generation'))
  const removed = await heald('uninstall')
  assert.equal(removed.code, 0, removed.stderr)
  assert.deepEqual(readdirSync(roots), [], 'nothing is kept from being collected')

  const unit = (name: string) => at('etc/systemd/system', name)
  await t.test('a masked unit is not written over, and does not keep heald from being removed', async () => {
    await machine.must('systemctl', 'mask', 'heald-bot')
    assert.match((await heald('install')).stderr, /heald-bot\.service is masked.*\n.*systemctl unmask heald-bot/)
    assert.ok(!existsSync(unit('heald.service')))
    const { code, stderr } = await heald('uninstall')
    assert.equal(code, 0, stderr)
    assert.ok(!readdirSync(unit('')).includes('heald-bot.service'))
  })

  await t.test('a folder in the place of a unit is somebody else’s', async () => {
    mkdirSync(unit('heald.service'))
    for (const verb of ['install', 'uninstall'])
      assert.match((await heald(verb)).stderr, /heald\.service is there already, and "heald install" did not write it/)
    rmdirSync(unit('heald.service'))
  })

  await t.test('a heald that is no unit is left alone; what is deleted is told', async () => {
    writeFileSync(at('etc/heald/heald.yaml'), JSON.stringify({ services: { worker: { run: ['sleep', '100004'] } } }))
    const up = [INSTALLED_NODE, join(INSTALLED, 'heald.js'), 'up', '--config', '/etc/heald/heald.yaml']
    await machine.must('systemd-run', '--quiet', '--unit=by-hand', ...up)
    await until('it to answer', async () => (await heald('status')).code !== 4, 20_000)
    const { code, stderr } = await heald('uninstall', '--purge')
    assert.notEqual(code, 0)
    assert.match(stderr, /heald was not installed here, but it runs.*\n.*heald down/)
    assert.equal((await machine.show('by-hand', 'ActiveState')).ActiveState, 'active')
    await heald('down')
    const { stdout } = await heald('uninstall', '--purge')
    assert.equal(
      stdout,
      'heald was not installed here.\nDeleted /etc/heald, /var/lib/heald (configuration and ledger).\n',
    )
  })
})
