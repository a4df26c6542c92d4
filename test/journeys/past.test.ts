import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../core/clock.ts'
import { type Draft, incidentId } from '../../core/entry.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { makeStand } from './stand.ts'

/** More than what a start reads at once (65,536): the orders before them are found only when all is folded. */
const SINCE = 100_000

test('a long ledger without its snapshot: nothing of it is forgotten, and all is healed meanwhile', async t => {
  const stand = await makeStand(t)
  const sleeper = { run: ['sleep', '1000'] }
  const failing = {
    run: ['sh', '-c', 'test -e mended && exec sleep 1000; exit 1'],
    restart: { backoff: { base: '50ms', cap: '200ms', resetAfter: '500ms' } },
  }
  stand.configure({
    services: { known: sleeper, stopped: sleeper, downed: sleeper, late: sleeper, failing, fresh: sleeper },
  })
  const dir = join(stand.state, 'ledger')
  const { clock, bootId } = { clock: systemClock, bootId: '00000000-0000' }
  const ledger = await openLedger({ dir, host: 'h', version: '0', clock, bootId, redact: [], fsync: false })
  const started = (svc: string): Draft => ({
    kind: 'service.started',
    svc,
    data: { pid: 1, attempt: 0, standby: false },
  })
  const stoppedBy = (svc: string): Draft => ({ kind: 'service.stopped', svc, data: { by: 'local:admin' } })
  /** What an earlier daemon left open: its incident, and how often it was restarted in vain. */
  async function leaveOpen(svc: string, restarts: number): Promise<string> {
    const inc = { svc }
    const opened: Draft = { kind: 'incident.opened', svc, inc, opens: true, data: { severity: 'warning', cause: svc } }
    await ledger.append(opened)
    for (let attempt = 1; attempt <= restarts; attempt += 1)
      await ledger.append({ kind: 'service.restarting', svc, inc, data: { attempt, delayMs: 0, cause: svc } })
    return incidentId(inc)
  }
  const ofKnown = await leaveOpen('known', 2)
  const ofFailing = await leaveOpen('failing', 1)
  await leaveOpen('fresh', 1)
  for (const svc of ['stopped', 'late', 'downed']) await ledger.append(started(svc))
  await ledger.append(stoppedBy('stopped'))
  await ledger.append({ kind: 'service.held', svc: 'downed', data: { why: 'it asked to', stayDown: true } })
  for (let n = 0; n < SINCE; n += 1000) {
    const batch = Array.from({ length: 1000 }, () =>
      ledger.append({ kind: 'service.unhealthy', svc: 'known', data: { check: 'none', verdict: 'fail', misses: 1 } }),
    )
    await Promise.all(batch)
  }
  await ledger.append(started('known'))
  await ledger.append(started('failing'))
  await ledger.append(stoppedBy('late'))
  await ledger.close(10_000)
  rmSync(join(dir, 'state.json'), { force: true })

  await stand.up()
  // Orders wait for the past, so this one, the first thing asked, is answered once everything is known.
  await stand.must('ack', ofKnown)
  assert.equal((await stand.service('known')).restarts, 2)
  assert.equal((await stand.service('failing')).incident, ofFailing)
  writeFileSync(join(stand.root, 'mended'), '')
  await stand.inState('failing', 'ready')
  await stand.must('restart', 'known')
  await stand.inState('fresh', 'ready')
  const states = (await stand.status()).services.map(({ name, state, why }) => [name, state, why])
  assert.deepEqual(states, [
    ['known', 'ready', null],
    ['stopped', 'stopped', 'stopped by local:admin'],
    ['downed', 'held', 'it asked to'],
    ['late', 'stopped', 'stopped by local:admin'],
    ['failing', 'ready', null],
    ['fresh', 'ready', null],
  ])
  const mine = stand.entries().slice(SINCE)
  for (const name of ['stopped', 'downed', 'late'])
    assert.deepEqual(
      mine.filter(({ kind, svc }) => kind === 'service.started' && svc === name),
      [],
      name,
    )
  const held = mine.filter(
    ({ kind, svc, data }) => kind === 'service.held' && svc === 'fresh' && Array.isArray(data.waitsFor),
  )
  assert.equal(held.length, 1, 'the past was not known at once, else this tests nothing')
  await stand.must('start', 'stopped')
  assert.equal(
    (await stand.service('known')).incident,
    ofKnown,
    'it had been restarted in vain: being ready ends nothing',
  )
  await stand.must('resolve', ofKnown)

  const incidents = await stand.wait('all incidents to be over', async () => {
    const all = await stand.incidents()
    return all.every(({ state }) => state === 'resolved') ? all.reverse() : null
  })
  assert.deepEqual(
    incidents.map(({ services, severity, how, ackedBy }) => [...services, severity, how, ackedBy !== null]),
    [
      ['known', 'warning', 'by hand, by local:admin', true],
      ['failing', 'critical', 'stable for 0.5 s', false],
      ['fresh', 'warning', 'restarted', false],
      // It failed again before the past was known.
      ['failing', 'critical', `goes on as ${ofFailing}`, false],
    ],
  )
  assert.equal((await stand.service('failing')).restarts, stand.of('service.restarting', 'failing').length)
  await stand.verified()
})
