import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MOST_A_DAY } from '../../../core/config/targets.ts'
import { emptyFolded, fold, foldedFromJson, foldedToJson } from '../../../core/folded.ts'
import type { Cause, Ref, Step } from '../../../core/safeswitch/journal.ts'
import { newTargetMemory, quarantineOf } from '../../../core/safeswitch/memory.ts'
import { after, entryOf, type Stamp, written } from './written.ts'

const R1: Ref = { generation: 'r1', path: '/srv/app/releases/r1' }
const R2: Ref = { generation: 'r2', path: '/srv/app/releases/r2' }
const R3: Ref = { generation: 'r3', path: '/srv/app/releases/r3' }

const deploy = (from: Ref | null, to: Ref): Step[] => [
  { kind: 'switch.armed', from, to },
  { kind: 'switch.activating' },
  { kind: 'switch.probation', why: '' },
]
const commit: Step[] = [{ kind: 'switch.committing' }, { kind: 'switch.committed' }]
const begin = (from: Ref | null, to: Ref, cause: Cause, why = 'it fell'): Step => ({
  ...{ kind: 'rollback.started', from, to, cause, why },
})
const back = (from: Ref | null, to: Ref, cause: Cause): Step[] => [
  begin(from, to, cause),
  { kind: 'rollback.activated' },
  { kind: 'rollback.verified' },
]
const hold: Step = { kind: 'rollback.held', why: 'not the generation', verdict: 'environment', current: R1 }
const observed = (to: Ref, from: Ref | null = R1): Step => ({ kind: 'switch.observed', from, to, older: [], why: '' })
const said = (...steps: (Step | Step[])[]) => after(steps.flat().map(step => written(step)))
const paths = (refs: readonly { readonly path: string }[]) => refs.map(({ path }) => path)

test('a generation is quarantined once the services are well without it, and only when it was to blame', () => {
  for (const cause of ['crashloop', 'probation'] as const) {
    const before = said(deploy(R1, R2), begin(R2, R1, cause))
    assert.deepEqual(before.quarantined, [], `${cause}: not proved yet`)
    const { quarantined } = said(deploy(R1, R2), back(R2, R1, cause))
    assert.deepEqual(paths(quarantined), [R2.path])
    assert.equal(quarantined[0]?.why, 'it fell')
    assert.equal(quarantined[0]?.generation, 'r2')
    const committed = said(deploy(null, R1), commit, deploy(R1, R2), commit, back(R2, R1, cause))
    assert.deepEqual(paths(committed.journal.good), [R1.path], 'nobody is led back to it')
  }
  for (const cause of ['operator', 'deadman', 'recovery'] as const)
    assert.deepEqual(said(deploy(R1, R2), back(R2, R1, cause)).quarantined, [], cause)
  const forth = said(deploy(null, R1), commit, deploy(R1, R2), commit, back(R2, R1, 'operator'))
  assert.deepEqual(paths(forth.journal.good), [R1.path, R2.path], 'an operator may go back and forth')
})

test('where the ladder had to go down, all that were not well are quarantined, and none that is known to be good', () => {
  const failed = (next: Ref, verdict: 'unwell' | 'not activated'): Step => ({
    kind: 'rollback.failed',
    next,
    why: '',
    verdict,
  })
  const good = said(deploy(null, R1), commit).journal.good
  assert.deepEqual(paths(good), [R1.path])
  const unproven: Step[] = [observed(R3, R2), begin(R3, R2, 'probation'), { kind: 'rollback.activated' }]
  const ended = said(unproven, failed(R1, 'unwell'), { kind: 'rollback.activated' }, { kind: 'rollback.verified' })
  assert.deepEqual(paths(ended.quarantined), [R3.path, R2.path])
  const proven = said(deploy(null, R2), commit, unproven, failed(R1, 'unwell'), { kind: 'rollback.verified' })
  assert.deepEqual(paths(proven.quarantined), [R3.path])
})

test('the cause was the environment: what the last rollback blamed is taken back, and nothing of before', () => {
  const blamed: Step[] = [...deploy(null, R1), ...commit, ...deploy(R1, R2), ...commit, ...back(R2, R1, 'crashloop')]
  assert.ok(quarantineOf(said(blamed), R2.path))
  const held = said(blamed, hold)
  assert.deepEqual([held.quarantined, held.heldWhy, held.journal.phase], [[], 'not the generation', 'held'])
  const noWay = said(blamed, { ...hold, verdict: 'no way back' })
  assert.deepEqual(paths(noWay.quarantined), [R2.path], 'that says nothing about what was blamed')

  // r2 was proved guilty by r1 being well without it. What r3 was not to blame for does not acquit r2.
  const later = said(blamed, deploy(R1, R3), begin(R3, R1, 'probation'), { kind: 'rollback.activated' }, hold)
  assert.deepEqual(paths(later.quarantined), [R2.path])
})

test('a commit of what is quarantined takes the quarantine back, and lets it be rolled back from again', () => {
  const blamed: Step[] = [...deploy(null, R1), ...commit, ...deploy(R1, R2), ...commit, ...back(R2, R1, 'crashloop')]
  assert.deepEqual(said(blamed).tried, [R2.path])
  const tried = said(blamed, deploy(R1, R2))
  assert.ok(quarantineOf(tried, R2.path), 'not before it proved well')
  const forced = said(blamed, deploy(R1, R2), commit)
  assert.deepEqual([forced.quarantined, forced.tried], [[], []])
})

