import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Changes } from '../../core/api/control.ts'
import { cmdline } from './leftovers.ts'
import { type ConfigInput, makeStand } from './stand.ts'

const FIRST: ConfigInput = {
  services: {
    stays: { run: ['sleep', '100000'] },
    changes: { run: ['sleep', '100001'] },
    goes: { run: ['sleep', '100002'] },
    tuned: { run: ['sleep', '100003'] },
  },
}
const SECOND: ConfigInput = {
  services: {
    stays: { run: ['sleep', '100000'] },
    changes: { run: ['sleep', '100099'] },
    tuned: { run: ['sleep', '100003'], stop: { timeout: '7s' } },
    comes: { run: ['sleep', '100004'] },
  },
}

test('a good file: started, stopped, kept and pending, all at once; --dry-run only tells', async t => {
  const stand = await makeStand(t)
  stand.configure(FIRST)
  await stand.up()
  for (const name of Object.keys(FIRST.services)) await stand.inState(name, 'ready')
  const pids = Object.fromEntries(Object.keys(FIRST.services).map(name => [name, stand.processes(name)[0]]))
  stand.configure(SECOND)

  const planned = await stand.json<Changes>('reload', '--dry-run')
  assert.deepEqual([...planned.start].sort(), ['comes'])
  assert.deepEqual([...planned.stop].sort(), ['goes'])
  assert.deepEqual([...planned.pending].sort(), ['changes'])
  assert.deepEqual([...planned.restart].sort(), [])
  assert.deepEqual([...planned.keep].sort(), ['stays', 'tuned'])
  assert.deepEqual(stand.processes('goes'), [pids.goes])
  assert.equal(stand.processes('comes').length, 0)
  assert.equal(stand.of('config.applied').length, 1)

  const done = await stand.json<Changes>('reload')
  assert.deepEqual({ ...done, dryRun: true }, planned)
  await stand.inState('comes', 'ready')
  await stand.wait('goes is gone', () => stand.processes('goes').length === 0)
  assert.deepEqual((await stand.status()).services.map(each => each.name).sort(), [
    'changes',
    'comes',
    'stays',
    'tuned',
  ])
  for (const name of ['stays', 'changes', 'tuned']) assert.deepEqual(stand.processes(name), [pids[name]])
  assert.match(String((await stand.service('changes')).why), /restart pending/)
  const applied = stand.of('config.applied').at(-1)
  const changes = applied?.data.changes as Changes | undefined
  assert.deepEqual(changes?.pending, ['changes'])

  await stand.must('restart', 'changes')
  const fresh = await stand.onlyProcess('changes')
  assert.deepEqual(cmdline(fresh), ['sleep', '100099'])
  assert.equal((await stand.service('changes')).why, null)
  await stand.verified()
})

test('--restart restarts what changed, and a pending change is taken up by a crash too', async t => {
  const stand = await makeStand(t)
  stand.configure(FIRST)
  await stand.up()
  for (const name of Object.keys(FIRST.services)) await stand.inState(name, 'ready')
  const stays = stand.processes('stays')
  stand.configure(SECOND)
  const done = await stand.json<Changes>('reload', '--restart')
  assert.deepEqual([done.restart, done.pending], [['changes'], []])
  await stand.wait('changes runs the new command', () =>
    stand.processes('changes').some(pid => cmdline(pid).includes('100099')),
  )
  assert.deepEqual(stand.processes('stays'), stays)

  stand.configure({ services: { ...SECOND.services, stays: { run: ['sleep', '100055'] } } })
  const pending = await stand.json<Changes>('reload')
  assert.deepEqual(pending.pending, ['stays'])
  process.kill(stays[0] ?? assert.fail(), 'SIGKILL')
  await stand.wait('the new command runs', () => stand.processes('stays').some(pid => cmdline(pid).includes('100055')))
  assert.equal((await stand.service('stays')).why, null)
})

test('a bad file changes nothing and every error is told, on reload and on SIGHUP', async t => {
  const stand = await makeStand(t)
  stand.configure(FIRST)
  const daemon = await stand.up()
  await stand.inState('goes', 'ready')
  const pids = stand.processes('goes')
  const bad = [
    'services:',
    '  stays: { run: [sleep, "100000"], heatlh: { tcp: "127.0.0.1:1" } }',
    '  fresh: { run: [sleep, "1"], stop: { timeout: 5 parsecs } }',
    '  third: { run: [] }',
    '',
  ].join('\n')
  writeFileSync(stand.configPath, bad)
  const { code, stdout, stderr } = await stand.cli('reload')
  assert.notEqual(code, 0)
  const text = stdout + stderr
  for (const words of [/heatlh/, /health/, /parsecs/, /third/, /:2:/, /:3:/, /:4:/]) assert.match(text, words)

  daemon.child.kill('SIGHUP')
  await stand.wait('the daemon tells why', () => /parsecs/.test(stand.said()))
  assert.deepEqual(stand.processes('goes'), pids)
  assert.deepEqual((await stand.status()).services.map(each => each.name).sort(), Object.keys(FIRST.services).sort())
  assert.equal(stand.of('config.applied').length, 1)
  assert.equal(stand.of('service.exited').length, 0)

  stand.configure(SECOND)
  daemon.child.kill('SIGHUP')
  await stand.wait('the good file is applied', () => stand.of('config.applied').length === 2)
  // What goes is stopped first.
  await stand.wait('comes is known', async () => (await stand.status()).services.some(({ name }) => name === 'comes'))
  await stand.inState('comes', 'ready')
  await stand.wait('goes is gone', () => stand.processes('goes').length === 0)
  await stand.verified()
})

test('a bad file at the start: nothing runs, every error is told, the exit code is not 0', async t => {
  const stand = await makeStand(t)
  writeFileSync(stand.configPath, 'services:\n  a: { runn: [sleep] }\n  b: { run: sleep 5, user: 7 }\n')
  const { code, stderr } = await stand.cli('up', '--config', stand.configPath)
  assert.ok(code === 1 || code === 2, `exit code ${code}`)
  assert.match(stderr, /runn/)
  assert.match(stderr, /:2:/)
  assert.match(stderr, /:3:/)
  assert.deepEqual(stand.leftovers(), [])
})
