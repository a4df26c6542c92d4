import type { ProbeSpec } from '../../../core/config/spec.ts'
import type { Verdict } from '../../../core/heal/probe/verdict.ts'
import { emptyJournal, type Journal, type Ref } from '../../../core/safeswitch/journal.ts'
import { createJudge } from '../../../core/safeswitch/judge.ts'
import type { Judgement } from '../../../core/safeswitch/switch.ts'
import { fakeClock } from '../../fakes/clock.ts'
import type { FakePatient } from '../../fakes/patient.ts'
import { probeSpec, switchSpec } from './managed-spec.ts'

export const R1: Ref = { generation: 'r1', path: '/srv/app/releases/r1' }
export const R2: Ref = { generation: 'r2', path: '/srv/app/releases/r2' }

export const deployed: Journal = { ...emptyJournal([R1]), phase: 'probation', from: R1, to: R2 }
export const observed: Journal = { ...deployed, isObserved: true }
export const rolledBack: Journal = {
  ...emptyJournal([R1]),
  ...{ phase: 'rollingBack', from: R2, to: R1, cause: 'probation', isActivated: true },
}

export const SOAK_MS = 10_000
export const LONGER_MS = 30_000
/** Looks are so far apart. */
export const LOOK_MS = 50

export interface Trial {
  readonly clock: ReturnType<typeof fakeClock>
  /** What the judge has said; null: nothing yet. */
  said(): Judgement | null
  abort(): void
  /** What the target's own checks find from now on. */
  find(verdict: Verdict['verdict']): void
  readonly judge: ReturnType<typeof createJudge>
}

/** Services, and checks of the target's own, before a judge. `begin` lets him watch. */
export function makeTrial(patients: readonly FakePatient[], checks: readonly ProbeSpec[] = [], probationMs = SOAK_MS) {
  const clock = fakeClock()
  let found: Verdict['verdict'] = 'pass'
  let said: Judgement | null = null
  const judge = createJudge({
    ...{ patients: () => patients, checks, cwd: '/', clock, random: () => 0.5, restartsUnits: false },
    runCheck: async () => ({ verdict: found, error: found === 'pass' ? null : `it is a ${found}`, tookMs: 1 }),
    switchSpec: () => switchSpec({ probationMs, passes: 3 }),
  })
  const stop = new AbortController()
  return {
    ...{ clock, judge },
    said: () => said,
    abort: () => stop.abort(),
    find(verdict: Verdict['verdict']) {
      found = verdict
    },
    async begin(journal: Journal, baseline: readonly string[] = []) {
      void judge.judge(journal, baseline, stop.signal).then(judgement => {
        said = judgement
      })
      await clock.advance(0)
    },
  }
}

export const ownCheck = (more: Partial<ProbeSpec> = {}): ProbeSpec => probeSpec({ startupMs: 5000, ...more })
