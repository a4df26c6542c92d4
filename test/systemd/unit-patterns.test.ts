import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Status } from '../../core/api/control.ts'
import { until } from '../until.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, ROOT, startMachine } from './machine.ts'

const missing = machineIsMissing()

test('patterns name units as they come; init offers those of the host', async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await machine.units({
    'agent@.service': '[Service]\nExecStart=/bin/sleep 100000\n',
    'other.service': '[Service]\nExecStart=/bin/sleep 100000\n',
    'fails.service': '[Service]\nExecStart=/bin/false\n',
  })
  await machine.must('systemctl', 'start', 'agent@1', 'agent@2', 'other')
  const heald = healdInside(machine)
  heald.configure({ host: 'machine', units: ['agent@*.service'], services: { second: { unit: 'agent@2.service' } } })
  await heald.up()
  const names = async () => (await heald.json<Status>('status')).services.map(service => service.name).sort()

  await t.test('those that run, each under one name', async () => {
    assert.deepEqual(await names(), ['agent-1', 'second'])
  })

  await t.test('one that is started later is taken up, and healed', async () => {
    await machine.must('systemctl', 'start', 'agent@3')
    await until('it to be taken up', async () => (await names()).includes('agent-3'))
    await machine.must('systemctl', 'kill', '-s', 'KILL', 'agent@3')
    await heald.entry('its recovery', e => e.kind === 'service.recovered' && e.svc === 'agent-3')
  })

  await t.test('a reload with other patterns lets go of a unit, and leaves it running', async () => {
    heald.configure({ host: 'machine', units: ['oth?r.service'], services: {} })
    assert.equal((await heald.cli('reload')).code, 0)
    assert.deepEqual(await names(), ['other'])
    assert.equal((await machine.show('agent@1', 'ActiveState')).ActiveState, 'active')
  })

  await t.test('what has failed is offered first, then what has run for long enough', async () => {
    await machine.run('systemctl', 'start', 'fails')
    const offered = async (longRunningMs: number) => {
      const code = `import { offeredUnits } from '${join(ROOT, 'adapters/host/unit-discovery.ts')}'
        console.log((await offeredUnits(${longRunningMs})).map(({ unit, hasFailed }) => unit + (hasFailed ? ' failed' : '')).join())`
      return (await machine.must(process.execPath, '--input-type=module-typescript', '-e', code)).trim()
    }
    const running = ['agent@1', 'agent@2', 'agent@3', 'other'].map(name => `${name}.service`)
    assert.equal(await offered(0), ['fails.service failed', ...running].join())
    assert.equal(await offered(3_600_000), 'fails.service failed')
  })

  await t.test('init offers them, and its file passes the check', async () => {
    const file = join(machine.shared, 'new.yaml')
    const { stdout } = await machine.run(process.execPath, join(ROOT, 'heald.js'), 'init', file)
    assert.match(stdout, /1 of this host's units offered in comments \(failed: fails\.service\)/)
    const text = readFileSync(file, 'utf8')
    assert.match(text, /^ {2}# fails: \{ unit: fails\.service \}/m)
    writeFileSync(file, text.replace('# fails: {', 'fails: {'))
    const checked = await machine.run(process.execPath, join(ROOT, 'heald.js'), 'config', 'check', file)
    assert.equal(checked.code, 0, checked.stdout)
  })

  await t.test('patterns that come with a reload, to a heald without any unit, are watched too', async () => {
    await heald.kill()
    heald.configure({ host: 'machine', services: {} })
    await heald.up()
    heald.configure({ host: 'machine', units: ['agent@*.service'], services: {} })
    assert.equal((await heald.cli('reload')).code, 0)
    assert.deepEqual(await names(), ['agent-1', 'agent-2', 'agent-3'])
    await machine.must('systemctl', 'start', 'agent@4')
    await until('it to be taken up', async () => (await names()).includes('agent-4'))
  })
  await heald.verified()
})
