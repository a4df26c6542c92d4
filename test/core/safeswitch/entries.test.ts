import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Data, Draft, Json, Kind } from '../../../core/entry.ts'
import { KINDS } from '../../../core/entry.ts'
import { FIELDS } from '../../../core/ledger/fields.ts'
import { dataOf, refOf, stepOf, targetOf } from '../../../core/safeswitch/entries.ts'
import { emptyJournal, follow, type Journal, type Ref, type Step } from '../../../core/safeswitch/journal.ts'
import { newTargetMemory } from '../../../core/safeswitch/memory.ts'
import { createRecorder } from '../../../core/safeswitch/recorder.ts'
import { targetSpec } from './managed-spec.ts'
import { disturbed, next, outcomes, start } from './world.ts'
import { after, entryOf, written } from './written.ts'

const ref = fc.record({ generation: fc.string(), path: fc.string().map(rest => `/${rest}`) })
const someRef = fc.option(ref)
const why = fc.string({ unit: 'grapheme' })
const cause = fc.constantFrom('crashloop', 'probation', 'operator', 'deadman', 'recovery')

const STEPS = {
  'switch.observed': fc.record({ from: someRef, to: ref, older: fc.array(ref, { maxLength: 10 }), why }),
  'switch.armed': fc.record({ from: someRef, to: ref }),
  'switch.activating': fc.record({}),
  'switch.probation': fc.record({ why }),
  'switch.committing': fc.record({}),
  'switch.committed': fc.record({}),
  'switch.failed': fc.record({ why }),
  'rollback.started': fc.record({ from: someRef, to: ref, cause, why }),
  'rollback.activated': fc.record({}),
  'rollback.verified': fc.record({}),
  'rollback.failed': fc.record({ next: ref, why, verdict: fc.constantFrom('unwell', 'not activated') }),
  'rollback.held': fc.record({
    why,
    verdict: fc.constantFrom('environment', 'no way back'),
    current: someRef,
  }),
} satisfies Record<Step['kind'], fc.Arbitrary<object>>

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  ...Object.entries(STEPS).map(([kind, rest]) => (rest as fc.Arbitrary<object>).map(of => ({ ...of, kind }) as Step)),
)

const asRead = (json: Json): Json => JSON.parse(JSON.stringify(json))

test('every step survives the ledger', () => {
  fc.assert(
    fc.property(anyStep, step => {
      const data = dataOf('app', step)
      const entry = { kind: step.kind, data: asRead(data) as Data }
      assert.deepEqual(stepOf(entry), asRead(step as unknown as Json))
      assert.equal(targetOf(entry), 'app')
    }),
  )
})

