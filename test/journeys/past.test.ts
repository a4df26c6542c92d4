import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../core/clock.ts'
import type { Draft } from '../../core/entry.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { makeStand } from './stand.ts'

/** More than what a start reads at once (65,536): the orders before them are found only when all is folded. */
const SINCE = 140_000

test('a long ledger without its snapshot: what was stopped stays so, the rest is healed meanwhile', async t => {
  const stand = await makeStand(t)
  const sleeper = { run: ['sleep', '1000'] }
  stand.configure({ services: { known: sleeper, stopped: sleeper, downed: sleeper, late: sleeper, fresh: sleeper } })
  const dir = join(stand.state, 'ledger')
  const { clock, bootId } = { clock: systemClock, bootId: '00000000-0000' }
  const ledger = await openLedger({ dir, host: 'h', version: '0', clock, bootId, redact: [], fsync: false })
  const started = (svc: string): Draft => ({
    kind: 'service.started',
    svc,
    data: { pid: 1, attempt: 0, standby: false },
  })
  const stoppedBy = (svc: string): Draft => ({ kind: 'service.stopped', svc, data: { by: 'local:admin' } })
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
  await ledger.append(stoppedBy('late'))
  await ledger.close(10_000)
  rmSync(join(dir, 'state.json'), { force: true })

  await stand.up()
  // Orders wait for the past, so this one is answered once everything is known.
  await stand.must('restart', 'known')
  await stand.inState('fresh', 'ready')
  const states = (await stand.status()).services.map(({ name, state, why }) => [name, state, why])
  assert.deepEqual(states, [
    ['known', 'ready', null],
    ['stopped', 'stopped', 'stopped by local:admin'],
    ['downed', 'held', 'it asked to'],
    ['late', 'stopped', 'stopped by local:admin'],
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
  await stand.verified()
})
