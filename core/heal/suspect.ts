import type { ProbeSpec } from '../config/spec.ts'

/*
 * Many services that fail the same kind of check at once: more likely the check, or what it goes through, is broken than
 * all of them. Then one service, the canary, is restarted and the rest wait:
 *
 * 1. A service hangs (`hung`): `judgeHang` looks at everybody's liveness. Few fail: restart, as always.
 * 2. At least three, and more than half of those with that kind of check, began to fail within one interval of it: this
 *    one becomes the canary. The others are told to wait; their next miss asks again. This stays so for all who began to
 *    fail then, also when canaries have left and fewer than half still fail.
 * 3. The canary gets ready: restarting helps, the check is good. All others restart with their next miss.
 * 4. It doesn't within its startup time: the next one who asks is the next canary, one at a time.
 *
 * Nobody waits for ever: after the first canary's startup time, the turns are short enough to give everyone theirs within
 * `WAIT_LIMIT_MS`, and whoever has waited that long and a startup time is restarted in any case.
 */

export const WAIT_LIMIT_MS = 15 * 60_000

const SUSPECT_FROM = 3

export type CheckKind = ProbeSpec['check']['kind']

/** One running service's liveness. */
export interface Watched {
  readonly service: string
  readonly checkKind: CheckKind
  /** Misses in a row; 0 when its last check passed. */
  readonly misses: number
  /** Monotonic time at which the first of these misses began. */
  readonly failingSinceMs: number | null
  readonly everyMs: number
  readonly startupMs: number
}

export interface Canary {
  readonly service: string
  /** Since when the first canary of this trouble had been failing. Monotonic, as all times here. */
  readonly troubleSinceMs: number
  readonly startedMs: number
  /** From when on the next one may be tried. */
  readonly nextTurnMs: number
  readonly readyMs: number | null
  /** Pause between canaries after the first. */
  readonly paceMs: number
}

/** The canary of each kind of check under suspicion. Plain data; starts empty. */
export type Suspicion = Readonly<Partial<Record<CheckKind, Canary>>>

export interface Judgement {
  readonly act: 'restart' | 'wait'
  /** For people. */
  readonly why: string
  /** To be kept for the next call. */
  readonly suspicion: Suspicion
}

/** Decides what to do about `service`, whose liveness check just failed often enough. `picture` is everybody's liveness. */
export function judgeHang(
  suspicion: Suspicion,
  service: string,
  picture: readonly Watched[],
  nowMs: number,
): Judgement {
  const own = picture.find(other => other.service === service)
  if (own === undefined || own.failingSinceMs === null) return restart(suspicion, 'it fails its check')
  const sinceMs = own.failingSinceMs
  const kind = own.checkKind
  const isAlike = (otherSinceMs: number, everyMs: number) =>
    Math.abs(otherSinceMs - sinceMs) <= Math.max(own.everyMs, everyMs)
  const sameKind = picture.filter(other => other.checkKind === kind)
  const alike = sameKind.filter(other => other.failingSinceMs !== null && isAlike(other.failingSinceMs, other.everyMs))
  const crowd = `${alike.length} of ${sameKind.length} services fail their ${kind} check at once`
  const paceMs = WAIT_LIMIT_MS / alike.length
  const canary = suspicion[kind]
  if (canary === undefined || !isAlike(canary.troubleSinceMs, 0)) {
    if (alike.length < SUSPECT_FROM || alike.length * 2 <= sameKind.length)
      return restart(suspicion, 'it fails its check, and most others don’t')
    const nextTurnMs = nowMs + own.startupMs
    const first = { service, troubleSinceMs: sinceMs, startedMs: nowMs, nextTurnMs, readyMs: null, paceMs }
    return restart({ ...suspicion, [kind]: first }, `${crowd}; this one is restarted first, to see whether that helps`)
  }
  if (canary.readyMs !== null) return restart(suspicion, `${crowd}, and restarting ${canary.service} helped`)
  if (nowMs - sinceMs >= WAIT_LIMIT_MS + own.startupMs) return restart(suspicion, `${crowd}; it has waited long enough`)
  if (nowMs < canary.nextTurnMs)
    return { act: 'wait', why: `${crowd}; waiting to see whether restarting ${canary.service} helps`, suspicion }
  const next: Canary = {
    service,
    troubleSinceMs: canary.troubleSinceMs,
    startedMs: nowMs,
    nextTurnMs: nowMs + Math.min(own.startupMs, canary.paceMs, paceMs),
    readyMs: null,
    // Never slower than before, though those who still wait grow fewer: else the last would wait past the limit.
    paceMs: Math.min(canary.paceMs, paceMs),
  }
  return restart(
    { ...suspicion, [kind]: next },
    `${crowd}; restarting ${canary.service} did not help, this one is next`,
  )
}

/** A service got ready after a restart: if it was a canary, the check is good. */
export function noteReady(suspicion: Suspicion, service: string, nowMs: number): Suspicion {
  const kind = (Object.keys(suspicion) as CheckKind[]).find(one => suspicion[one]?.service === service)
  const canary = kind === undefined ? undefined : suspicion[kind]
  if (kind === undefined || canary === undefined || canary.readyMs !== null) return suspicion
  return { ...suspicion, [kind]: { ...canary, readyMs: nowMs } }
}

function restart(suspicion: Suspicion, why: string): Judgement {
  return { act: 'restart', why, suspicion }
}
