import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import { newOutage, type OpenBefore } from '../../../core/heal/outage.ts'

const OPENED_MS = 1_800_000_000_000
const NOW_MS = OPENED_MS + 5000

function earlier(id: string, more: Partial<OpenBefore> = {}): OpenBefore {
  const openedTs = new Date(OPENED_MS).toISOString()
  return { id, severity: 'warning', cause: id, openedTs, attempts: 1, ...more }
}

function desk() {
  const drafts: Draft[] = []
  const outage = newOutage('api', draft => void drafts.push(structuredClone(draft)))
  const told = () => drafts.splice(0).map(({ kind, inc, data }) => [kind, inc, data])
  return { outage, told }
}

test('an incident of before goes on, with its age and its attempts, and ends like any other', () => {
  const { outage, told } = desk()
  outage.join([earlier('api-3', { attempts: 2 })], NOW_MS)
  outage.open('critical', 'falls again')
  assert.deepEqual([outage.id(), outage.attemptsBefore(), told()], ['api-3', 2, []])
  outage.down(100)
  outage.up(350)
  outage.resolve('restarted')
  assert.deepEqual(told(), [['incident.resolved', 'api-3', { downMs: 5250, how: 'restarted' }]])
  assert.deepEqual([outage.id(), outage.attemptsBefore(), outage.totalMs()], [null, 0, 0])
})

test('of several incidents the oldest goes on, as severe as the worst, and none stays open beside it', () => {
  const { outage, told } = desk()
  outage.open('warning', 'new')
  outage.escalate('loops', 'crash loop')
  told()
  outage.join([earlier('api-3'), earlier('api-7', { attempts: 3 })], NOW_MS)
  assert.deepEqual(told(), [
    ['incident.resolved', 'api-7', { downMs: 5000, how: 'goes on as api-3' }],
    ['incident.resolved', { svc: 'api' }, { downMs: 0, how: 'goes on as api-3' }],
    ['incident.escalated', 'api-3', { severity: 'critical', cause: 'loops', step: 'a later incident joined it' }],
  ])
  assert.deepEqual([outage.id(), outage.attemptsBefore()], ['api-3', 4])
  outage.escalate('loops again', 'crash loop')
  assert.deepEqual(told(), [], 'it is critical already')
})

test('nothing of before: nothing changes', () => {
  const { outage, told } = desk()
  outage.open('warning', 'new')
  told()
  outage.join([], NOW_MS)
  assert.deepEqual([outage.id(), told()], ['api-?', []])
})
