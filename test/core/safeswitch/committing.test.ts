import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type Seen } from '../../../core/safeswitch/decide.ts'
import { emptyJournal, type Journal } from '../../../core/safeswitch/journal.ts'
import { GOOD, NEW, OLD } from './world.ts'

const committing: Journal = { ...emptyJournal([GOOD, OLD]), phase: 'committing', from: GOOD, to: NEW }
const seen = (more: Partial<Seen>): Seen => ({
  ...{
    running: GOOD,
    boot: GOOD.path,
    deadMan: null,
    isFresh: false,
    isArmFailed: false,
    hasFired: false,
    isOurs: true,
    isUnderWay: false,
  },
  ...{ isRebooted: false, activation: null, settled: 'not yet', health: 'open', detail: '', refusal: null },
  ...{ isIrreversible: false, isSoakDue: false, older: [], order: null },
  ...more,
})

test('what is committed and does not run is activated, again where nothing was done yet', () => {
  for (const activation of [null, 'retry', 'done'] as const)
    assert.deepEqual(decide(committing, seen({ activation })), { act: 'activate', to: NEW }, String(activation))
})

test('what is committed and can not be activated is held, and not tried for ever', () => {
  for (const activation of ['failed', 'reboot', 'partly'] as const) {
    const act = decide(committing, seen({ activation, detail: 'exit code 100' }))
    assert.ok(act.act === 'record' && act.step.kind === 'rollback.held', activation)
    assert.match(act.step.why, /committed but can not be activated: exit code 100/)
  }
})
