import type { Adopted, End, Launch, Outside, Seat } from '../../core/heal/host.ts'
import type { KernelLog } from './kernel-log.ts'
import { readStat } from './proc.ts'
import type { SystemdBus } from './systemd-bus.ts'
import { boundUnit, type SeatState } from './unit-bound.ts'
import { endOf, endOfStart, remainsOf } from './unit-evidence.ts'
import { unitFound } from './unit-found.ts'
import { restJob } from './unit-job.ts'
import { killUnit } from './unit-kill.ts'
import { begun, ended, type Instance, NO_LIFE, restGone, stopAsked, stopOrdered, stopRefused } from './unit-life.ts'
import {
  cantLoad,
  leftDown,
  mayRestart,
  type News,
  newsOf,
  refusesRestart,
  refusesStop,
  type Told,
} from './unit-news.ts'
import { refusedStart, tellRefused } from './unit-refused.ts'
import { unitStart } from './unit-start.ts'
import { unitStop } from './unit-stop.ts'
import { unitUser } from './unit-user.ts'
import { awaitsRestart, ELSEWHERE, isDown, isUp, launchOf, NO_UNIT, type UnitView, viewWith } from './unit-view.ts'

/**
 * One unit's place in the supervision. systemd starts, stops and often restarts it; here its pictures become news, and
 * wishes become calls. A unit that systemd restarts by itself is only watched.
 */
export type UnitSeat = Seat & {
  readonly unit: string
  /** Properties that systemd told. `isWhole`: with this, they fit together. */
  take(properties: Readonly<Record<string, unknown>>, isWhole: boolean): void
  /** A job of the unit is over. */
  jobRemoved(job: string, result: string): void
  /** systemd has re-executed itself: it may have counted a restart twice that was about to come. */
  systemdIsNew(): void
  /** As it was last told. */
  view(): UnitView
  /** It has ended unasked, is not left down, and does not run again yet. */
  hasFallen(): boolean
  /** When it fell since it was seated, monotonic, as systemd has noted it: the last times, in order. */
  fallsMonoMs(): readonly number[]
}

export interface UnitTools {
  readonly bus: SystemdBus
  readonly kernelLog: KernelLog
  readonly warn: (text: string) => void
  /** Reads the unit's properties; resolves once they have been taken, or can't be had. */
  readonly refresh: () => Promise<void>
  /** How another unit does; null: it is not looked after here. */
  readonly stateOf: (unit: string) => SeatState | null
  readonly fallsMonoMs: (unit: string) => readonly number[]
  /** What the run `run` wrote last. */
  readonly tail: (run: string) => Promise<string>
}

/** A unit that systemd restarts is `failed` for an instant; after this long it stays so. */
const SETTLE_MS = 150
/** So many falls are remembered: another unit may be told of late that it fell with an earlier one. */
const MOST_FALLS = 8
/** How long heald's start waits for the first word of systemd. */
const FIRST_WORD_MS = 5000

