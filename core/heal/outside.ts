import type { Facts } from './facts.ts'
import type { Outside } from './host.ts'
import type { Action, Event } from './state.ts'

export interface OutsideTools {
  readonly feed: (event: Event) => void
  readonly perform: Readonly<Record<Action, () => void>>
  /** Its target points at another generation than the one that it ran last. */
  readonly isOther: () => boolean
  /** An instance of an earlier daemon ended while none looked. */
  readonly unseenExit: (pid: number) => void
  /** It is taken up again, now that it is known what it does. */
  readonly begin: () => void
  /** Hands the end of its output to the ledger. */
  readonly left: Outside['left']
}

/** What others do with a service becomes events of its state table. */
export function outsideNews(facts: Facts, { feed, perform, isOther, unseenExit, begin, left }: OutsideTools): Outside {
  return {
    runs({ pid, startedMonoMs }) {
      const ranBefore = facts.unclear?.ranBefore ?? null
      facts.unclear = null
      if (ranBefore !== null && ranBefore !== pid) unseenExit(ranBefore)
      switch (facts.phase) {
        case 'starting':
        case 'loopRunning':
          // The start that was asked for; one that is known already is no news.
          if (facts.pid !== null) return
          facts.pid = pid || null
          if (startedMonoMs !== undefined) facts.startedMs = startedMonoMs
          feed('launched')
          return
        case 'backoff':
        case 'loopBackoff':
          perform.cancelRestart()
          // What was counted of another generation is not held against this one.
          feed(isOther() ? 'renewed' : 'backoffOver')
          return
        case 'stopped':
        case 'held':
          facts.by = 'outside'
          feed('wanted')
          return
        case 'stopping':
          // Whoever it was that stopped it has started it again.
          if (facts.by === 'outside') feed('wanted')
          return
        default:
        // It is being stopped or cleared away: what runs then is taken up once that is over.
      }
    },
    refused() {
      const isAtRest = facts.phase === 'stopped' || (facts.phase === 'held' && !facts.waiting)
      if (!isAtRest && (facts.phase !== 'stopping' || facts.by !== 'outside')) return
      facts.by = 'outside'
      feed('wanted')
    },
    stops() {
      // Of a stop under way it is known whose it is.
      if (facts.phase !== 'stopping') facts.by = 'outside'
      const isOver = (facts.phase === 'clearing' || facts.phase === 'loopClearing') && facts.pid === null
      feed('stopAsked')
      // What is left of it may take long, and a next daemon would take it for one that is to be started again.
      if (isOver) perform.recordStopped()
    },
    goesOn(refusal) {
      if (facts.phase !== 'stopping' && facts.phase !== 'restarting') return
      const { pid, startedMs } = facts
      const isRestart = facts.phase === 'restarting' && pid !== null
      facts.refusal = refusal ?? (isRestart ? 'somebody else had it started instead, so what ran goes on' : null)
      // Nothing runs: the host is to restart it, and nobody else can.
      if (pid === null) return feed('wanted')
      facts.adopted ??= { pid, startTime: 0, startedMonoMs: startedMs }
      feed('goesOn')
    },
    givesUp(why) {
      if (facts.phase !== 'backoff' && facts.phase !== 'loopBackoff') return
      facts.lastTrouble = why
      // The same restart, by us.
      facts.restarts -= 1
      perform.scheduleRestart()
      perform.recordRestarting()
    },
    known() {
      if (facts.unclear !== null) begin()
    },
    left,
  }
}

/** Of a process of our own nobody else decides anything. */
export const NOBODY = handedOn(() => undefined)

/** Hands news on once there is somebody to take it. */
export function handedOn(taker: () => Outside | undefined): Outside {
  return {
    runs: launch => taker()?.runs(launch),
    stops: () => taker()?.stops(),
    goesOn: refusal => taker()?.goesOn(refusal),
    refused: () => taker()?.refused(),
    givesUp: why => taker()?.givesUp(why),
    known: () => taker()?.known(),
    left: (pid, remains) => taker()?.left(pid, remains),
  }
}