test('what was not well before a deploy is remembered as long as that lasts', () => {
  const armed = written({ kind: 'switch.armed', from: R1, to: R2 }, { baseline: ['web', 7, null, 'check 1 (tcp)'] })
  const rest = [...deploy(R1, R2).slice(1)]
  const onProbation = [armed, ...rest.map(step => written(step))]
  const baseline = ['web', 'check 1 (tcp)']
  assert.deepEqual(after(onProbation).baseline, baseline)
  const failing = [...onProbation, written(begin(R2, R1, 'probation'))]
  assert.deepEqual(after(failing).baseline, baseline, 'nor does it count against the way back')
  const ends = [{ kind: 'rollback.activated' }, { kind: 'rollback.verified' }] as const
  const later = [...failing, ...ends.map(step => written(step)), written(begin(R1, R2, 'operator'))]
  assert.deepEqual(after(later).baseline, [], 'a later rollback is another matter')
  assert.deepEqual(after([...onProbation, written(observed(R3))]).baseline, [])
  assert.deepEqual(after([written({ kind: 'switch.armed', from: R1, to: R2 }, { baseline: 'web' })]).baseline, [])
})

test('the budget counts what was done without being asked: crash loops, and probations of what others switched to', () => {
  const counted = (...steps: (Step | Step[])[]) => said(...steps).automatic.length
  const good: Step[] = [...deploy(null, R1), ...commit]
  assert.equal(counted(good, deploy(R1, R2), commit, begin(R2, R1, 'crashloop')), 1)
  assert.equal(counted(good, observed(R2), { kind: 'switch.probation', why: '' }, begin(R2, R1, 'probation')), 1)
  assert.equal(counted(good, deploy(R1, R2), begin(R2, R1, 'probation')), 0, 'somebody waits for this one')
  assert.equal(counted(good, begin(null, R1, 'recovery')), 1, 'somebody took the pointer away')
  assert.equal(counted(good, deploy(R1, R2), begin(R2, R1, 'recovery')), 0, 'heald was away')
  for (const cause of ['operator', 'deadman'] as const)
    assert.equal(counted(good, deploy(R1, R2), commit, begin(R2, R1, cause)), 0, cause)
})

test('when it was is remembered by both clocks', () => {
  const at: Stamp = { ts: '2026-08-21T11:08:30.123Z', mono: 5_000_250, boot: 'aaaa0000' }
  const { automatic, arrived, boot } = after([
    written(begin(R2, R1, 'crashloop'), {}, at),
    written({ kind: 'rollback.verified' }, {}, at),
  ])
  const moment = { wallMs: Date.parse('2026-08-21T11:08:30.123Z'), monoMs: 5000.25, boot: 'aaaa0000' }
  assert.deepEqual(automatic, [moment])
  assert.deepEqual(arrived, { by: 'rollback', at: moment, isAutomatic: true })
  assert.equal(boot, 'aaaa0000')
})

test('it stays small, whatever happens for years', () => {
  const memories = {}
  for (let n = 0; n < 3000; n += 1) {
    const from = { generation: `g${n}`, path: `/g${n}` }
    after(
      back(from, R1, 'crashloop').map(step => written(step)),
      memories,
    )
  }
  const memory = after([], memories)
  assert.equal(memory.quarantined.length, 200)
  assert.equal(memory.quarantined.at(-1)?.path, '/g2999', 'the newest are kept')
  assert.equal(memory.tried.length, 200)
  assert.equal(memory.automatic.length, MOST_A_DAY, 'and no budget can be larger')
  assert.ok(memory.journal.good.length <= 10)
})

test('a snapshot holds all of it; what an older one lacks is as new', () => {
  const folded = emptyFolded()
  const steps = [...deploy(null, R1), ...commit, ...deploy(R1, R2), ...commit, ...back(R2, R1, 'crashloop'), hold]
  for (const [seq, step] of steps.entries()) fold(folded, { ...written(step), seq })
  const restored = foldedFromJson(JSON.parse(JSON.stringify(foldedToJson(folded))))
  assert.deepEqual(restored?.targets, folded.targets)
  const more = { ...written(observed(R2)), seq: folded.nextSeq }
  if (restored !== null) fold(restored, more)
  fold(folded, more)
  assert.deepEqual(restored?.targets, folded.targets, 'and goes on like the original')

  const json = foldedToJson(folded)
  assert.equal(foldedFromJson({ ...json, targets: undefined }), null, 'one without targets is folded anew')
  assert.equal(foldedFromJson({ ...json, targets: 7 }), null)
  const { journal } = folded.targets.app ?? newTargetMemory()
  const older = foldedFromJson({ ...json, targets: { app: { journal, boot: 'b' }, gone: null } })
  assert.deepEqual(older?.targets, { app: { ...newTargetMemory(), journal, boot: 'b' } })
})

test('entries of no target, or of another, change nothing of this one', () => {
  const memories = {}
  after([entryOf('service.exited', { target: 'app' }), entryOf('daemon.started', {})], memories)
  assert.deepEqual(memories, {})
  after([entryOf('switch.armed', { target: 'other', to: { ...R1 } })], memories)
  assert.deepEqual(Object.keys(memories), ['other'])
  assert.deepEqual(after([], memories), newTargetMemory())
})

test('what heald itself did since the last step is counted: ends that nobody asked for, in whatever order they are told', () => {
  const [start, stop] = [entryOf('daemon.started', {}), entryOf('daemon.stopped', { reason: 'SIGTERM' })]
  const probation = deploy(R1, R2).map(step => written(step))
  const fell = (...lives: (typeof start)[]) => after([...probation, ...lives]).falls
  assert.equal(fell(), 0)
  assert.equal(fell(start, start), 2, 'killed twice')
  assert.equal(fell(stop, start, stop, start), 0, 'stopped twice')
  assert.equal(fell(stop, start, start), 1)
  assert.equal(after([...probation, start, ...commit.map(step => written(step)), start]).falls, 0, 'at rest')
})
