import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Changes } from '../../../core/api/control.ts'
import { mustBeReloadable, planReload } from '../../../core/config/plan.ts'
import type { HostConfig, ServiceSpec } from '../../../core/config/spec.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'

const BASE: Omit<ServiceSpec, 'name'> = {
  run: ['node', 'web.js'],
  cwd: '/srv',
  env: { A: '1', B: '2' },
  dependsOn: [],
  probes: {},
  restart: { firstMs: 0, baseMs: 200, capMs: 30_000, resetAfterMs: 60_000 },
  crashLoop: { failures: 3, withinMs: 60_000 },
  stop: { signal: 'SIGTERM', timeoutMs: 10_000 },
  limits: {},
  logs: { maxBytes: 1_000_000, keep: 3 },
  critical: false,
}

/** What a running process can't take on. */
const FIXED: readonly Partial<ServiceSpec>[] = [
  { run: ['node', 'other.js'] },
  { run: ['node'] },
  { cwd: '/' },
  { env: { A: '1' } },
  { env: { A: '1', B: '3' } },
  { user: 'web' },
  { limits: { memoryBytes: 1_000_000 } },
  { limits: { pids: 5 } },
]

/** What applies while it runs. */
const LIVE: readonly Partial<ServiceSpec>[] = [
  {},
  { env: { B: '2', A: '1' } },
  { critical: true },
  { target: 'app' },
  { dependsOn: ['x'] },
  { logs: { maxBytes: 5000, keep: 0 } },
  { stop: { signal: 'SIGINT', timeoutMs: 1 } },
  { crashLoop: { failures: 9, withinMs: 1000 } },
  { restart: { firstMs: 5, baseMs: 5, capMs: 5, resetAfterMs: 5 } },
  {
    probes: {
      liveness: {
        check: { kind: 'tcp', host: 'a', port: 1 },
        everyMs: 1,
        timeoutMs: 1,
        failures: 1,
        successes: 1,
        startupMs: 1,
      },
    },
  },
]

const config = (services: readonly ServiceSpec[]): HostConfig => ({
  host: 'a',
  tz: 'UTC',
  services,
  units: [],
  targets: [],
  switch: { probationMs: 1, passes: 1, deadManMs: 1, budget: { perHour: 2, perDay: 4 } },
  ledger: { fsync: true, redact: [], checkpointEvery: 10_000 },
  ...NO_CHANNELS,
  sha256: '',
})
const plan = (before: Partial<ServiceSpec>, after: Partial<ServiceSpec>, restart = false) =>
  planReload(config([{ ...BASE, name: 'web', ...before }]), config([{ ...BASE, name: 'web', ...after }]), { restart })
const NONE: Changes = { start: [], stop: [], release: [], restart: [], keep: [], pending: [] }

test('what a running process can’t take on waits for a restart, or has one when asked for', () => {
  for (const change of FIXED) {
    assert.deepEqual(plan({}, change), { ...NONE, pending: ['web'] }, JSON.stringify(change))
    assert.deepEqual(plan(change, {}), { ...NONE, pending: ['web'] }, JSON.stringify(change))
    assert.deepEqual(plan({}, change, true), { ...NONE, restart: ['web'] }, JSON.stringify(change))
  }
})

test('everything else applies as it runs', () => {
  for (const change of LIVE)
    assert.deepEqual(plan({}, change, true), { ...NONE, keep: ['web'] }, JSON.stringify(change))
})

test('new services start and missing ones stop', () => {
  const one = { ...BASE, name: 'one' }
  const two = { ...BASE, name: 'two' }
  const changes = planReload(config([one]), config([two]), { restart: true })
  assert.deepEqual(changes, { ...NONE, start: ['two'], stop: ['one'] })
})

test('each name is in exactly one list, whatever changed', () => {
  const change = fc.constantFrom(...FIXED, ...LIVE)
  const services = fc
    .dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), change)
    .map(made => Object.entries(made).map(([name, part]): ServiceSpec => ({ ...BASE, ...part, name })))
  fc.assert(
    fc.property(services, services, fc.boolean(), (before, after, restart) => {
      const changes = planReload(config(before), config(after), { restart })
      const listed = Object.values(changes).flat()
      const names = new Set([...before, ...after].map(service => service.name))
      assert.deepEqual(listed.toSorted(), [...names].sort())
      assert.deepEqual(restart ? changes.pending : changes.restart, [])
      const again = planReload(config(after), config(after), { restart })
      assert.deepEqual(again, { ...NONE, keep: after.map(service => service.name) })
      const waiting = planReload(config(before), config(after), { restart: !restart })
      assert.deepEqual([...changes.restart, ...changes.pending], [...waiting.restart, ...waiting.pending])
    }),
  )
})

test('a command does not become a unit while it runs', () => {
  const web = (more: Partial<ServiceSpec>) => config([{ ...BASE, name: 'web', ...more }])
  for (const [before, after] of [
    [{}, { unit: 'web.service' }],
    [{ unit: 'web.service' }, {}],
    [{ unit: 'web.service' }, { unit: 'other.service' }],
  ])
    assert.throws(() => mustBeReloadable(web(before ?? {}), web(after ?? {})), /a command in one file and a unit/)
  mustBeReloadable(web({ unit: 'web.service' }), web({ unit: 'web.service', critical: true }))
  mustBeReloadable(config([]), web({ unit: 'web.service' }))
})
