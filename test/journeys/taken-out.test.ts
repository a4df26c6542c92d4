import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Changes } from '../../core/api/control.ts'
import type { Incident } from '../../core/incident/fold.ts'
import { makeStand, type Stand, soak } from './stand.ts'

// A service that is taken out of the configuration while no heald runs: a reload would have stopped it.

const WEB = {
  run: ['sh', '-c', 'trap "echo ended in order; exit 0" USR1; sleep 100001 & while :; do sleep 0.05; done'],
}
const KEPT = { run: ['sleep', '100000'] }
const ENDS = { ...WEB, stop: { signal: 'SIGUSR1', timeout: '20s' } }
const STUBBORN = { run: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'], stop: { timeout: '300ms' } }
const FAILS = { run: ['false'], restart: { backoff: { base: '50ms', cap: '50ms' } } }

const ROUNDS = soak(4, 40)

const changesOf = (stand: Stand) => stand.of('config.applied').at(-1)?.data.changes as Changes | undefined
const placesOf = (stand: Stand, but: string) =>
  readdirSync(join(stand.state, 'run')).filter(file => !file.startsWith(`${but}.`))
const isOpen = ({ state }: Incident) => state !== 'resolved'

for (const how of ['ends in order', 'is killed'] as const) {
  test(`what is in the configuration no more when heald comes is ended, when the heald before it ${how}`, async t => {
    const stand = await makeStand(t)
    stand.configure({ services: { kept: KEPT, web: ENDS, stubborn: STUBBORN } })
    const first = await stand.up()
    for (const name of ['kept', 'web', 'stubborn']) await stand.inState(name, 'ready')
    const kept = stand.processes('kept')
    const { pid } = await stand.service('web')
    if (how === 'is killed') await first.kill()
    else {
      first.child.kill('SIGTERM')
      await first.ended
    }
    assert.equal(stand.processes('web').length > 0, true, 'it runs on')
    stand.configure({ services: { kept: KEPT } })
    await stand.up()
    const left = () => [...stand.processes('web'), ...stand.processes('stubborn')]
    await stand.wait('nothing of them to be left', () => left().length === 0)
    assert.deepEqual(changesOf(stand)?.stop, ['stubborn', 'web'])
    const [stopped] = stand.of('service.stopped', 'web')
    assert.deepEqual([stopped?.data.by, stopped?.data.pid], ['heald', pid])
    assert.match(String(stopped?.data.why), /in the configuration/)
    assert.equal(stand.of('service.stopped', 'stubborn').length, 1)
    assert.match((await stand.cli('logs', 'web')).stdout, /ended in order/, 'by its own signal')
    assert.deepEqual(stand.processes('kept'), kept, 'the others run on')
    await stand.wait('their places to be forgotten', () => placesOf(stand, 'kept').length === 0)
    assert.ok(existsSync(join(stand.state, 'logs/web.log')))

    // Put back, it begins as a service does, and nothing is told as a crash.
    await stand.must('down')
    stand.configure({ services: { kept: KEPT, web: ENDS } })
    await stand.up()
    await stand.inState('web', 'ready')
    assert.deepEqual(stand.of('service.exited', 'web'), [])
    assert.deepEqual(stand.of('incident.opened'), [])
    await stand.must('down')
    await stand.nothingLeft()
    await stand.verified()
  })
}

test('an incident of a service that is taken out while no heald runs ends with an entry', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { kept: KEPT, web: FAILS } })
  const first = await stand.up()
  await stand.wait('an incident', () => stand.of('crashloop.detected', 'web').length > 0)
  await first.kill()
  stand.configure({ services: { kept: KEPT } })
  await stand.up()
  await stand.wait('its end', () => stand.of('incident.resolved', 'web').length > 0)
  const [incident] = await stand.json<Incident[]>('incidents')
  assert.equal(incident?.state, 'resolved')
  assert.match(String(incident?.how), /in the configuration/)
  assert.deepEqual((await stand.status()).incidents, { open: 0, worst: null })
  assert.deepEqual(changesOf(stand)?.stop, ['web'])
  await stand.must('down')
  await stand.up()
  await stand.wait('the configuration', () => stand.of('config.applied').length === 3)
  assert.deepEqual(changesOf(stand)?.stop, [], 'told once')
  assert.equal(stand.of('incident.resolved', 'web').length, 1)
  await stand.must('down')
  await stand.nothingLeft()
  await stand.verified()
})

test('a heald that is killed while it ends what was taken out leaves that to the next one', {
  timeout: 60_000 + ROUNDS * 30_000,
}, async t => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const stand = await makeStand(t)
    stand.configure({ services: { kept: KEPT, web: ENDS, stubborn: STUBBORN, bad: FAILS } })
    const first = await stand.up()
    for (const name of ['kept', 'web', 'stubborn']) await stand.inState(name, 'ready')
    await stand.wait('an incident', () => stand.of('crashloop.detected', 'bad').length > 0)
    const kept = stand.processes('kept')
    await first.kill()
    stand.configure({ services: { kept: KEPT } })
    const second = await stand.up()
    // From before it begins until after it is done: what ignores its signal has 300 ms.
    await sleep((round * 600) / ROUNDS)
    await second.kill()
    await stand.up()
    const left = () => ['web', 'stubborn', 'bad'].flatMap(name => stand.processes(name))
    await stand.wait('nothing of them to be left', () => left().length === 0)
    await stand.wait('the incident to be over', async () => !(await stand.json<Incident[]>('incidents')).some(isOpen))
    for (const name of ['web', 'stubborn'])
      await stand.wait(`${name} to be told`, () => stand.of('service.stopped', name).length > 0)
    const told = (kind: string, name: string) => stand.of(kind, name).length
    const counts = ['web', 'stubborn'].map(name => told('service.stopped', name))
    assert.deepEqual([...counts, told('incident.resolved', 'bad')], [1, 1, 1], `round ${round}`)
    for (const name of ['web', 'stubborn']) assert.equal(told('service.exited', name), 0, 'no crash is told')
    await stand.wait('their places to be forgotten', () => placesOf(stand, 'kept').length === 0)
    assert.deepEqual(stand.processes('kept'), kept)
    await stand.must('down')
    await stand.nothingLeft()
    await stand.verified()
  }
})
