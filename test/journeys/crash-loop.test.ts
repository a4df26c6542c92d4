import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeStand, NODE, soak } from './stand.ts'

test('three deaths are a crash loop: an open incident, slow restarts go on, and the cure resolves it', async t => {
  const stand = await makeStand(t)
  const cured = join(stand.root, 'cured')
  stand.configure({
    services: {
      loop: {
        run: ['sh', '-c', `test -e ${cured} && exec sleep 100000; echo no database; exit 3`],
        restart: { backoff: { base: '50ms', cap: '200ms', resetAfter: '300ms' } },
        crashLoop: { failures: 3, within: '60s' },
      },
      bystander: { run: ['sleep', '100000'] },
    },
  })
  await stand.up()
  const detected = await stand.wait('crashloop.detected', () => stand.of('crashloop.detected', 'loop')[0])
  assert.equal(detected.data.failures, 3)
  assert.equal(detected.data.withinMs, 60_000)
  assert.equal(detected.data.verdict, 'slow restarts')
  assert.equal(stand.of('service.exited', 'loop').filter(entry => entry.seq < detected.seq).length, 3)
  const exit = stand.of('service.exited', 'loop')[0]
  assert.equal(exit?.data.exitCode, 3)
  assert.match(String(exit?.data.diagnosis), /3/)

  const shown = await stand.inState('loop', 'looping')
  assert.ok(shown.incident)
  assert.ok(shown.why)
  const open = (await stand.incidents()).find(incident => incident.id === shown.incident)
  assert.equal(open?.state, 'open')
  assert.equal(open?.severity, 'critical')
  assert.equal((await stand.cli('status')).code, 1, 'status says that something is bad')
  const before = stand.of('service.started', 'loop').length
  await stand.wait('slow restarts go on', () => stand.of('service.started', 'loop').length >= before + 2)
  assert.equal(stand.of('crashloop.detected', 'loop').length, 1, 'one loop is told once')
  assert.equal((await stand.service('bystander')).restarts, 0)

  writeFileSync(cured, '')
  await stand.inState('loop', 'ready')
  await stand.wait('incident.resolved', () =>
    stand.of('incident.resolved', 'loop').find(entry => entry.inc === shown.incident),
  )
  assert.equal((await stand.service('loop')).incident, null)
  assert.equal((await stand.cli('status')).code, 0)
  const all = await stand.json<{ id: string; state: string; attempts: number }[]>('incidents', '--all')
  const told = all.find(incident => incident.id === shown.incident)
  assert.equal(told?.state, 'resolved')
  assert.ok(Number(told?.attempts) >= 2)
  await stand.verified()
})

test('a service that dies some time after each ready is a loop too', async t => {
  const stand = await makeStand(t)
  stand.configure({
    services: {
      late: {
        run: ['sh', '-c', 'sleep 0.6; exit 1'],
        restart: { backoff: { first: 0, base: '10ms', cap: '50ms', resetAfter: '60s' } },
        crashLoop: { failures: 3, within: '10s' },
      },
    },
  })
  await stand.up()
  const detected = await stand.wait('crashloop.detected', () => stand.of('crashloop.detected', 'late')[0])
  assert.ok(stand.of('service.ready', 'late').filter(entry => entry.seq < detected.seq).length >= 3)
})

test('many deaths in a row keep the daemon small and cool, and each is recorded', async t => {
  const deaths = soak(100, 1000)
  const stand = await makeStand(t)
  stand.configure({
    services: {
      mayfly: {
        run: ['false'],
        restart: { backoff: { base: '1ms', cap: '5ms', resetAfter: '60s' } },
        crashLoop: { failures: 1000, within: '1s' },
      },
    },
  })
  const daemon = await stand.up()
  const count = () => stand.of('service.exited', 'mayfly').length
  await stand.wait('a third of the deaths', () => count() >= deaths / 3, 120_000)
  const early = daemon.rssBytes()
  await stand.wait('all deaths', () => count() >= deaths, 240_000)
  const late = daemon.rssBytes()
  assert.ok(late < early + 30e6, `resident memory went from ${early / 1e6} to ${late / 1e6} MB`)
  await stand.must('stop', 'mayfly')
  const [exits, starts] = [stand.of('service.exited', 'mayfly'), stand.of('service.started', 'mayfly')]
  assert.ok(starts.length - exits.length <= 1)
  assert.ok(exits.every(entry => entry.data.exitCode === 1 || entry.data.wanted === true))
  const usedMs = daemon.cpuMs()
  const before = performance.now()
  await stand.wait('half a second at rest', () => performance.now() - before > 500)
  assert.ok(daemon.cpuMs() - usedMs < 250, 'a stopped service costs nothing')
  assert.equal(stand.processes('mayfly').length, 0)
  await stand.verified()
})

