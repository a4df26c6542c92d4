import type { Standing } from '../api/switch-control.ts'
import { Fault } from '../fault.ts'
import { type Journal, plain, type Ref } from './journal.ts'

/**
 * How a target stands. Of a switch of ours only its journal tells: what runs changes by itself meanwhile. What others have
 * switched to runs, whether that was noticed yet or not.
 */
export function standingOf(
  { phase, to, isObserved }: Pick<Journal, 'phase' | 'to' | 'isObserved'>,
  running: Ref | null,
): Standing {
  if (phase === 'held') return { state: 'held', current: plain(running) }
  if (phase === 'idle' || (isObserved && phase !== 'committing')) return { state: 'idle', current: plain(running) }
  return { state: 'being switched', current: plain(to) }
}

/** Throws `switch.changed` where a target stands otherwise than whoever gave the order saw. */
export function mustStandAs(seen: Standing, now: Standing): void {
  if (seen.state === now.state && seen.current?.path === now.current?.path) return
  const why = `not done, since the state has changed: it was ${inWords(seen)} and is ${inWords(now)}`
  throw new Fault('switch.changed', why)
}

function inWords({ state, current }: Standing): string {
  const place = current?.generation ?? 'nothing whole'
  if (state === 'being switched') return `${state} to ${place}`
  return state === 'held' ? `held on ${place}` : `on ${place}`
}
