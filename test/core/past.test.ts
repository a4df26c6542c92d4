import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../core/clock.ts'
import { allIncidents } from '../../core/incident/fold.ts'
import { openLedger } from '../../core/ledger/open.ts'
import { openPast } from '../../core/past.ts'

test('who holds a part of what is folded sees what is folded later, and each later entry', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'heald-past-'))
  const bootId = '00000000-0000'
  const ledger = await openLedger({
    dir,
    host: 'h',
    version: '0',
    clock: systemClock,
    bootId,
    redact: [],
    fsync: false,
  })
  t.after(async () => {
    await ledger.close(5000)
    rmSync(dir, { recursive: true, force: true })
  })
  const fail = (svc: string) =>
    ledger.append({ kind: 'incident.opened', svc, inc: { svc }, opens: true, data: { services: [svc], cause: svc } })
  await fail('api')
  const restart = (attempt: number) =>
    ledger.append({ kind: 'service.restarting', svc: 'api', data: { attempt, delayMs: 0, cause: 'api' } })
  for (let n = 0; n < 5; n += 1) await restart(n)

  const past = await openPast(dir, () => ledger.head().size, 2)
  ledger.onDurable(past.follow)
  const { incidents, memory } = past.folded
  const seen = () => allIncidents(incidents).flatMap(({ services }) => services)
  assert.deepEqual([seen(), memory.api?.restarts, past.snapshot()], [[], 2, undefined])

  await restart(5)
  await past.foldRest()
  assert.deepEqual([seen(), memory.api?.restarts], [['api'], 6])
  const recalled = past.recalled()
  assert.equal(recalled?.memory.api?.restarts, 5, 'as it was at the start')
  assert.deepEqual(recalled?.openIncidents('api'), allIncidents(incidents))
  await fail('db')
  assert.deepEqual(seen(), ['db', 'api'])
})
