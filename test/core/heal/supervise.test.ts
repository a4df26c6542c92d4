import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ServiceSpec } from '../../../core/config/spec.ts'
import type { Draft } from '../../../core/entry.ts'
import type { Outside, ProcessHost, Seat } from '../../../core/heal/host.ts'
import type { Memory, Remembered, ServiceMemory } from '../../../core/heal/memory.ts'
import type { OpenBefore } from '../../../core/heal/outage.ts'
import { createSupervisor } from '../../../core/heal/supervise.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'

const RESET_MS = 1000

function specOf(name: string): ServiceSpec {
  return {
    name,
    run: ['sleep', '1000'],
    cwd: '/',
    env: {},
    dependsOn: [],
    probes: {},
    restart: { firstMs: 0, baseMs: 10, capMs: 100, resetAfterMs: RESET_MS },
    crashLoop: { failures: 3, withinMs: 60_000 },
    stop: { signal: 'SIGTERM', timeoutMs: 1000 },
    limits: {},
    logs: { maxBytes: 1000, keep: 1 },
    critical: false,
  }
}

/** A supervisor that remembers nothing of `unknown`, on a host that starts whatever it is told to. */
async function desk(known: readonly string[], unknown: readonly string[] = [], more: Partial<ServiceSpec> = {}) {
  const started: string[] = []
  let isAllRead = false
  const drafts: Draft[] = []
  const clock = fakeClock()
  const seat = (name: string): Seat => ({
    adopt: async () => null,
    start: () => ({ pid: started.push(name), standby: false }),
    arm: () => {},
    describe: async () => {},
    runs: () => true,
    signal: () => {},
    isEmpty: () => true,
    killTree: async () => {},
    account: () => null,
    release: () => {},
  })
  const news = new Map<string, Outside>()
  const host: ProcessHost = {
    async seat(spec, _onEnd, outside) {
      news.set(spec.name, outside)
      return seat(spec.name)
    },
    remove: async () => {},
  }
  const supervisor = createSupervisor({
    host,
    clock,
    random: () => 0.5,
    record: draft => void drafts.push(draft),
    recorded: async () => {},
    remembered: { memory: {}, openIncidents: () => [] },
    isRemembered: name => isAllRead || known.includes(name),
    boot: '00000000-0000',
    warn: text => assert.fail(text),
    onLoop: () => null,
    generationOf: () => null,
  })
  const services = [...known, ...unknown].map(name => ({ ...specOf(name), ...more }))
  await supervisor.take({
    host: 'h',
    services,
    units: [],
    targets: [],
    switch: { probationMs: 1, passes: 1, deadManMs: 1, budget: { perHour: 2, perDay: 4 } },
    ledger: { fsync: false, redact: [], checkpointEvery: 10_000 },
    ...NO_CHANNELS,
    sha256: '',
    tz: 'UTC',
  })
  await supervisor.begin()
  await clock.advance(200)
  isAllRead = true
  return { supervisor, clock, started, news, told: (kind: string) => drafts.filter(draft => draft.kind === kind) }
}

function past(services: Record<string, Partial<ServiceMemory>>, open: readonly OpenBefore[] = []): Remembered {
  const blank = { wanted: true, restarts: 0, why: null, stayDown: false, runningPid: null, boot: '' }
  const memory: Memory = {}
  for (const [name, given] of Object.entries(services)) memory[name] = { ...blank, ...given }
  return { memory, openIncidents: () => open }
}

const before: OpenBefore = {
  id: 'api-3',
  severity: 'warning',
  cause: 'fell',
  openedTs: new Date(0).toISOString(),
  attempts: 1,
}

test('what waited for the past takes up its work one a turn, and nothing starts after the end', async () => {
  const names = ['a', 'b', 'c', 'd']
  const { supervisor, started } = await desk([], names)
  assert.deepEqual(started, [])
  const recalling = supervisor.recall(past({ b: { wanted: false, why: 'stopped by bob' } }))
  const seen = [started.length]
  for (let turn = 0; turn < 3; turn += 1) {
    await nextTurn()
    seen.push(started.length)
    if (turn === 1) supervisor.release()
  }
  await recalling
  assert.deepEqual(
    [seen, started],
    [
      [1, 1, 2, 2],
      ['a', 'c'],
    ],
  )
})

test('what others do with a unit reaches its service; of a process of our own nobody decides anything', async () => {
  const units = await desk(['web'], [], { unit: 'web.service' })
  units.news.get('web')?.stops()
  await units.clock.advance(10)
  assert.equal(units.supervisor.statuses()[0]?.state, 'stopping')

  const own = await desk(['web'])
  own.news.get('web')?.stops()
  await own.clock.advance(10)
  assert.equal(own.supervisor.statuses()[0]?.state, 'ready')
})

test('a service whose turn has not come is not let go by another one that gets ready', async () => {
  const rest = Array.from({ length: 300 }, (_, n) => `b${n}`)
  const { supervisor, started, clock } = await desk([], ['a', ...rest, 'z'])
  const recalling = supervisor.recall(past({ z: { wanted: false, why: 'stopped by bob' } }))
  await clock.advance(1000)
  await recalling
  assert.deepEqual(started, ['a', ...rest])
})

test('one that runs well ends its incident of before: at once, or when stable if it had fallen often', async () => {
  const once = await desk(['api'])
  assert.equal(once.supervisor.statuses()[0]?.state, 'ready')
  await once.supervisor.recall(past({ api: { restarts: 7 } }, [before]))
  await once.clock.advance(10)
  assert.equal(once.told('incident.resolved')[0]?.inc, 'api-3')
  assert.equal(once.supervisor.statuses()[0]?.restarts, 7)

  const often = await desk(['api'])
  await often.supervisor.recall(past({}, [{ ...before, attempts: 2 }]))
  await often.clock.advance(RESET_MS - 10)
  assert.deepEqual(often.told('incident.resolved'), [])
  assert.equal(often.supervisor.statuses()[0]?.incident, 'api-3')
  await often.clock.advance(20)
  assert.equal(often.told('incident.resolved')[0]?.data.how, 'stable for 1 s')
})

test('restarts of this daemon are counted on top of those of before', async () => {
  const { supervisor, clock } = await desk(['api'])
  const end = { exitCode: 1, evidence: () => ({ pid: 1, exit: 'code', exitCode: 1, oom: false, tail: '' }) as const }
  supervisor.service('api').onEnd(end)
  await clock.advance(10)
  await supervisor.recall(past({ api: { restarts: 7 } }))
  assert.equal(supervisor.statuses()[0]?.restarts, 8)
})

test('an incident of one that was stopped on purpose is over', async () => {
  const { supervisor, clock, told } = await desk([], ['api'])
  await supervisor.recall(past({ api: { wanted: false, why: 'stopped by bob' } }, [before]))
  await clock.advance(10)
  assert.equal(told('incident.resolved')[0]?.data.how, 'stopped')
})
