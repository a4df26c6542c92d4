import { PROBATION_LONGER_MS } from '../config/targets.ts'
import type { Health } from '../heal/patient.ts'
import type { Judgement } from './switch.ts'

/*
 * What is said of a generation, by how everything that is watched does. Pure.
 */

/** One that has failed has to be well so long without a break, or for the soak time if that is shorter. */
const STEADY_MS = 30_000
/** One that has failed and is well again gets so much longer to be that. */
const STEADIER_MS = 45_000

/** How something that is watched does. */
export type Shown = Pick<Health, 'state' | 'passes' | 'isInconclusive' | 'why' | 'failed' | 'refusal' | 'readySinceMs'>

/** A service, or a check of the target's own. */
export interface Watched {
  readonly name: string
  health(): Shown
  /** Passes in a row that it takes. */
  readonly passes: number
}

interface Time {
  readonly elapsedMs: number
  readonly probationMs: number
  /** Monotonic. */
  readonly nowMs: number
}

/** Null: not yet. */
export function soaked(all: readonly Watched[], time: Time): Judgement | null {
  const { elapsedMs, probationMs } = time
  const failed = firstFailed(all)
  if (failed !== null) return failed
  if (elapsedMs < probationMs) return null
  const open = all.filter(each => each.health().state !== 'stopped' && !isWell(each))
  const unsteady = all.filter(each => isWell(each) && !isSteady(each, time))
  if (open.length + unsteady.length === 0) return { health: 'passed', why: '' }
  if (elapsedMs < probationMs + PROBATION_LONGER_MS) return null
  const doubtful = open.filter(({ health }) => !health().isInconclusive)
  const fallen = [...doubtful, ...unsteady].filter(({ health }) => health().failed !== null)
  if (doubtful.length === 0 && unsteady.length > 0 && elapsedMs < probationMs + STEADIER_MS) return null
  if (fallen.length > 0)
    return { health: 'failed', why: `${namesOf(fallen)} kept failing: ${fallen[0]?.health().failed}` }
  if (doubtful.length === 0) return { health: 'passed', why: `inconclusive: ${namesOf(open)} could not be asked` }
  return {
    health: 'failed',
    why: `${namesOf(doubtful)} did not pass often enough in a row: ${doubtful[0]?.health().why}`,
  }
}

/** It is ready, with as many passes as it takes. */
function isWell({ health, passes }: Watched): boolean {
  const its = health()
  return its.state === 'ready' && its.passes >= passes
}

/** It has not failed with what it runs, or is ready for so long since that it counts for nothing. */
function isSteady({ health }: Watched, { probationMs, nowMs }: Time): boolean {
  const { failed, readySinceMs } = health()
  return failed === null || nowMs - readySinceMs >= Math.min(probationMs, STEADY_MS)
}

/** All of them were failing before: that does not count, but unless one is well now nothing was proved either. */
export function proved(all: readonly Watched[], time: Time): Judgement | null {
  const { elapsedMs, probationMs } = time
  const asked = all.filter(({ health }) => health().state !== 'stopped')
  if (asked.length > 0 && asked.every(({ health }) => health().state === 'failed')) return firstFailed(asked)
  if (elapsedMs < probationMs) return null
  if (asked.length === 0 || asked.some(each => isWell(each) && isSteady(each, time)))
    return { health: 'passed', why: '' }
  if (elapsedMs < probationMs + PROBATION_LONGER_MS) return null
  if (asked.every(({ health }) => health().isInconclusive))
    return { health: 'passed', why: `inconclusive: ${namesOf(asked)} could not be asked` }
  const { failed, why } = asked[0]?.health() ?? { failed: null, why: '' }
  return { health: 'failed', why: `${namesOf(asked)} failed before, and still: ${failed ?? why}` }
}

export function verified(all: readonly Watched[], elapsedMs: number, withinMs: number): Judgement | null {
  const failed = firstFailed(all)
  if (failed !== null) return failed
  const open = all.filter(({ health }) => health().state === 'open')
  if (open.length === 0) return { health: 'passed', why: '' }
  if (elapsedMs < withinMs) return null
  if (open.every(({ health }) => health().isInconclusive))
    return { health: 'passed', why: `inconclusive: ${namesOf(open)} could not be asked` }
  return { health: 'failed', why: `${namesOf(open)} did not get ready: ${open[0]?.health().why}` }
}

function firstFailed(all: readonly Watched[]): Judgement | null {
  for (const { name, health } of all) {
    const { state, why } = health()
    if (state === 'failed') return { health: 'failed', why: `${name}: ${why}` }
  }
  return null
}

function namesOf(all: readonly Watched[]): string {
  return all.map(({ name }) => name).join(', ')
}
