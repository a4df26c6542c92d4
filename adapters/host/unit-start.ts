import { BusError } from './bus-call.ts'
import type { SystemdBus } from './systemd-bus.ts'
import { whyNotStarted, wordsOf } from './unit-evidence.ts'
import { awaitsRestart, isDown, isUp, type UnitView } from './unit-view.ts'

/** A start of ours: asked for, perhaps again when nobody heard it, and over when the unit runs or its job has ended. */
export interface UnitStart {
  /** Has it started, or stopped and started. */
  begin(member: 'StartUnit' | 'RestartUnit'): void
  isUnderWay(): boolean
  /** The unit that is waited for before systemd is asked; null: none is. */
  waitsFor(): string | null
  /** It runs, or is not wanted any more. Safe to call at any time. */
  end(): void
  /** A job of the unit is over: ours, or somebody else's. */
  jobRemoved(job: string, result: string): void
  /** A new picture has been taken. */
  look(): void
}

export interface StartTools {
  readonly unit: string
  readonly bus: SystemdBus
  readonly view: () => UnitView
  readonly refresh: () => Promise<void>
  /** The unit that it is bound to and fell with: a start of it would start that too, before its time. */
  readonly fellWith: () => string | null
  /** That is back, or nobody brings it back. */
  readonly isFree: () => Promise<boolean>
  /**
   * It came to nothing; words on why. `isLeftOut`: systemd will not have it started as things are. `fellWith`: the unit that
   * was waited for, or could not be started before it; null: it is not that.
   */
  readonly failed: (why: string, isLeftOut: boolean, fellWith: string | null) => void
  /** Somebody else has it stopped instead. */
  readonly canceled: () => void
}

/** Beyond the unit's own time for a start. */
const SLACK_MS = 30_000
/** Of one that has all the time it wants. */
const ENDLESS_MS = 15 * 60_000
/** As long as a timer can. */
const MOST_MS = 2 ** 31 - 1
/** While systemd can't be asked. */
const AGAIN_MS = 200
/** Until the unit is back that is waited for. */
const LOOK_AGAIN_MS = 1000

/** Results of the job of a unit that was not started, as one of its conditions is not met. */
const LEFT_OUT = ['done', 'skipped']
/** systemd does not say which. */
const REQUIRED = 'a unit that it requires'

interface Order {
  readonly member: 'StartUnit' | 'RestartUnit'
  deadline: NodeJS.Timeout | undefined
  /** Our job, once systemd has answered. */
  job: string | null
  isUnheard: boolean
  /** systemd has not got to our job in its time, in words, and was asked to take it back; null: it was not. */
  late: string | null
  /** The unit that is waited for before systemd is asked. */
  waitsFor: string | null
  /** How jobs of the unit ended since then: ours may be over before it is known which it is. */
  readonly over: Map<string, string>
}

/**
 * systemd starts it once RestartSec= is over, its start is all of its work, or systemd will end it: each of its programs has the
 * unit's time, and it may ask for more.
 */
function isInItsTime(now: UnitView): boolean {
  return awaitsRestart(now) || (now.active === 'activating' && (now.type === 'oneshot' || Number.isFinite(now.startMs)))
}

/** The job that the unit has is ours. */
function isOfJob({ job }: Order, now: UnitView): boolean {
  return job?.endsWith(`/${now.job}`) === true
}

