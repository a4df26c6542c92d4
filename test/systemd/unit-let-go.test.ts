import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Changes } from '../../core/api/control.ts'
import type { Incident } from '../../core/incident/fold.ts'
import { until } from '../until.ts'
import { chatsInside } from './chats-inside.ts'
import { healdInside } from './heald-inside.ts'
import { machineIsMissing, startMachine } from './machine.ts'

// A unit that is taken out of the configuration goes on: it is systemd's. heald says that it lets go of it.

const missing = machineIsMissing()
const SLEEPER = '[Service]\nExecStart=/bin/sleep 100000\n'

test('a unit that is taken out is let go of, and that is told', { timeout: 360_000 }, async t => {
  if (missing !== null) return t.skip(missing)
  const machine = await startMachine(t)
  await machine.units({
    'first.service': SLEEPER,
    'second.service': SLEEPER,
    'third.service': SLEEPER,
    'bad.service': '[Service]\nExecStart=/bin/false\n',
    'worse.service': '[Service]\nExecStart=/bin/false\n',
  })
  await machine.must('systemctl', 'start', 'first', 'second', 'third', 'bad', 'worse')
  const chats = await chatsInside(t, machine)
  const heald = healdInside(machine, { hasBot: true })
  const configure = (...names: string[]) =>
    heald.configure({
      host: 'machine',
      ...chats.settings,
      services: Object.fromEntries(names.map(name => [name, { unit: `${name}.service` }])),
    })
  const pidOf = async (name: string) => (await machine.show(name, 'MainPID')).MainPID
  const changes = () => heald.of('config.applied').at(-1)?.data.changes as Changes | undefined
  const incident = async (name: string) =>
    (await heald.json<Incident[]>('incidents')).find(({ services }) => services[0] === name)
  configure('first', 'second', 'third', 'bad', 'worse')
  await heald.up()
  await chats.up()
  await until('the bot to reach its chats', () => heald.of('channel.up').length >= 3, 30_000, 100)
  for (const name of ['bad', 'worse'])
    await heald.entry(`the incident of ${name}`, e => e.kind === 'crashloop.detected' && e.svc === name)
  const [first, second] = [await pidOf('first'), await pidOf('second')]

  await t.test('by a reload', async () => {
    configure('second', 'third', 'worse')
    const { stdout } = await heald.cli('reload')
    assert.match(stdout, /^let go of, and left as they are: first, bad$/m)
    assert.doesNotMatch(stdout, /stopped/)
    assert.deepEqual([changes()?.stop, changes()?.release], [[], ['first', 'bad']])
    const { data } = await heald.entry('its end', e => e.kind === 'service.released' && e.svc === 'first')
    assert.deepEqual([data.unit, String(data.pid)], ['first.service', first])
    await heald.entry('its incident to end', e => e.kind === 'incident.resolved' && e.svc === 'bad')
    const over = await incident('bad')
    assert.equal(over?.state, 'resolved')
    assert.match(String(over?.how), /in the configuration/)
    assert.equal(await pidOf('first'), first, 'it runs on')
    await chats.everywhere('it is told', /heald looks after bad no more: .*; the unit bad\.service is left as it is/)
  })

  await t.test('while no heald runs', async () => {
    await heald.kill()
    configure('third')
    await heald.up()
    const { data } = await heald.entry('its end', e => e.kind === 'service.released' && e.svc === 'second')
    assert.deepEqual([changes()?.stop, changes()?.release], [[], ['second', 'worse']])
    assert.deepEqual([data.unit, String(data.pid)], ['second.service', second])
    await heald.entry('its incident to end', e => e.kind === 'incident.resolved' && e.svc === 'worse')
    assert.match(String((await incident('worse'))?.how), /in the configuration/)
    assert.equal(await pidOf('second'), second, 'it runs on')
    await chats.everywhere('it is told', /the unit worse\.service is left as it is/, /resolved: it is not in the conf/)
  })

  await t.test('what became of it meanwhile is no crash when it is put back', async () => {
    await machine.must('systemctl', 'restart', 'first', 'second')
    configure('first', 'third')
    assert.equal((await heald.cli('reload')).code, 0)
    await heald.kill()
    configure('first', 'second', 'third')
    await heald.up()
    for (const name of ['first', 'second']) {
      await until(`${name} to be ready`, async () => (await heald.service(name)).state === 'ready')
      assert.deepEqual(heald.of('service.exited', name), [])
      assert.equal(heald.of('service.released', name).length, 1)
    }
    assert.deepEqual(changes()?.release, [])
  })
  await heald.verified()
})
