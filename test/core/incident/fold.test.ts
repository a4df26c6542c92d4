import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  allIncidents,
  applyEntry,
  emptyIncidents,
  type FoldEntry,
  findIncident,
  KEPT_RESOLVED,
  KEPT_SEQS,
  openIncidents,
  worstOpen,
} from '../../../core/incident/fold.ts'
import { incidentsFromJson, incidentsToJson } from '../../../core/incident/snapshot.ts'

const TS = '2026-08-21T11:08:30.123Z'

function entry(seq: number, kind: string, inc: string | undefined, data: object = {}, svc = 'agent'): FoldEntry {
  return { seq, ts: TS, kind, svc, data, ...(inc === undefined ? {} : { inc }) }
}

function folded(...entries: FoldEntry[]) {
  const state = emptyIncidents()
  for (const one of entries) applyEntry(state, one)
  return state
}

test('an incident is opened, worked on, acknowledged and resolved', () => {
  const state = folded(
    entry(41, 'incident.opened', 'agent-41', {
      id: 'agent-41',
      severity: 'warning',
      cause: 'agent was killed by SIGKILL',
      services: ['agent'],
    }),
    entry(42, 'service.exited', 'agent-41', { signal: 'SIGKILL' }),
    entry(43, 'service.restarting', 'agent-41', { attempt: 1 }),
    entry(44, 'service.started', 'other-7'),
    entry(45, 'incident.escalated', 'agent-41', { severity: 'critical', cause: 'agent is in a crash loop' }),
    entry(46, 'incident.acked', 'agent-41', { by: 'local:admin' }),
  )
  assert.deepEqual(allIncidents(state), [
    {
      id: 'agent-41',
      severity: 'critical',
      state: 'acked',
      services: ['agent'],
      cause: 'agent is in a crash loop',
      openedTs: TS,
      resolvedTs: null,
      downMs: null,
      attempts: 1,
      entries: [41, 42, 43, 45, 46],
      entryCount: 5,
      ackedBy: 'local:admin',
      ackedTs: TS,
      how: null,
    },
  ])
  assert.equal(worstOpen(state), 'critical')
  applyEntry(state, entry(50, 'incident.resolved', 'agent-41', { downMs: 812.5, how: 'recovered' }))
  applyEntry(state, entry(51, 'incident.acked', 'agent-41', { by: 'late' }))
  const ended = findIncident(state, 'agent-41')
  assert.deepEqual(
    [ended?.state, ended?.resolvedTs, ended?.downMs, ended?.how, ended?.entries.at(-1)],
    ['resolved', TS, 812.5, 'recovered', 50],
  )
  assert.equal(worstOpen(state), null)
  assert.deepEqual(openIncidents(state), [])
})

test('the end of the rollback that cured it still belongs to its timeline, and changes nothing else', () => {
  const state = folded(
    entry(1, 'incident.opened', 'web-1', { severity: 'critical' }),
    entry(2, 'rollback.started', 'web-1'),
    entry(3, 'incident.resolved', 'web-1', { how: 'rolled back to r1' }),
  )
  const resolved = findIncident(state, 'web-1')
  for (const kind of ['rollback.verified', 'generation.quarantined', 'service.restarting', 'incident.escalated'])
    applyEntry(state, entry(4, kind, 'web-1', { severity: 'info', cause: 'told too late' }))
  assert.deepEqual(findIncident(state, 'web-1'), { ...resolved, entries: [1, 2, 3, 4, 4], entryCount: 5 })
})

test('an incident whose opening entry was lost, or is the exit itself, is known by the number in its id', () => {
  const state = folded(
    entry(7, 'service.exited', 'agent-7', { diagnosis: 'agent was killed by SIGKILL' }),
    entry(8, 'service.restarting', 'agent-7'),
    entry(9, 'incident.opened', 'agent-7', { severity: 'critical', cause: 'told later', services: ['agent', 'db'] }),
    entry(10, 'service.restarting', 'agent-3'),
    entry(11, 'incident.resolved', 'agent-11'),
  )
  const [only, ...others] = allIncidents(state)
  assert.deepEqual(others, [])
  assert.deepEqual(
    [only?.entries, only?.severity, only?.cause, only?.services],
    [[7, 8, 9], 'critical', 'told later', ['agent', 'db']],
  )
})

test('a severity is raised but never lowered by an escalation', () => {
  const state = folded(
    entry(1, 'incident.opened', 'a-1', { severity: 'critical' }),
    entry(2, 'incident.escalated', 'a-1', { severity: 'info' }),
  )
  assert.equal(findIncident(state, 'a-1')?.severity, 'critical')
})