export function unitStart({ unit, bus, view, refresh, fellWith, isFree, ...tools }: StartTools): UnitStart {
  let order: Order | null = null
  /** The run of which it was told that the unit it fell with is not back. That may last, and is no news again. */
  let lateRun: string | null = null

  function ask(mine: Order): void {
    mine.isUnheard = false
    // Both go out in order on one connection. Without the first, StartLimitBurst would refuse the second.
    const { load, active, result } = view()
    const isLimited = active === 'failed' || result === 'start-limit-hit' || awaitsRestart(view())
    // What it can't load and what has not failed, it forgets.
    if (isLimited && load === 'loaded') bus.manager('ResetFailedUnit', 's', [unit]).catch(() => {})
    bus.manager(mine.member, 'ss', [unit, 'replace']).then(
      job => {
        mine.job = String(job)
        self.look()
      },
      (error: unknown) => {
        if (order !== mine) return
        if (!(error instanceof BusError && error.isUnheard)) return fail(wordsOf(error))
        mine.isUnheard = true
        askAgainSoon(mine)
      },
    )
  }

  async function askOnceFree(mine: Order): Promise<void> {
    while (order === mine && !(await isFree())) await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS).unref())
    if (order !== mine) return
    mine.waitsFor = null
    armDeadline(mine)
    ask(mine)
  }

  function armDeadline(mine: Order): void {
    const { startMs } = view()
    const deadlineMs = Number.isFinite(startMs) ? Math.min(MOST_MS, startMs + SLACK_MS) : ENDLESS_MS
    clearTimeout(mine.deadline)
    mine.deadline = setTimeout(() => {
      const { waitsFor } = mine
      const now = view()
      if (isInItsTime(now)) return armDeadline(mine)
      // What runs goes on: a restart that came long after that was told would look like somebody's stop.
      if (mine.late === null && isUp(now) && now.job !== 0 && isOfJob(mine, now)) {
        mine.late = `systemd did not get to it within ${Math.round(deadlineMs / 1000)} s`
        // What it refuses is over, or has begun.
        bus.manager('CancelJob', 'u', [now.job]).catch(() => {})
        return armDeadline(mine)
      }
      if (waitsFor !== null && lateRun === now.run) return
      if (waitsFor !== null) lateRun = now.run
      const what = waitsFor === null ? 'systemd did not start it' : `${waitsFor}, which it is bound to, was not back`
      fail(`${what} within ${Math.round(deadlineMs / 1000)} s`)
    }, deadlineMs)
    mine.deadline.unref()
  }

  /** The next picture shows whether it was heard after all. */
  function askAgainSoon(mine: Order): void {
    const again = async () => {
      if (bus.isUp()) await refresh()
      if (order !== mine || !mine.isUnheard) return
      if (bus.isUp()) ask(mine)
      else askAgainSoon(mine)
    }
    setTimeout(again, AGAIN_MS).unref()
  }

  function fail(why: string, isLeftOut = false, fellWith = order?.waitsFor ?? null): void {
    self.end()
    tools.failed(why, isLeftOut, fellWith)
  }

  const self: UnitStart = {
    begin(member) {
      self.end()
      order = {
        member,
        deadline: undefined,
        job: null,
        isUnheard: false,
        late: null,
        waitsFor: fellWith(),
        over: new Map(),
      }
      armDeadline(order)
      if (order.waitsFor === null) ask(order)
      else void askOnceFree(order)
    },
    isUnderWay: () => order !== null,
    waitsFor: () => order?.waitsFor ?? null,
    end() {
      clearTimeout(order?.deadline)
      order = null
    },
    jobRemoved(job, result) {
      order?.over.set(job, result)
      self.look()
    },
    look() {
      const result = order?.over.get(order.job ?? '')
      const now = view()
      if (result === undefined || order === null) return
      // A job has taken the place of ours: that was canceled by whoever wants it so, late or not.
      if (now.job !== 0 && !isOfJob(order, now)) order.late = null
      if (now.job !== 0) return
      const { late } = order
      if (late !== null && result === 'canceled' && (isUp(now) || isDown(now))) return fail(late)
      if (!isDown(now) || awaitsRestart(now)) return
      const fellWith = result === 'dependency' ? REQUIRED : null
      if (result !== 'canceled') return fail(whyNotStarted(result), LEFT_OUT.includes(result), fellWith)
      self.end()
      tools.canceled()
    },
  }
  return self
}