test('whatever an entry says, nothing is thrown, and no step leads to what names no generation', () => {
  const kind = fc.constantFrom(...(Object.keys(KINDS) as Kind[]))
  const keys = ['target', 'from', 'to', 'next', 'current', 'older', 'why', 'cause', 'verdict', 'baseline']
  const half = fc.oneof(fc.jsonValue(), ref, fc.record({ generation: fc.anything(), path: fc.anything() }))
  const data = fc.dictionary(fc.constantFrom(...keys), half)
  fc.assert(
    fc.property(kind, data, (of, said) => {
      const entry = { kind: of, data: said as Data }
      targetOf(entry)
      const step = stepOf(entry)
      if (step === null) return
      const refs = ['from', 'to', 'next', 'current'].flatMap(
        key => (step as unknown as Record<string, unknown>)[key] ?? [],
      )
      for (const each of refs as Ref[]) {
        assert.equal(typeof each.generation, 'string')
        assert.match(each.path, /^\//)
      }
      follow(emptyJournal(), step)
      after([{ ...entryOf(of, {}), data: { ...(said as Data), target: 'app' } }])
    }),
  )
})

test('an entry without what its step needs is no step, and changes nothing that is remembered', () => {
  const kinds = ['switch.observed', 'switch.armed', 'rollback.started', 'rollback.failed'] as const
  for (const kind of kinds)
    for (const to of [null, {}, { generation: 'r1' }, { generation: 'r1', path: 'no/slash' }, [], 'r1'] as Json[]) {
      const entry = entryOf(kind, { target: 'app', to, next: to })
      assert.equal(stepOf(entry), null, JSON.stringify(entry.data))
      assert.deepEqual(after([entry]), newTargetMemory())
    }
  assert.equal(refOf(undefined), null)
  assert.equal(targetOf({ kind: 'service.exited', data: { target: 'app' } }), null)
  assert.equal(targetOf({ kind: 'switch.armed', data: { target: '' } }), null)
  assert.equal(
    stepOf({ kind: 'rollback.started', data: { to: { generation: 'a', path: '/a' }, cause: 'aliens' } })?.kind,
    'rollback.started',
  )
})

test('a list of older generations is bounded, whatever an entry says', () => {
  const older = Array.from({ length: 5000 }, (_, n) => ({ generation: String(n), path: `/${n}` }))
  const step = stepOf({ kind: 'switch.observed', data: { to: { generation: 'a', path: '/a' }, older } })
  assert.ok(step?.kind === 'switch.observed' && step.older.length === 10)
})

/** Walks at random through the world of one switch, and gives the steps that were recorded on the way. */
function walk(picks: readonly number[], pointers: 1 | 2): { readonly steps: Step[]; readonly journal: Journal } {
  let world = start({ disturbances: 6, failures: 6, good: [], running: { generation: '3', path: '/new' } })
  const steps: Step[] = []
  for (const pick of picks) {
    const act = next(world)
    const ways = [...outcomes(world, act, { pointers }), ...disturbed(world)]
    const way = ways[pick % ways.length]
    if (way === undefined) break
    if (act.act === 'record' && way.journal !== world.journal) steps.push(act.step)
    world = way
  }
  return { steps, journal: world.journal }
}

test('the fold over recorded entries is the journal of the switch, wherever a walk leads', t => {
  let recorded = 0
  const picks = fc.array(fc.nat(), { minLength: 20, maxLength: 120 })
  fc.assert(
    fc.property(picks, fc.constantFrom(1 as const, 2 as const), (way, pointers) => {
      const { steps, journal } = walk(way, pointers)
      recorded += steps.length
      assert.deepEqual(after(steps.map(step => written(step))).journal, journal)
    }),
    { numRuns: Number(process.env.HEALD_SOAK_WALKS ?? 300) },
  )
  t.diagnostic(`${recorded} steps`)
  assert.ok(recorded > 300)
})

test('every field that is recorded of a switch is let into the ledger', async () => {
  const drafts: Draft[] = []
  const from = { generation: 'r1', path: '/srv/r1' }
  const recorder = createRecorder({
    spec: targetSpec(),
    journal: () => ({ ...emptyJournal([from]), from, to: { generation: 'r2', path: '/srv/r2' }, blamed: [from] }),
    memory: newTargetMemory,
    patients: () => [],
    switchSpec: () => ({ probationMs: 1, passes: 1, deadManMs: 1, budget: { perHour: 1, perDay: 1 } }),
    append: async draft => void drafts.push(draft),
    spendReserve: async () => false,
    flush: () => {},
    changes: async () => ['+ a line'],
    warn: text => assert.fail(text),
    isReleased: () => false,
  })
  for (const step of fc.sample(anyStep, 300)) {
    recorder.ask('deploy', 'local:admin/alice', { by: 'local:admin/alice', unchecked: true, baseline: ['web'] })
    await recorder.record(step, { tookMs: 1, exitCode: 1 })
  }
  await recorder.recordDeadMan('deadman.armed', { id: 'x', to: from, afterMs: 1 })
  await recorder.recordDeadMan('deadman.disarmed', {})
  await recorder.recordDeadMan('deadman.fired', { id: 'x', to: from, at: '', result: 'done', why: '' })
  await new Promise(resolve => setImmediate(resolve))
  const kinds = new Set(drafts.map(({ kind }) => kind))
  for (const kind of [...Object.keys(STEPS), 'generation.good', 'generation.quarantined'])
    assert.ok(kinds.has(kind as Kind), kind)
  for (const { kind, data } of drafts) {
    const withheld = Object.keys(data).filter(key => !FIELDS[kind].has(key))
    assert.deepEqual(withheld, [], kind)
    assert.equal(data.target, 'app')
  }
})
