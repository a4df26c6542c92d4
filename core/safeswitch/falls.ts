import type { Kind } from '../entry.ts'
import { isAtRest, type Journal } from './journal.ts'
import type { Judgement } from './switch.ts'

/** As often as heald itself may end in one probation without having been told to. */
const MOST_FALLS = 3

/**
 * How often heald has ended since the journal's last step without having been told to, after one more entry. Each start is
 * one after an end; a stop is counted back, so it may come first. At rest nothing is counted.
 */
export function fallsAfter(falls: number, journal: Journal, kind: Kind): number {
  if (isAtRest(journal)) return 0
  if (kind === 'daemon.started') return falls + 1
  return kind === 'daemon.stopped' ? falls - 1 : falls
}

/** Null: nothing speaks against it. With a generation that fells heald each new heald would begin its watch anew, for ever. */
export function judgeFalls(falls: number, { phase }: Journal): Judgement | null {
  if (phase !== 'probation' || falls < MOST_FALLS) return null
  return { health: 'failed', why: `heald itself has ended ${falls} times with it without having been told to` }
}
