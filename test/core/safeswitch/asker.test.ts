import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Draft } from '../../../core/entry.ts'
import { emptyJournal, type Step } from '../../../core/safeswitch/journal.ts'
import { newTargetMemory } from '../../../core/safeswitch/memory.ts'
import { createRecorder } from '../../../core/safeswitch/recorder.ts'
import { switchSpec, targetSpec } from './managed-spec.ts'
import { GOOD, NEW } from './world.ts'

const armed: Step = { kind: 'switch.armed', from: GOOD, to: NEW }
const ordered: Step = { kind: 'rollback.started', from: NEW, to: GOOD, cause: 'operator', why: 'asked for' }
const probation: Step = { kind: 'switch.probation', why: '' }

/** Entries become durable one by one, when a test says so. */
function slowRecorder() {
  const written: Draft[] = []
  const disk: (() => void)[] = []
  const recorder = createRecorder({
    ...{ spec: targetSpec(), switchSpec: () => switchSpec(), patients: () => [], flush: () => {}, warn: () => {} },
    ...{ journal: () => emptyJournal([GOOD]), memory: newTargetMemory, isReleased: () => false },
    ...{ spendReserve: async () => false, changes: async () => [] },
    append(draft) {
      written.push(draft)
      return new Promise<void>(resolve => disk.push(resolve))
    },
  })
  return {
    recorder,
    who: () => written.map(({ kind, actor }) => `${kind} ${actor ?? 'heald'}`),
    baseline: () => written.at(-1)?.data.baseline,
    write: () => disk.shift()?.(),
  }
}

test('an order that comes while an earlier step is being written keeps what its own first entry says', async () => {
  const { recorder, who, baseline, write } = slowRecorder()
  const earlier = recorder.record(probation, {})
  recorder.ask('deploy', 'local:admin/alice', { by: 'local:admin/alice', baseline: ['web'] })
  write()
  await earlier
  const first = recorder.record(armed, {})
  assert.deepEqual(who(), ['switch.probation heald', 'switch.armed local:admin'])
  assert.deepEqual(baseline(), ['web'])
  write()
  await first
})

test('steps and dead-men before that first entry, and those after it, are nobody’s order', async () => {
  const { recorder, who, write } = slowRecorder()
  recorder.ask('rollback', 'local:admin/bob', {})
  for (const each of [
    () => recorder.record(probation, {}),
    () => recorder.recordDeadMan('deadman.armed', {}),
    () => recorder.record(ordered, {}),
    () => recorder.record({ kind: 'rollback.activated' }, {}),
    () => recorder.record({ ...ordered, cause: 'crashloop' }, {}),
  ]) {
    const done = each()
    write()
    await done
  }
  assert.deepEqual(who(), [
    ...['switch.probation heald', 'deadman.armed heald', 'rollback.started local:admin'],
    ...['rollback.activated heald', 'rollback.started heald'],
  ])
})

test('a rollback that is asked for while a deploy is, is not what that deploy’s entry says', async () => {
  const { recorder, who, baseline, write } = slowRecorder()
  recorder.ask('deploy', 'local:admin/alice', { baseline: ['web'] })
  recorder.ask('rollback', 'chat/bob', {})
  const first = recorder.record(armed, {})
  assert.deepEqual(baseline(), ['web'])
  write()
  await first
  void recorder.record(ordered, {})
  assert.deepEqual(who().length, 2)
  assert.notEqual(who()[0]?.split(' ')[1], who()[1]?.split(' ')[1])
})
