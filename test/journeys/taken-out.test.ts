import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand } from './stand.ts'

// A service that is taken out of the configuration while no heald runs: a reload would have stopped it.

const WEB = {
  run: ['sh', '-c', 'trap "echo ended in order; exit 0" USR1; sleep 100001 & while :; do sleep 0.05; done'],
}
const KEPT = { run: ['sleep', '100000'] }
const ENDS = { ...WEB, stop: { signal: 'SIGUSR1', timeout: '20s' } }
const STUBBORN = { run: ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'], stop: { timeout: '300ms' } }

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
    const [stopped] = stand.of('service.stopped', 'web')
    assert.deepEqual([stopped?.data.by, stopped?.data.pid], ['heald', pid])
    assert.match(String(stopped?.data.why), /in the configuration/)
    assert.equal(stand.of('service.stopped', 'stubborn').length, 1)
    assert.match((await stand.cli('logs', 'web')).stdout, /ended in order/, 'by its own signal')
    assert.deepEqual(stand.processes('kept'), kept, 'the others run on')
    const files = readdirSync(join(stand.state, 'run')).filter(file => /^(web|stubborn)\./.test(file))
    assert.deepEqual(files, [])
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
