import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import { applyEntry, emptyIncidents, type Incidents } from '../../../core/incident/fold.ts'
import { marker } from '../../../core/incident/mark.ts'
import { incidentsFromJson, incidentsToJson } from '../../../core/incident/snapshot.ts'

const TS = '2026-08-21T11:08:30.123Z'

/** One open incident, and a ledger that takes a moment. */
function desk() {
  const incidents: Incidents = emptyIncidents()
  applyEntry(incidents, { seq: 41, ts: TS, kind: 'incident.opened', svc: 'api', inc: 'api-41', data: { cause: 'x' } })
  const drafts: Draft[] = []
  let seq = 42
  const append = async (draft: Draft): Promise<void> => {
    await new Promise(done => setImmediate(done))
    drafts.push(draft)
    applyEntry(incidents, { seq: seq++, ts: TS, kind: draft.kind, inc: 'api-41', data: draft.data })
  }
  const resolve = () => append({ kind: 'incident.resolved', inc: 'api-41', data: { how: 'by hand' } })
  return { incidents, drafts, mark: marker({ incidents, append, resolve }) }
}

test('a second acknowledgement, even at the same moment, records nothing and names the first one', async () => {
  const { drafts, mark } = desk()
  const [first, second] = await Promise.all([mark('ack', 'api-41', 'local:admin/alice'), mark('ack', 'api-41', 'bob')])
  assert.deepEqual([first.already, first.ackedBy, first.ackedTs], [undefined, 'local:admin/alice', TS])
  assert.deepEqual([second.already, second.ackedBy, second.ackedTs], [true, 'local:admin/alice', TS])
  assert.deepEqual(
    drafts.map(({ kind, actor, svc }) => [kind, actor, svc]),
    [['incident.acked', 'local:admin', 'api']],
  )
  assert.equal((await mark('resolve', 'api-41', 'bob')).state, 'resolved')
})

test('what is not there, or over, can not be marked; the next mark is not held up', async () => {
  const { mark } = desk()
  await assert.rejects(mark('ack', 'api-40', 'bob'), { code: 'incident.unknown' })
  await mark('resolve', 'api-41', 'bob')
  await assert.rejects(mark('ack', 'api-41', 'bob'), {
    code: 'incident.resolved',
    hint: 'heald incident api-41 tells how',
  })
})

test('a snapshot of a version that did not keep the time is still one', () => {
  const json = JSON.parse(JSON.stringify(incidentsToJson(desk().incidents)))
  delete json.incidents[0].ackedTs
  assert.equal(incidentsFromJson(json)?.byId.get('api-41')?.ackedTs, null)
  json.incidents[0].ackedTs = 7
  assert.equal(incidentsFromJson(json), null)
})
