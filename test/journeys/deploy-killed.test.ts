import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { Switched } from '../../core/api/switch-control.ts'
import { freePort } from './port.ts'
import { configOf, isIdle, makeReleaseFolder } from './release-folder.ts'
import { makeStand } from './stand.ts'

/* A switch belongs to the daemon: who ordered it may die at any moment of it. */

test('heald deploy, killed while it waits: the switch goes on, is recorded, and whoever asks next is told what is so', async t => {
  const stand = await makeStand(t)
  const folder = makeReleaseFolder(stand.root)
  folder.add('r1', 'well')
  folder.add('r2', 'well')
  folder.add('r3', 'crashes')
  folder.point('r1')
  const port = await freePort()
  stand.configure(configOf(folder, port, { switch: { probation: '5s', passes: 1, deadMan: '3m' } }))
  await stand.up()
  await stand.wait('what runs is known to be good', () => isIdle(stand))
  for (const [release, kind, ends] of [
    ['r2', 'switch.committed', 'r2'],
    ['r3', 'rollback.verified', 'r2'],
  ] as const) {
    const deploying = stand.start(stand.heald('deploy', 'app', release))
    const ended = once(deploying, 'exit')
    await stand.wait('the switch has begun', () => stand.of('switch.armed').some(({ data }) => to(data) === release))
    deploying.kill('SIGKILL')
    assert.deepEqual(await ended, [null, 'SIGKILL'], 'it was killed before it was told the end')
    assert.equal(stand.of(kind).filter(({ data }) => to(data) === ends).length, 0, 'the switch is under way')
    const other = await stand.cli('deploy', 'app', 'r1', '--json')
    assert.notEqual(other.code, 0, 'a second order does not get in its way')
    assert.match(other.stdout, /"code":"switch\./)
    await stand.wait(
      'heald ends the switch by itself',
      async () => stand.of(kind).some(({ data }) => to(data) === ends) && (await isIdle(stand)) !== null,
      90_000,
    )
    assert.equal(folder.current(), ends)
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), `${ends}\n`)
    assert.equal((await stand.service('web')).generation, ends)
    const again = JSON.parse((await stand.cli('deploy', 'app', ends, '--json')).stdout) as Switched
    assert.deepEqual([again.outcome, again.current?.generation], ['nothing to do', ends])
  }
  const broken = await stand.cli('deploy', 'app', 'r3', '--json')
  assert.match(broken.stdout, /switch\.quarantined/)
  await stand.verified()
})

/** Which generation an entry of a switch is about. */
function to(data: Readonly<Record<string, unknown>>): unknown {
  const { to: aim } = data
  return typeof aim === 'object' && aim !== null && 'generation' in aim ? aim.generation : aim
}
