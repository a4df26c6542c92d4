import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HostConfig, TargetSpec } from '../../../core/config/spec.ts'
import type { Draft } from '../../../core/entry.ts'
import type { Fault } from '../../../core/fault.ts'
import { rememberTarget, type TargetMemories } from '../../../core/safeswitch/memory.ts'
import { createSafeSwitch } from '../../../core/safeswitch/safeswitch.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { NO_CHANNELS } from '../../fakes/no-channels.ts'
import { fakePatient, serviceSpec } from '../../fakes/patient.ts'
import { type FakeTarget, fakeTarget } from '../../fakes/target.ts'
import { switchSpec, targetSpec } from './managed-spec.ts'
import { entryOf } from './written.ts'

const SOAK_MS = 10_000

const spec = (name: string, more: Partial<TargetSpec> = {}): TargetSpec =>
  targetSpec({ name, path: `/${name}`, ...more })
const configOf = (...targets: TargetSpec[]): HostConfig => ({
  ...{ host: 'h', tz: 'UTC', services: [], targets, switch: switchSpec({ probationMs: SOAK_MS }) },
  ...{ ledger: { fsync: false, redact: [], checkpointEvery: 10_000 }, sha256: '', ...NO_CHANNELS },
})

async function makeSwitches(...targets: TargetSpec[]) {
  const clock = fakeClock()
  const fakes = new Map<string, FakeTarget>()
  const memories: TargetMemories = {}
  const drafts: Draft[] = []
  const forgotten: string[] = []
  const web = fakePatient('web', 'r1')
  const switches = createSafeSwitch({
    ...{
      clock,
      random: () => 0.5,
      memories,
      boot: 'aaaa0000',
      flush: () => {},
      spendReserve: async () => false,
      isRecording: () => true,
      isDamaged: () => false,
      isFrozen: () => false,
    },
    patientsOf: () => [web],
    async openTarget({ name, path }) {
      const fake = fakes.get(name) ?? fakeTarget(['r1', 'r2'], path)
      fakes.set(name, fake)
      const forget = async () => void forgotten.push(path)
      return { target: { ...fake.target, name }, deadMan: fake.deadMan, changes: async () => [], forget }
    },
    async append(draft) {
      drafts.push(draft)
      rememberTarget(memories, entryOf(draft.kind, draft.data, { boot: 'aaaa0000', mono: clock.monoMs() * 1000 }))
    },
    runCheck: async () => ({ verdict: 'pass', error: null, tookMs: 1 }),
    warn: text => assert.fail(text),
  })
  await switches.take(configOf(...targets))
  switches.begin()
  await clock.advance(SOAK_MS + 1000)
  const deploy = (name: string) => switches.deploy(name, { ref: 'r2', force: false, unchecked: false }, 'local:admin')
  return { clock, switches, deploy, drafts, forgotten, fake: (name: string) => fakes.get(name) ?? assert.fail(name) }
}
const codeOf = (error: unknown) => (error as Fault).code

test('two targets asked for in one turn: one is switched, the other is told to wait', async () => {
  const { clock, deploy, fake } = await makeSwitches(spec('a'), spec('b'))
  const orders = Promise.allSettled([deploy('a'), deploy('b')])
  await clock.advance(SOAK_MS + 1000)
  const [a, b] = await orders
  assert.equal(a.status, 'fulfilled')
  assert.equal(b.status === 'rejected' ? codeOf(b.reason) : '', 'switch.busy')
  assert.deepEqual([fake('a').running, fake('b').running], ['/a/releases/r2', '/b/releases/r1'])
  const later = deploy('b')
  await clock.advance(SOAK_MS + 1000)
  assert.equal((await later).outcome, 'committed')
})

test('a way back is open whatever another target is doing', async () => {
  const { clock, switches, deploy } = await makeSwitches(spec('a'), spec('b'))
  void deploy('a')
  await clock.advance(1000)
  const back = switches.rollback('b', { to: 'r1', dryRun: false }, 'local:admin')
  await clock.advance(1000)
  assert.equal((await back).outcome, 'nothing to do')
})

test('a configuration that changes or removes what is being switched is refused; any other is not', async () => {
  const { clock, switches, deploy } = await makeSwitches(spec('a'), spec('b'))
  void deploy('a')
  await clock.advance(1000)
  for (const next of [configOf(spec('b')), configOf(spec('a', { keepGood: 7 }), spec('b'))])
    assert.throws(() => switches.reserve(next), /a is being switched/)
  for (const next of [configOf(spec('a')), configOf(spec('a'), spec('b'), spec('c'))]) switches.reserve(next)()
  await clock.advance(SOAK_MS)
  switches.reserve(configOf())()
})