test('a long incident keeps its first and last entries and counts them all', () => {
  const state = folded(entry(0, 'incident.opened', 'a-0'))
  for (let seq = 1; seq <= 2000; seq++) applyEntry(state, entry(seq, 'service.restarting', 'a-0'))
  const incident = findIncident(state, 'a-0')
  assert.equal(incident?.entries.length, KEPT_SEQS)
  assert.deepEqual(
    [incident?.entries[0], incident?.entries[99], incident?.entries[100], incident?.entries.at(-1)],
    [0, 99, 1601, 2000],
  )
  assert.deepEqual([incident?.entryCount, incident?.attempts], [2001, 2000])
})

test('of resolved incidents only the last ones are kept, of open ones all', () => {
  const state = emptyIncidents()
  for (let seq = 0; seq < 3000; seq++) {
    applyEntry(state, entry(seq, 'incident.opened', `a-${seq}`))
    if (seq >= 10) applyEntry(state, entry(seq, 'incident.resolved', `a-${seq}`))
  }
  assert.equal(openIncidents(state).length, 10)
  assert.equal(allIncidents(state).length, 10 + KEPT_RESOLVED)
  assert.equal(allIncidents(state)[0]?.id, 'a-2999')
})

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const anyKind = fc.oneof(
  oneOf('incident.opened', 'incident.resolved', 'incident.acked', 'incident.escalated', 'service.restarting'),
  fc.string(),
)
const anyInc = fc.oneof(oneOf('a-1', 'a-2', 'b-3', '__proto__', 'constructor', undefined), fc.string(), fc.anything())

const anyData = fc.oneof(
  fc.anything(),
  fc.record({ id: anyInc, severity: fc.oneof(oneOf('info', 'critical'), fc.anything()), cause: fc.anything() }),
  fc.record({ downMs: fc.oneof(fc.double(), fc.anything()), how: fc.anything(), by: fc.anything() }),
  fc.record({ services: fc.array(fc.anything()), diagnosis: fc.anything() }),
)

test('no entry, however odd, makes the fold throw, and it survives its snapshot', () => {
  const oddEntry = fc.oneof(
    fc.record({
      seq: fc.oneof(fc.nat(5000), fc.anything()),
      ts: fc.anything(),
      kind: anyKind,
      inc: anyInc,
      svc: fc.anything(),
      data: anyData,
    }),
    fc.anything(),
  )
  fc.assert(
    fc.property(fc.array(oddEntry, { maxLength: 60 }), entries => {
      const state = emptyIncidents()
      for (const odd of entries) applyEntry(state, odd as FoldEntry)
      allIncidents(state)
      worstOpen(state)
      const json: unknown = JSON.parse(JSON.stringify(incidentsToJson(state)))
      const restored = incidentsFromJson(json)
      assert.notEqual(restored, null)
      assert.deepEqual(restored && allIncidents(restored), allIncidents(state))
    }),
    { numRuns: 500 },
  )
})

test('in whatever order, the open ones are those opened and not resolved since', () => {
  const act = fc.record({
    kind: oneOf('incident.opened', 'incident.resolved', 'service.exited', 'incident.acked'),
    inc: oneOf('a-900', 'b-901', 'c-902'),
  })
  fc.assert(
    fc.property(fc.array(act, { maxLength: 50 }), acts => {
      const state = emptyIncidents()
      const opened = new Set<string>()
      const resolved = new Set<string>()
      for (const [seq, { kind, inc }] of acts.entries()) {
        applyEntry(state, entry(seq, kind, inc))
        if (kind === 'incident.opened') opened.add(inc)
        if (kind === 'incident.resolved' && opened.has(inc)) resolved.add(inc)
      }
      const expected = [...opened].filter(id => !resolved.has(id)).sort()
      assert.deepEqual(
        openIncidents(state)
          .map(incident => incident.id)
          .sort(),
        expected,
      )
      for (const incident of allIncidents(state))
        assert.deepEqual(
          [...incident.entries],
          [...incident.entries].sort((a, b) => a - b),
        )
    }),
    { numRuns: 500 },
  )
})

test('a snapshot of another shape is refused rather than half used', () => {
  const good = incidentsToJson(
    folded(
      entry(1, 'incident.opened', 'a-1'),
      entry(2, 'incident.resolved', 'a-1'),
      entry(3, 'incident.opened', 'a-3'),
    ),
  )
  assert.notEqual(incidentsFromJson(good), null)
  assert.equal(incidentsFromJson({ ...good, v: 2 }), null)
  assert.equal(incidentsFromJson({ ...good, resolved: ['a-3'] }), null)
  assert.equal(incidentsFromJson({ ...good, incidents: [{ ...good.incidents[0], entries: ['x'] }] }), null)
  fc.assert(fc.property(fc.anything(), json => void incidentsFromJson(json)))
})