test('exit code 125 stays down, also after a new daemon, until somebody starts it', async t => {
  const stand = await makeStand(t)
  const flag = join(stand.root, 'flag')
  const program = join(stand.root, 'done.mjs')
  writeFileSync(
    program,
    `import { existsSync } from 'node:fs'\nif (!existsSync(${JSON.stringify(flag)})) process.exit(125)\nsetInterval(() => {}, 1e6)\n`,
  )
  stand.configure({ services: { done: { run: [NODE, program] } } })
  const first = await stand.up()
  const held = await stand.inState('done', 'held')
  assert.match(String(held.why), /125/)
  assert.equal(stand.of('service.held', 'done').length, 1)
  const starts = stand.of('service.started', 'done').length
  first.child.kill('SIGTERM')
  await first.ended
  await stand.up()
  assert.equal((await stand.service('done')).state, 'held')
  assert.equal(stand.of('service.started', 'done').length, starts, 'it was not started again')
  writeFileSync(flag, '')
  await stand.must('start', 'done')
  assert.equal((await stand.service('done')).state, 'ready')
  await stand.onlyProcess('done')
})

test('a stopped service stays stopped, also after a new daemon', async t => {
  const stand = await makeStand(t)
  stand.configure({ services: { rest: { run: ['sleep', '100000'] }, work: { run: ['sleep', '100000'] } } })
  const first = await stand.up()
  const working = await stand.onlyProcess('work')
  await stand.inState('rest', 'ready')
  await stand.must('stop', 'rest')
  assert.deepEqual(stand.processes('rest'), [])
  const exit = stand.of('service.exited', 'rest')[0]
  assert.equal(exit?.data.wanted, true)
  await first.kill()
  await stand.up()
  assert.equal((await stand.service('rest')).state, 'stopped')
  assert.deepEqual(stand.processes('rest'), [])
  assert.equal(await stand.onlyProcess('work'), working)
})

test('what is missing is the trouble of that service alone, and heals when it appears', async t => {
  const stand = await makeStand(t)
  const folder = join(stand.root, 'later')
  const program = join(stand.root, 'program')
  const slow = { restart: { backoff: { base: '20ms', cap: '100ms', resetAfter: '200ms' } } }
  stand.configure({
    services: {
      nofile: { run: [program], ...slow },
      nofolder: { run: ['sleep', '100000'], cwd: folder, ...slow },
      ...(process.getuid?.() === 0 ? { nouser: { run: ['sleep', '100000'], user: 'no-such-user', ...slow } } : {}),
      interpreter: { run: [join(stand.root, 'script')], ...slow },
      fine: { run: ['sleep', '100000'] },
    },
  })
  writeFileSync(join(stand.root, 'script'), '#!/no/such/interpreter\n')
  chmodSync(join(stand.root, 'script'), 0o755)
  await stand.up()
  const fine = await stand.onlyProcess('fine')
  const why: Record<string, RegExp> = { nofile: /program/, nofolder: /later/, interpreter: /script/ }
  if (process.getuid?.() === 0) why.nouser = /no-such-user/
  for (const [name, words] of Object.entries(why)) {
    const open = await stand.wait(`an incident of ${name}`, async () =>
      (await stand.incidents()).find(incident => incident.services.includes(name) && incident.state === 'open'),
    )
    assert.match(open.cause, words, `the cause of ${name}`)
    assert.match(String(stand.of('service.exited', name)[0]?.data.diagnosis), words)
  }
  writeFileSync(program, '#!/bin/sh\nexec sleep 100000\n')
  chmodSync(program, 0o755)
  mkdirSync(folder)
  writeFileSync(join(stand.root, 'script'), '#!/bin/sh\nexec sleep 100000\n')
  for (const name of ['nofile', 'nofolder', 'interpreter']) {
    await stand.inState(name, 'ready')
    await stand.wait(`the incident of ${name} is resolved`, () => stand.of('incident.resolved', name)[0])
    await stand.onlyProcess(name)
  }
  assert.equal(await stand.onlyProcess('fine'), fine)
  await stand.verified()
})