test('what is asked for between the check and the change is told to wait: nothing that has begun is let go of', async () => {
  const { clock, switches, deploy, fake } = await makeSwitches(spec('a'), spec('b'))
  const next = configOf(spec('a', { keepGood: 7 }), spec('b'))
  const end = switches.reserve(next)
  await assert.rejects(deploy('a'), { code: 'switch.busy', message: /the configuration of a is being changed/ })
  await assert.rejects(switches.rollback('a', { to: 'r1', dryRun: false }, 'local:admin'), { code: 'switch.busy' })
  assert.equal(switches.onLoop(serviceSpec('web', { target: 'a' }))?.isPassing, true)
  const applied = switches.apply(next)
  await assert.rejects(deploy('a'), { code: 'switch.busy' })
  await applied
  end()
  switches.begin()
  await clock.advance(1000)
  const order = deploy('a')
  await clock.advance(SOAK_MS + 1000)
  assert.equal((await order).outcome, 'committed')
  assert.equal(fake('a').running, '/a/releases/r2')
})

test('a configuration that is not taken after all leaves everything open; what does not change is open meanwhile', async () => {
  const { clock, switches, deploy } = await makeSwitches(spec('a'), spec('b'))
  const end = switches.reserve(configOf(spec('a'), spec('b', { keepGood: 7 })))
  const a = deploy('a')
  await clock.advance(SOAK_MS + 1000)
  assert.equal((await a).outcome, 'committed')
  end()
  const b = deploy('b')
  await clock.advance(SOAK_MS + 1000)
  assert.equal((await b).outcome, 'committed')
})

test('a deploy that is still being looked at counts as one that is under way', async () => {
  const { clock, switches, deploy } = await makeSwitches(spec('a'))
  const order = deploy('a')
  assert.throws(() => switches.reserve(configOf()), /a is being switched/)
  await clock.advance(SOAK_MS + 1000)
  assert.equal((await order).outcome, 'committed')
  const back = switches.rollback('a', { to: 'r1', dryRun: false }, 'local:admin')
  assert.throws(() => switches.reserve(configOf()), /a is being switched/)
  await clock.advance(SOAK_MS + 1000)
  assert.equal((await back).outcome, 'rolled back')
  switches.reserve(configOf())()
})

test('targets are listed as the configuration does, also after another one', async () => {
  const { switches } = await makeSwitches(spec('b'), spec('a'))
  const names = () => switches.statuses().map(({ name }) => name)
  assert.deepEqual(names(), ['b', 'a'])
  await switches.apply(configOf(spec('c'), spec('a'), spec('b', { keepGood: 9 })))
  switches.begin()
  assert.deepEqual(names(), ['c', 'a', 'b'])
  const listed = await switches.generations(null)
  assert.deepEqual([...new Set(listed.map(({ target }) => target))], ['c', 'a', 'b'])
})

test('one that can not be looked at hides no others, unless all are so', async () => {
  const { switches, fake } = await makeSwitches(spec('a'), spec('b'))
  const blind = () => assert.fail('not there')
  fake('a').before = blind
  assert.deepEqual([...new Set((await switches.generations(null)).map(({ target }) => target))], ['b'])
  await assert.rejects(switches.generations('a'), /not there/)
  fake('b').before = blind
  await assert.rejects(switches.generations(null), /not there/)
})

test('one that nobody configured is unknown, and says which are', async () => {
  const { switches, deploy } = await makeSwitches(spec('a'))
  await assert.rejects(deploy('x'), error => codeOf(error) === 'target.unknown')
  await assert.rejects(switches.generations('x'), /no target "x"/)
  assert.equal(switches.generationOf('x'), null)
  assert.equal(switches.onLoop(serviceSpec('web', { target: 'x' })), null)
  assert.deepEqual(switches.generationOf('a'), { generation: 'r1', path: '/a/releases/r1' })
})

test('what a target has of its own is removed when it is dropped or is elsewhere, not when it is only changed', async () => {
  const { switches, forgotten } = await makeSwitches(spec('a'), spec('b'), spec('c'))
  await switches.apply(configOf(spec('a', { keepGood: 5 }), spec('b', { path: '/elsewhere' })))
  assert.deepEqual(forgotten.sort(), ['/b', '/c'])
})
