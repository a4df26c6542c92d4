import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand } from './stand.ts'

const SERVICES = {
  one: { run: ['sleep', '100000'], restart: { backoff: { resetAfter: '100ms' } } },
  two: {
    run: ['sh', '-c', 'sleep 100001 & exec sleep 100002'],
    dependsOn: ['one'],
    restart: { backoff: { resetAfter: '100ms' } },
  },
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends the daemon in order; services run on and the next daemon adopts them`, async t => {
    const stand = await makeStand(t)
    stand.configure({ services: SERVICES })
    const first = await stand.up()
    await stand.inState('two', 'ready')
    const pids = { one: stand.processes('one'), two: stand.processes('two') }
    assert.deepEqual([pids.one.length, pids.two.length], [1, 2])

    // Somebody who listens for ever does not hold up the end.
    const listener = await listen(join(stand.state, 'heald.sock'))
    const before = performance.now()
    first.child.kill(signal)
    const { code } = await first.ended
    assert.equal(code, 0, stand.said())
    assert.ok(performance.now() - before < 10_000, 'it ends within a bound')
    await listener.ended
    assert.equal(stand.entries().at(-1)?.kind, 'daemon.stopped')
    assert.ok(!existsSync(join(stand.state, 'heald.sock')), 'the socket is gone')
    assert.deepEqual({ one: stand.processes('one'), two: stand.processes('two') }, pids)
    const { code: unreachable, stdout } = await stand.cli('status', '--json')
    assert.equal(unreachable, 4)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'daemon.unreachable')

    await stand.up()
    assert.deepEqual({ one: stand.processes('one'), two: stand.processes('two') }, pids)
    // The socket answers before everything is taken up.
    await stand.wait('both are adopted', () => stand.of('service.adopted').length === 2)
    const started = stand.of('daemon.started').at(-1)
    assert.deepEqual([...((started?.data.adopted ?? []) as string[])].sort(), ['one', 'two'])
    assert.equal(stand.of('service.started').length, 2)
    assert.deepEqual(
      stand
        .of('service.adopted')
        .map(entry => entry.svc)
        .sort(),
      ['one', 'two'],
    )
    for (const name of ['one', 'two'] as const) {
      const { pid, restarts, state } = await stand.inState(name, 'ready').then(() => stand.service(name))
      assert.ok(pid !== null && pids[name].includes(pid))
      assert.deepEqual({ restarts, state }, { restarts: 0, state: 'ready' })
    }

    // What was adopted is still healed; how it ended can't be known.
    const { pid } = await stand.service('two')
    process.kill(pid ?? assert.fail(), 'SIGKILL')
    await stand.wait('two is back', () => stand.of('service.recovered', 'two')[0])
    assert.equal(stand.of('service.exited', 'two')[0]?.data.exit, 'unknown')
    const fresh = await stand.wait('two processes', () =>
      stand.processes('two').length === 2 ? stand.processes('two') : null,
    )
    assert.ok(
      fresh.every(each => !pids.two.includes(each)),
      'nothing of the old tree lives beside the new one',
    )

    await stand.must('down')
    await stand.nothingLeft()
    await stand.verified()
  })
}

/** Opens the stream of entries; `ended` resolves when the other side ends it. */
async function listen(socketPath: string): Promise<{ readonly ended: Promise<void> }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ socketPath, path: '/v1/ledger/follow?from=0' }, resolve).once('error', reject)
  })
  await new Promise(resolve => answer.once('data', resolve))
  return { ended: new Promise(resolve => answer.once('close', resolve)) }
}

test('what died while no daemon ran is started again, once, and told', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  const first = await stand.up()
  await stand.inState('two', 'ready')
  const [one] = stand.processes('one')
  const two = stand.processes('two')
  const { pid: main } = await stand.service('two')
  await first.kill()
  process.kill(main ?? assert.fail(), 'SIGKILL')
  await stand.up()
  await stand.inState('two', 'ready')
  assert.equal(await stand.onlyProcess('one'), one)
  const now = await stand.wait('two processes', () =>
    stand.processes('two').length === 2 ? stand.processes('two') : null,
  )
  assert.ok(
    now.every(pid => !two.includes(pid)),
    'the orphan of the old tree is gone',
  )
  await stand.verified()
})

test('a second daemon on the same state refuses and names the first', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  const first = await stand.up()
  await stand.inState('two', 'ready')
  const pids = stand.processes('one')
  const second = await stand.cli('up', '--config', stand.configPath)
  assert.equal(second.code, 3, second.stderr)
  assert.match(second.stderr, new RegExp(`\\b${first.pid}\\b`))
  assert.equal(first.child.exitCode, null)
  assert.deepEqual(stand.processes('one'), pids)
  assert.equal((await stand.status()).daemon.pid, first.pid)
  assert.equal(stand.of('daemon.started').length, 1)
  await stand.verified()
})

test('two daemons started at the same moment: one of them runs', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  const racers = [0, 1, 2].map(() => stand.start(stand.heald('up', '--config', stand.configPath)))
  const codes = () => racers.map(racer => racer.exitCode)
  await stand.wait('two refuse', () => codes().filter(code => code !== null).length === 2)
  assert.deepEqual(
    codes().filter(code => code !== null),
    [3, 3],
  )
  await stand.inState('two', 'ready')
  await stand.onlyProcess('one')
  assert.equal(stand.of('daemon.started').length, 1)
  assert.equal(stand.of('service.started').length, 2)
  await stand.verified()
})

test('the lock of a dead daemon, and one whose pid belongs to somebody else by now, hold nobody up', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: SERVICES })
  const first = await stand.up()
  await stand.inState('two', 'ready')
  await first.kill()
  const second = await stand.up()
  assert.notEqual(second.pid, first.pid)
  await second.kill()
  const third = await stand.up()
  assert.equal((await stand.status()).daemon.pid, third.pid)
  assert.equal(stand.of('service.started').length, 2)
})
