import type { Standing } from '../api/switch-control.ts'
import { round } from '../clock.ts'
import type { Data } from '../entry.ts'
import { Fault } from '../fault.ts'
import { type Act, decide, type Order, type Seen } from './decide.ts'
import { createGuard, type GuardTools } from './guard.ts'
import { follow, type Journal, plain, type Ref, type Step } from './journal.ts'
import { mustStandAs, standingOf } from './standing.ts'
import type { Target, View } from './target.ts'
import { pause, tryActivation, trySettling } from './tries.ts'
import { createWaitingOrder } from './waiting-order.ts'

export interface Judgement {
  readonly health: 'passed' | 'failed'
  /** In words; '' when there is nothing to say. */
  readonly why: string
}

export interface SwitchTools extends GuardTools {
  readonly target: Target
  /** Resolves when the step is durable. When it rejects, nothing further is done until `run` is called again. */
  readonly record: (step: Step, more: Data) => Promise<void>
  /** Says whether the services are well with `journal.to`, after as long a look as the configuration asks for. */
  readonly judge: (journal: Journal, signal: AbortSignal) => Promise<Judgement>
  /** `to` runs from now on, as far as the pointer says. */
  readonly onActivated: (to: Ref) => void
  readonly activationDeadlineMs: number
  /** How many known-good generations are kept from being collected. */
  readonly keepGood: number
  /** Whether the machine was booted since the journal's last step. */
  readonly isRebooted: boolean
  /** Why what runs (null: nothing does) may not be led back from on its own; null: it may. */
  readonly refusal: (from: Ref | null) => string | null
  readonly isIrreversible: (to: Ref) => boolean
  /** Whether a generation is still there, as far as can be told. */
  readonly isThere: (ref: Ref) => boolean
  /** Generations older than what runs, if its pointer was moved not long ago. */
  readonly older: (view: View) => readonly Ref[]
}

/** One target being switched: performs what `decide.ts` says, one act at a time. */
export interface Switcher {
  journal(): Journal
  /**
   * Goes on from where the journal stands until there is nothing to do. Rejects with what kept it from going on: the
   * journal then stands where it stood, and calling again is safe. Calls while it runs get the same promise.
   */
  run(): Promise<void>
  /** Puts an order in, which is looked at before the next act, ends a watch, and ends an activation where
   * it leads back. Only one waits at a time: the newest. Refused with `switch.changed` where it begins otherwise than `seen`. */
  order(order: Order, seen?: Standing | null): Promise<void>
  /** Takes back an order that has led to nothing yet: it is not carried out later either. */
  drop(order: Order): void
  /** Ends a watch that is under way, so that the world is looked at anew. */
  wake(): void
  /** Nothing is known to be good: the next `run` watches whether what runs is. */
  soak(): void
  /** Begins no further act; resolves when the one at hand has ended. Another daemon, or the dead-man, goes on. */
  release(): Promise<void>
}

/** A pointer that is put anew while the services are watched lets the watch begin anew, so often at most. */
const MOST_WATCHES_ANEW = 3
/** Between a rollback that could not be activated and the same again. */
const SAME_AGAIN_MS = 5000
/** A ladder of three generations needs some sixty acts. */
const MOST_ACTS = 300
const ARMED_LONG_AGO_MS = 5000
/** A dead-man at work moves a pointer and runs one activation. */
const LOCK_SLACK_MS = 15_000

/** What is known only as long as the journal stands where it stands. */
interface Life {
  activation: Seen['activation']
  settled: Seen['settled']
  health: Seen['health']
  /** Of the pointer, when the watch began; null: there was none yet. */
  watchedMark: string | null
  watchesAnew: number
  isArmFailed: boolean
  detail: string
  /** For the next entry. */
  more: Data
}

const untouched = (): Life => ({
  ...{ activation: null, settled: 'not yet', health: 'open', isArmFailed: false, detail: '', more: {} },
  ...{ watchedMark: null, watchesAnew: 0 },
})

