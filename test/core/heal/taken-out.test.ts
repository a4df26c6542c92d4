import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import type { ProcessHost } from '../../../core/heal/host.ts'
import type { Memory, Remembered, ServiceMemory } from '../../../core/heal/memory.ts'
import { takenOut } from '../../../core/heal/taken-out.ts'

const BOOT = '1234abcd'
const BLANK = { wanted: true, restarts: 0, why: null, stayDown: false, runningPid: null, boot: BOOT }
const WHY = 'it is not in the configuration any more'

function remembered(services: Record<string, Partial<ServiceMemory>>, open: Record<string, string[]> = {}): Remembered {
  const memory: Memory = {}
  for (const [name, given] of Object.entries(services)) memory[name] = { ...BLANK, ...given }
  const incident = (id: string) => ({
    ...{ id, severity: 'warning' as const, cause: 'fell' },
    ...{ openedTs: new Date(0).toISOString(), attempts: 1 },
  })
  return { memory, openIncidents: name => (open[name] ?? []).map(incident) }
}

/** `left`: pids of what an earlier daemon left running, by name; null: it has ended, and its place is still there. */
function desk(left: Record<string, number | null>, { configured = {}, knowsUnits = true } = {}) {
  const drafts: Draft[] = []
  const forgotten: string[] = []
  const durable = Promise.withResolvers<void>()
  const host: ProcessHost = {
    seat: () => assert.fail(),
    remove: async () => {},
    others: names => Object.keys(left).filter(name => !names.has(name)),
    endOther: async name => left[name] ?? null,
    forgetOther: name => void forgotten.push(name),
    knowsUnits: () => knowsUnits,
  }
  const gone = takenOut({
    ...{ host, boot: BOOT, wallMs: () => 5000, recorded: () => durable.promise },
    record: draft => void drafts.push(draft),
    configured: () => new Map(Object.entries(configured)),
  })
  const told = () => drafts.map(({ kind, svc, inc, data }) => ({ kind, svc, inc, data }))
  return { gone, told, forgotten, durable }
}

test('what runs is ended, what had ended is told, and a place is forgotten only once that is durable', async () => {
  const { gone, told, forgotten, durable } = desk({ web: 7, api: null, idle: null }, { configured: { kept: null } })
  const past = remembered(
    { kept: { runningPid: 1 }, web: { runningPid: 7 }, api: { runningPid: 8 }, idle: {} },
    { web: ['web-3', 'web-9'] },
  )
  assert.deepEqual(gone.changes(past), { stop: ['api', 'idle', 'web'], release: [] })
  await gone.end(past)
  const by = { by: 'heald', why: WHY }
  assert.deepEqual(told(), [
    { kind: 'service.stopped', svc: 'api', inc: undefined, data: { pid: 8, ...by } },
    { kind: 'service.stopped', svc: 'web', inc: 'web-3', data: { pid: 7, ...by } },
    { kind: 'incident.resolved', svc: 'web', inc: 'web-9', data: { downMs: 5000, how: 'goes on as web-3' } },
    { kind: 'incident.resolved', svc: 'web', inc: 'web-3', data: { downMs: 5000, how: WHY } },
  ])
  assert.deepEqual(forgotten, [])
  durable.resolve()
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(forgotten.sort(), ['api', 'idle', 'web'])
})

test('a unit is let go of, whether it ran or not; one whose kind an old ledger does not tell is, too', async () => {
  const { gone, told } = desk({})
  const past = remembered({
    agent: { unit: 'agent.service', runningPid: 7 },
    down: { unit: 'down.service' },
    old: { runningPid: 9 },
    stopped: { wanted: false },
    'channel:slack': { runningPid: 4 },
  })
  assert.deepEqual(gone.changes(past), { stop: [], release: ['agent', 'down', 'old'] })
  await gone.end(past)
  assert.deepEqual(
    told().map(({ kind, svc, data }) => [kind, svc, data]),
    [
      ['service.released', 'agent', { unit: 'agent.service', pid: 7, why: WHY }],
      ['service.released', 'down', { unit: 'down.service', why: WHY }],
      ['service.released', 'old', { pid: 9, why: WHY }],
    ],
  )
})

test('what ran in another boot is not told as ended; its incident is', async () => {
  const { gone, told } = desk({ web: null })
  await gone.end(remembered({ web: { runningPid: 7, boot: 'another' } }, { web: ['web-3'] }))
  assert.deepEqual(
    told().map(({ kind }) => kind),
    ['incident.resolved'],
  )
})

test('while systemd can’t tell which units there are, none is let go of, and their incidents go on', async () => {
  const { gone, told } = desk({ web: 7 }, { knowsUnits: false })
  const past = remembered({ web: {}, agent: { unit: 'agent.service' } }, { web: ['web-3'], agent: ['agent-5'] })
  assert.deepEqual(gone.changes(past), { stop: ['web'], release: [] })
  await gone.end(past)
  assert.deepEqual(
    told().map(({ kind, svc }) => `${kind} ${svc}`),
    ['service.stopped web', 'incident.resolved web'],
  )
})

test('what is remembered only later is told then, and nothing twice', async () => {
  const { gone, told } = desk({ web: 7 })
  const newest = remembered({ web: { runningPid: 7 }, agent: { unit: 'agent.service' } })
  await gone.end(newest)
  const before = told().length
  const whole = remembered(
    { web: { runningPid: 7 }, agent: { unit: 'agent.service' }, late: { unit: 'late.service' } },
    { web: ['web-3'], late: ['late-1'] },
  )
  gone.recall(whole)
  assert.deepEqual(
    told()
      .slice(before)
      .map(({ kind, svc, inc }) => [kind, svc, inc]),
    [
      ['service.released', 'late', 'late-1'],
      ['incident.resolved', 'web', 'web-3'],
      ['incident.resolved', 'late', 'late-1'],
    ],
  )
})
