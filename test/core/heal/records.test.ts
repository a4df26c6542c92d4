import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import { newFacts } from '../../../core/heal/facts.ts'
import { newOutage } from '../../../core/heal/outage.ts'
import { serviceRecords } from '../../../core/heal/records.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { serviceSpec } from '../../fakes/patient.ts'
import { makeWard } from './ward.ts'

test('that it passes its check again ends the first incident in a while, not one of several failures or falls', () => {
  for (const [attempt, falls, isOver] of [
    [0, 0, true],
    [1, 0, true],
    [0, 1, true],
    [2, 0, false],
    [0, 2, false],
    [1, 1, false],
  ] as const) {
    const drafts: Draft[] = []
    const record = (draft: Draft) => void drafts.push(draft)
    const facts = { ...newFacts(serviceSpec('web'), null, 0), attempt, falls }
    const outage = newOutage('web', record)
    const tools = { clock: fakeClock(), record, outage, later: (write: () => void) => write() }
    const { perform } = serviceRecords(facts, { ...tools, onReady: () => {}, onLoop: () => null })
    perform.recordUnhealthy()
    perform.recordHealthy()
    const kinds = drafts.map(({ kind }) => kind).slice(2)
    assert.deepEqual(kinds, ['service.recovered', ...(isOver ? ['incident.resolved'] : [])], `${attempt}, ${falls}`)
  }
})

test('one that got ready in its crash loop before a rollback started it anew has recovered, and its incident ends, once', async () => {
  const of = makeWard({ restart: { firstMs: 0, baseMs: 100, capMs: 200, resetAfterMs: 60_000 } })
  await of.ready()
  of.point('r2')
  for (let n = 0; n < 3; n += 1) {
    of.crash()
    await of.clock.advance(n < 2 ? 150 : 0)
  }
  assert.equal(of.told('crashloop.detected').length, 1)
  of.point('r1')
  await of.clock.advance(1000)
  const ends = () => [of.told('service.recovered').length, of.told('incident.resolved').length]
  const before = ends()
  assert.equal(of.service.status().state, 'looping')
  of.patient.renew('rolled back to r1')
  await of.clock.advance(1000)
  assert.equal(of.service.status().state, 'ready')
  assert.deepEqual(
    ends(),
    before.map(count => count + 1),
  )
  assert.equal(of.told('incident.resolved').at(-1)?.data.how, 'rolled back to r1')
  assert.ok(Number(of.told('service.recovered').at(-1)?.data.downMs) > 0)
  await of.clock.advance(120_000)
  assert.deepEqual(
    ends(),
    before.map(count => count + 1),
  )
})

test('one that has recovered already, and is started anew before it is stable, has not recovered twice', async () => {
  const of = makeWard({ restart: { firstMs: 0, baseMs: 100, capMs: 200, resetAfterMs: 60_000 } })
  await of.ready()
  for (let n = 0; n < 2; n += 1) {
    of.crash()
    await of.clock.advance(1000)
  }
  const recovered = () => of.told('service.recovered').length
  assert.equal(recovered(), 2)
  of.patient.renew(null)
  await of.clock.advance(1000)
  assert.deepEqual([of.service.status().state, recovered()], ['ready', 2])
})
