import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand } from './stand.ts'

test('dependants start after their dependency is ready and stop before it', async t => {
  const stand = await makeStand(t)
  const gate = join(stand.root, 'gate')
  const ready = { file: gate, every: '50ms', timeout: '50ms', maxAge: '1h', startup: '60s', failures: 1000 }
  stand.configure({
    services: {
      web: { run: ['sleep', '100000'], dependsOn: ['app'] },
      app: { run: ['sleep', '100000'], dependsOn: ['base'] },
      base: { run: ['sleep', '100000'], startup: ready },
      alone: { run: ['sleep', '100000'] },
    },
  })
  await stand.up()
  await stand.inState('alone', 'ready')
  await stand.wait('base runs', () => stand.of('service.started', 'base')[0])
  assert.equal((await stand.service('base')).state, 'starting')
  assert.deepEqual([stand.of('service.started', 'app').length, stand.of('service.started', 'web').length], [0, 0])
  writeFileSync(gate, '')
  await stand.inState('web', 'ready')
  const seqOf = (kind: string, name: string) => stand.of(kind, name)[0]?.seq ?? assert.fail(`${name} has no ${kind}`)
  assert.ok(seqOf('service.ready', 'base') < seqOf('service.started', 'app'))
  assert.ok(seqOf('service.ready', 'app') < seqOf('service.started', 'web'))

  // A dependency that dies is healed; what depends on it is left alone.
  const [web, app] = [await stand.onlyProcess('web'), await stand.onlyProcess('app')]
  process.kill(await stand.onlyProcess('base'), 'SIGKILL')
  await stand.wait('base is back', () => stand.of('service.recovered', 'base')[0])
  assert.deepEqual([await stand.onlyProcess('web'), await stand.onlyProcess('app')], [web, app])

  await stand.must('down')
  const stopped = stand.of('service.stopped').map(entry => entry.svc)
  assert.ok(stopped.indexOf('web') < stopped.indexOf('app'), stopped.join(' '))
  assert.ok(stopped.indexOf('app') < stopped.indexOf('base'), stopped.join(' '))
  assert.equal(stopped.length, 4)
  await stand.nothingLeft()
  await stand.verified()
})

test('a dependency that never gets ready keeps its dependants waiting, told in words, and down still works', async t => {
  const stand = await makeStand(t)
  const gate = join(stand.root, 'gate')
  stand.configure({
    services: {
      app: { run: ['sleep', '100000'], dependsOn: ['base'] },
      base: {
        run: ['sleep', '100000'],
        startup: { file: gate, every: '50ms', timeout: '50ms', maxAge: '1h', startup: '200ms' },
        restart: { backoff: { base: '20ms', cap: '50ms' } },
      },
    },
  })
  await stand.up()
  await stand.wait('base loops', () => stand.of('crashloop.detected', 'base')[0])
  const app = await stand.service('app')
  assert.notEqual(app.state, 'ready')
  assert.match(String(app.why), /base/)
  assert.equal(stand.of('service.started', 'app').length, 0)
  writeFileSync(gate, '')
  await stand.inState('app', 'ready')
  rmSync(gate)
  assert.ok(!existsSync(gate))
  await stand.must('down')
  await stand.nothingLeft()
})
