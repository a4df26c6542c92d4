import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Phase, step } from '../../../core/heal/state.ts'
import { TRANSITIONS } from '../../../core/heal/transitions.ts'

/** What becomes of a service whose target was switched. */
const RENEWED = {
  starting: 'restarting',
  ready: 'restarting',
  unhealthy: 'restarting',
  loopRunning: 'restarting',
  clearing: 'restarting',
  loopClearing: 'restarting',
  backoff: 'starting',
  loopBackoff: 'starting',
  // Started anew, with what its target points at by then, once its tree is empty.
  restarting: 'restarting',
  // Not wanted, whatever is switched.
  stopped: 'stopped',
  stopping: 'stopping',
  holding: 'holding',
  held: 'held',
} as const satisfies Record<Phase, Phase>

test('renewed: what is wanted runs the new generation next, what is not wanted stays as it is', () => {
  assert.deepEqual(Object.keys(RENEWED).sort(), Object.keys(TRANSITIONS).sort())
  for (const [phase, to] of Object.entries(RENEWED) as [Phase, Phase][]) {
    assert.equal(step(phase, 'renewed').to, to, phase)
    if (to === phase) assert.deepEqual(step(phase, 'renewed').actions, [], phase)
  }
})

test('renewed: what runs is stopped in its own time, a delay ends at once, and a kill under way goes on', () => {
  for (const phase of ['starting', 'ready', 'unhealthy', 'loopRunning'] as const)
    assert.deepEqual(step(phase, 'renewed').actions, ['unwatch', 'stopTree'], phase)
  for (const phase of ['clearing', 'loopClearing'] as const)
    assert.deepEqual(step(phase, 'renewed').actions, [], 'its tree is being killed already')
  for (const phase of ['backoff', 'loopBackoff'] as const)
    assert.deepEqual(step(phase, 'renewed').actions, ['cancelRestart', 'resetCounts', 'start'], phase)
})

test('renewed: whatever was counted is forgotten before the new instance starts', () => {
  assert.deepEqual(step('restarting', 'treeEmpty').actions, ['resetCounts', 'start'])
  // Its end is wanted: neither counted nor a reason to stay down.
  for (const event of ['ended', 'endedStayDown'] as const)
    assert.deepEqual(step('restarting', event), { to: 'restarting', actions: ['recordExit'] })
})
