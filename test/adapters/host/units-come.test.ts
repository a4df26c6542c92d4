import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openKernelLog } from '../../../adapters/host/kernel-log.ts'
import { createUnitHost } from '../../../adapters/host/systemd.ts'
import { type BusEvents, pathOf, type SystemdBus } from '../../../adapters/host/systemd-bus.ts'
import { systemClock } from '../../../core/clock.ts'
import type { HostConfig } from '../../../core/config/spec.ts'
import { startDaemon } from '../../../core/daemon.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'
import { serviceSpec } from '../../fakes/patient.ts'
import { until } from '../../until.ts'
import { folder } from './releases-stand.ts'

// Units that patterns name, as they come while the file is being changed: a daemon, on a systemd that runs whatever it is
// told to.

const BASE: HostConfig = {
  ...{ host: 'test', tz: 'UTC', units: ['agent@*.service'], targets: [], sha256: '0'.repeat(64), ...NO_CHANNELS },
  services: [serviceSpec('kept', { unit: 'kept.service', probes: {} })],
  switch: {} as HostConfig['switch'],
  ledger: { fsync: false, redact: [], checkpointEvery: 60_000 },
}
/** In good time before the look of each half minute. */
const SOON_MS = 5000

async function desk(t: TestContext) {
  const running = ['kept.service', 'agent@1.service']
  let events: BusEvents | undefined
  const bus: SystemdBus = {
    async manager(member, _signature, body) {
      const patterns = member === 'ListUnitsByPatterns' ? (body[1] as string[]) : []
      return running
        .filter(unit => patterns.some(pattern => unit.startsWith(pattern.split('*')[0] ?? '')))
        .map(unit => [unit, '', 'loaded', 'active'])
    },
    async properties(path, take) {
      const at = running.findIndex(unit => pathOf(unit) === path) + 1
      const [LoadState, ActiveState, SubState] = ['loaded', at > 0 ? 'active' : 'inactive', 'running']
      take({ LoadState, ActiveState, SubState, MainPID: at, InvocationID: Buffer.alloc(16, at) })
    },
    property: async () => undefined,
    ...{ isUp: () => true, renew: assert.fail, close: () => {} },
  }
  const openBus = (told: BusEvents) => {
    events = told
    return bus
  }
  const units = createUnitHost(assert.fail, openKernelLog(null), { openBus, runs: '/nonexistent' })
  let file = BASE
  const state = folder(t)
  const warned: string[] = []
  const daemon = await startDaemon({
    ...{ state, socket: join(state, 'heald.sock'), version: '0.0.0', clock: systemClock },
    loadConfig: async () => file,
    openHost: () => ({ ...units, seat: ({ name, unit = '' }, ...news) => units.seat(name, unit, ...news) }),
    openTarget: () => assert.fail('there is none'),
    warn: text => void warned.push(text),
  })
  t.after(() => daemon.end('test'))
  const names = () => daemon.status().services.map(({ name }) => name)
  return {
    ...{ daemon, names, warned },
    /** Changes the file, and applies nothing. */
    write(more: Partial<HostConfig>): void {
      file = { ...BASE, ...more }
    },
    start(unit: string): void {
      running.push(unit)
      events?.unitNew()
    },
    /** Once the unit is seated under that name. */
    taken: (name: string) => until(`${name} among ${names()}`, () => names().includes(name), SOON_MS),
  }
}

test('a unit that comes while a reload is refused is taken up all the same', async t => {
  const { daemon, write, start, taken } = await desk(t)
  write({ ledger: { ...BASE.ledger, fsync: true } })
  start('agent@2.service')
  await assert.rejects(daemon.reload({ dryRun: false, restart: false }), { code: 'config.restart' })
  await taken('agent-2')
})

test('a look at what a reload would do changes nothing of what is watched', async t => {
  const { daemon, write, start, taken } = await desk(t)
  write({ units: ['other@*.service'] })
  await daemon.reload({ dryRun: true, restart: false })
  start('agent@2.service')
  await taken('agent-2')
})

test('a unit that comes applies nothing else of a file that was changed', async t => {
  const { daemon, names, write, start, taken } = await desk(t)
  write({ services: [], host: 'other' })
  start('agent@2.service')
  await taken('agent-2')
  assert.deepEqual(names(), ['kept', 'agent-1', 'agent-2'])
  assert.equal(daemon.status().host, 'test')
  write({ services: [], units: [] })
  await daemon.reload({ dryRun: false, restart: false })
  assert.deepEqual(names(), [])
})
