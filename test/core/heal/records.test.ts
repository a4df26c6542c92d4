import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import { newFacts } from '../../../core/heal/facts.ts'
import { newOutage } from '../../../core/heal/outage.ts'
import { serviceRecords } from '../../../core/heal/records.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { serviceSpec } from '../../fakes/patient.ts'

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