export function unitSeat(unit: string, tools: UnitTools, onEnd: (end: End) => void, outside: Outside): UnitSeat {
  let view = NO_UNIT
  /** Null until a picture says how it was found. */
  let told: Told | null = null
  let life = NO_LIFE
  /** The run whose news is being told, for a supervisor who takes it up by `start`. */
  let passing: Launch | null = null
  let settle: NodeJS.Timeout | undefined
  let hadRestart = false
  let fallsMonoMs: readonly number[] = []
  let isReleased = false
  const found = unitFound(unit)
  const user = unitUser()
  const refused = refusedStart()
  const asking = { unit, bus: tools.bus, refresh: tools.refresh, view: () => view, life: () => life }
  const isOrdered = () => life.stop?.isOurs === true

  /** Takes a picture; what systemd may still be about to restart is left for a moment. */
  function look(isSettled = false): void {
    clearTimeout(settle)
    settle = undefined
    if (isReleased || bound.isAsking()) return
    const isFirst = told === null
    told ??= found.take(view)
    if (told === null) return
    if (isFirst && found.fell(view)) bound.recall(view)
    if (isFirst && view.active === 'deactivating') {
      // Of a run whose end is recorded.
      const of = { pid: view.lastPid, run: view.run }
      life = ended(life, of, leftDown(view) !== null, performance.now())
    }
    // Who seats it asks for what runs (`adopt`).
    if (isFirst && !found.isLate()) return
    const seen = life.rest === null ? bound.seen(view) : job.seen(bound.seen(view))
    const isEnd = (life.rest !== null || (told.run !== null && told.run === view.run)) && isDown(view)
    if (isEnd && !isSettled && mayRestart(seen)) {
      settle = setTimeout(() => look(true), SETTLE_MS)
      return
    }
    if (life.rest !== null && view.active !== 'deactivating') {
      void tellRemains(life.rest.of)
      life = restGone(life)
    }
    const { news, told: next } = newsOf(told, seen)
    const isStop = !isOrdered() && told.lastRun === view.run && news.some(({ kind }) => kind === 'stops')
    if (isStop && bound.asks(view)) {
      told = { ...told, stops: true }
      return
    }
    told = next
    for (const each of news) tell(each)
    if (isFirst && news.length === 0) outside.known()
    // Until the job is over, the restart that was announced may still come.
    const gaveUp = hadRestart && isDown(view) && !awaitsRestart(view) && view.job === 0
    hadRestart = awaitsRestart(view) || (hadRestart && view.job !== 0)
    const refusal = refused.take(view)
    const isIdle = life.instance === null && !isOrdered() && !order.isUnderWay()
    if (isIdle) tellRefused(outside, gaveUp && news.length === 0, view, refusal)
    order.look()
    stopping.look()
  }

  function tell(news: News): void {
    if (news.kind === 'runs') {
      const { instance } = life
      // It was taken up already when the end of its predecessor was told.
      const isKnown = instance !== null && instance.run === view.run && isUp(view)
      const launch = launchOf(view)
      life = begun(life, isKnown ? instance : { pid: launch.pid, run: view.run })
      found.runs()
      if (isUp(view)) bound.forget()
      stopping.end()
      if (isKnown) return
      order.end()
      passing = launch
      outside.runs(launch)
      passing = null
    } else if (news.kind === 'stops') {
      const isNew = !isOrdered()
      life = stopAsked(life, performance.now())
      if (isNew) outside.stops()
    } else {
      const of = life.instance ?? { pid: view.lastPid, run: view.run }
      const end = endOf(of.pid, news.view, tools.kernelLog, bound.fellWith())
      const hasRest = news.view !== null && !isDown(news.view)
      life = ended(life, of, end.leftDown != null, hasRest ? performance.now() : null)
      if (life.hasFallen) fallsMonoMs = [...fallsMonoMs, view.activeExitMonoMs].slice(-MOST_FALLS)
      stopping.end()
      if (!hasRest) void tellRemains(of)
      onEnd(end)
    }
  }

  /** What runs becomes the instance that the supervisor knows of. */
  function takeUp(): Launch {
    const launch = launchOf(view)
    life = begun(life, { pid: launch.pid, run: view.run })
    told = { run: view.run, lastRun: view.run, restarts: view.restarts, stops: false }
    return launch
  }

  async function tellRemains({ pid, run }: Instance): Promise<void> {
    const remains = await remainsOf(tools, { unit, run, hasPeak: view.hasPeak })
    if (!isReleased && remains !== null) outside.left(pid, remains)
  }

  const bound = boundUnit(tools, () => {
    if (isReleased || told === null) return
    if (bound.fellWith() === null) tell({ kind: 'stops' })
    else told = { ...told, stops: false }
    look()
  })

  const job = restJob(tools.bus, () => look())

  const order = unitStart({
    ...{ ...asking, fellWith: bound.fellWith, isFree: bound.isFree },
    failed(why, isLeftOut, fellWith) {
      if (life.instance === null)
        return onEnd(endOfStart(why, cantLoad(view, unit) ?? (isLeftOut ? why : null), fellWith))
      // In the middle of its stop: its start will say why it can't be.
      if (!isUp(view)) return seat.stop?.(false)
      // It was to be stopped first, and was not: a stop of ours might be one for good.
      life = stopRefused(life)
      tools.warn(`${unit} could not be restarted: ${why}`)
      outside.goesOn(why)
    },
    canceled: outside.stops,
  })

  const stopping = unitStop({
    ...asking,
    failed(refusal) {
      life = stopRefused(life)
      if (refusal !== null) tools.warn(`${unit} could not be stopped: ${refusal}`)
      outside.goesOn(refusal)
    },
  })

  const seat: UnitSeat = {
    unit,
    view: () => view,
    hasFallen() {
      // What is about to be told counts: others are stopped because of it by then.
      const wasAsked = life.stop !== null || told?.stops === true
      return life.hasFallen || (settle !== undefined && !wasAsked && leftDown(view) === null)
    },
    fallsMonoMs: () => fallsMonoMs,
    systemdIsNew() {
      if (told !== null) told = { ...told, restarts: null }
      stopping.systemdIsNew()
    },
    take(properties, isWhole) {
      view = viewWith(view, properties)
      user.take(properties.User)
      if (isWhole) look()
      if (isWhole) refused.seen(view)
    },
    jobRemoved(job, result) {
      if (!order.isUnderWay()) refused.jobRemoved(result)
      order.jobRemoved(job, result)
    },
    async adopt(endedPid: number | null = null, fell = false): Promise<Adopted | null> {
      found.recorded(endedPid, fell)
      void tools.refresh()
      await Promise.race([found.pictured, new Promise(resolve => setTimeout(resolve, FIRST_WORD_MS).unref())])
      if (told === null) found.late()
      if (!isUp(view)) return null
      const { pid, startedMonoMs = 0 } = takeUp()
      return { pid, startTime: readStat(pid)?.startTime ?? 0, startedMonoMs }
    },
    start() {
      if (passing !== null) return passing
      if (isUp(view) && !isOrdered()) return takeUp()
      stopping.end()
      const why = view.load === ELSEWHERE.LoadState ? cantLoad(view, unit) : null
      if (why !== null) queueMicrotask(() => onEnd(endOfStart(why, why, null)))
      // A restart that was asked for brings it up by itself.
      else if (!order.isUnderWay()) order.begin('StartUnit')
      return null
    },
    hurry() {
      bound.forget()
      // A start would wait for RestartSec=.
      if (awaitsRestart(view)) order.begin('RestartUnit')
    },
    ...{ arm: () => {}, describe: async () => {}, runs: () => true, signal: () => {} },
    waitsFor() {
      const unit = order.waitsFor()
      return unit === null ? null : `${unit}, which it is bound to`
    },
    async refusesRestart() {
      await tools.refresh()
      return isUp(view) ? refusesRestart(view, unit) : null
    },
    refusesStop: () => refusesStop(view, unit),
    stop(isRestart) {
      const isStopped = told?.stops === true || (isDown(view) && !awaitsRestart(view))
      if (isStopped && !order.isUnderWay()) {
        // Whoever else stops it already has their reasons for how: a second order would replace theirs.
        life = stopAsked(life, performance.now())
        return
      }
      life = stopOrdered(life, performance.now())
      stopping.end()
      if (isRestart && told?.stops !== true) return order.begin('RestartUnit')
      order.end()
      stopping.begin()
    },
    isEmpty() {
      if (life.instance !== null || life.rest !== null) return false
      return isOrdered() ? isDown(view) && !awaitsRestart(view) : view.active !== 'deactivating'
    },
    killTree(timeoutMs) {
      // Somebody may have had the rest stopped before this heald came, and no other picture comes until that is gone.
      if (life.rest !== null) queueMicrotask(look)
      return killUnit(timeoutMs, { ...asking, order, isEmpty: seat.isEmpty, stop: () => seat.stop?.(false) })
    },
    account: user.account,
    restartsItself() {
      if (isUp(view)) return { runs: true, delayMs: 0 }
      return awaitsRestart(view) ? { runs: false, delayMs: view.restartMs } : null
    },
    rests: () => found.rests(view, told !== null),
    release() {
      isReleased = true
      clearTimeout(settle)
      order.end()
      stopping.end()
    },
  }
  return seat
}