export function createSwitcher(first: Journal, tools: SwitchTools): Switcher {
  const { target, deadMan, clock } = tools
  let journal = first
  let life = untouched()
  const guard = createGuard(target.name, tools)
  let [isOurs, isRebooted, isSoakDue, isLocked] = [false, tools.isRebooted, true, false]
  const waiting = createWaitingOrder()
  let running: Promise<void> | null = null
  let watching: AbortController | null = null
  /** The activation of a candidate: an order to go back ends it. */
  let activating: AbortController | null = null
  let isReleased = false
  /** Of the pointer, as last seen. */
  let mark: string | null = null

  async function look(): Promise<Seen> {
    const standing = await guard.look()
    const view = await target.look()
    const now = plain(view.running)
    const to = journal.to === null ? null : { ...journal.to, createdMs: 0 }
    const isUnderWay = !isOurs && to !== null && (await target.isUnderWay?.(to)) === true
    mark = view.mark
    watchAnew()
    waiting.mustFit(standingOf(journal, now))
    return {
      ...{ running: now, boot: view.boot?.path ?? null, deadMan: standing, isUnderWay },
      ...{ isFresh: guard.isFresh(), hasFired: guard.hasFired() },
      refusal: tools.refusal(now),
      isIrreversible: journal.to !== null && tools.isIrreversible(journal.to),
      older: tools.older(view),
      ...{ isOurs, isRebooted, isSoakDue, order: waiting.get(), ...life },
    }
  }

  /** What answered the checks while the pointer led elsewhere, be it for a moment, says nothing about what is there now. */
  function watchAnew(): void {
    if (life.watchedMark === null || life.watchedMark === mark || life.health === 'failed') return
    life.watchedMark = null
    life.watchesAnew += 1
    life.health = 'open'
    // It has to wait for the next watch as well.
    guard.outdate()
    if (life.watchesAnew <= MOST_WATCHES_ANEW) return
    life.health = 'failed'
    life.detail = 'its pointer was moved again and again while it was watched'
  }

  /** It was said of the services as they were then. Until the next run they may have fallen, and nobody watches them. */
  function forgetPassed(): void {
    if (life.health !== 'passed') return
    life.health = 'open'
    // It has to wait for the next watch as well.
    guard.outdate()
  }

  async function perform(act: Act): Promise<void> {
    switch (act.act) {
      case 'record':
        return record(act.step)
      case 'armDeadMan':
        return arm(act.back)
      case 'disarmDeadMan':
        return guard.disarm()
      case 'activate':
        return activate(act.to)
      case 'settle':
        return settle(act.to)
      case 'watch':
        return watch()
      case 'rest':
        return
    }
  }

  async function record(step: Step): Promise<void> {
    await tools.record(step, life.more)
    journal = follow(journal, step)
    life = untouched()
    isOurs = true
    isRebooted = false
    isSoakDue = false
    guard.follow(step.kind)
    // What came before may have taken long, and the probation may take longer than it says.
    if (step.kind === 'switch.probation' && guard.armedForMs() > ARMED_LONG_AGO_MS) guard.outdate()
    await guard.told()
  }

  async function arm(back: Ref): Promise<void> {
    // Somebody who moved it by hand may have booted the machine for it.
    const why = await guard.arm(back, !journal.isObserved || journal.phase === 'rollingBack')
    if (why !== null) Object.assign(life, { isArmFailed: true, detail: why } satisfies Partial<Life>)
  }

  async function activate(to: Ref): Promise<void> {
    // The rung before was the same generation: whatever was in the way may be gone in a moment.
    if (journal.phase === 'rollingBack' && journal.rung === 1) await pause(clock, SAME_AGAIN_MS)
    const startedMs = clock.monoMs()
    const stop = new AbortController()
    if (journal.phase === 'switching') activating = stop
    const { verdict, exitCode, why } = await tryActivation(target, to, tools.activationDeadlineMs, clock, stop.signal)
    activating = null
    life.activation = verdict
    life.detail = why
    life.more = {
      // What an earlier daemon began has taken longer than was seen of it.
      ...(isOurs ? { tookMs: round(clock.monoMs() - startedMs) } : {}),
      ...(exitCode === null ? {} : { exitCode }),
    }
    if (verdict === 'done' || verdict === 'partly') tools.onActivated(to)
  }

  async function settle(to: Ref): Promise<void> {
    // A boot loader may take minutes, and so may the activation before it.
    if (guard.armedForMs() > ARMED_LONG_AGO_MS) await arm(to)
    const good = [to.path, ...journal.good.map(each => each.path).filter(path => path !== to.path)]
    const why = await trySettling(target, to, good.slice(0, tools.keepGood), clock)
    life.settled = why === null ? 'done' : 'failed'
    if (why !== null) life.detail = why
  }

  /** Until the judge has spoken, or an order comes: nothing is awaited between `decide` and here, so none is missed. */
  async function watch(): Promise<void> {
    const stop = new AbortController()
    watching = stop
    life.watchedMark = mark
    const interrupted = new Promise<null>(resolve => stop.signal.addEventListener('abort', () => resolve(null)))
    try {
      const judged = await Promise.race([tools.judge(journal, stop.signal), interrupted])
      if (judged === null) return
      life.health = judged.health
      life.detail = judged.why
    } finally {
      stop.abort()
      watching = null
    }
  }

  /** Held from before the first act to the end; a kill of heald frees it. */
  async function hold(): Promise<void> {
    if (isLocked) return
    isLocked = await deadMan.lock(tools.activationDeadlineMs + LOCK_SLACK_MS)
    if (isLocked) return
    throw new Fault('switch.locked', `${target.name} is being moved by its dead-man, which does not come to an end`, {
      hint: 'see what its activation command does; heald tries again',
      retry: LOCK_SLACK_MS,
    })
  }

  async function loop(): Promise<void> {
    try {
      for (let n = 0; n < MOST_ACTS; n += 1) {
        const seen = await look()
        if (isReleased) throw new Fault('daemon.stopping', 'heald is ending; the switch goes on when it is back')
        const act = decide(kept(journal), seen)
        // What was seen before the lock was had may have changed.
        if (act.act !== 'rest' && !isLocked) {
          await hold()
          continue
        }
        await perform(act)
        const isAnswered = act.act === 'rest' || (act.act === 'record' && act.answers === true)
        if (isAnswered && seen.order !== null) waiting.answered(seen.order)
        if (act.act === 'rest' && waiting.get() === null) return await guard.told()
      }
      throw new Error(`the switch of ${target.name} did not come to an end within ${MOST_ACTS} acts`)
    } catch (error) {
      forgetPassed()
      throw error
    } finally {
      isLocked = false
      await deadMan.unlock()
    }
  }

  const kept = (of: Journal): Journal => ({ ...of, good: of.good.filter(tools.isThere).slice(0, tools.keepGood) })

  function run(): Promise<void> {
    running ??= loop().finally(() => {
      running = null
    })
    return running
  }

  return {
    journal: () => journal,
    run,
    async order(given, seen = null) {
      // A switch under way is not disturbed for what is refused anyway.
      const now = standingOf(journal, null)
      if (seen !== null && now.state === 'being switched') mustStandAs(seen, now)
      const refused = waiting.put(given, seen)
      watching?.abort()
      if (given.verb === 'rollback') activating?.abort()
      await Promise.race([run(), refused])
      // It came in the very turn in which the loop had come to rest.
      if (waiting.get() === given) await Promise.race([run(), refused])
    },
    drop: waiting.drop,
    wake: () => watching?.abort(),
    soak() {
      isSoakDue = true
    },
    async release() {
      isReleased = true
      watching?.abort()
      // Whoever called `run` hears what came of it.
      await running?.catch(() => {})
    },
  }
}
