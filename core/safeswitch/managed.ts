import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { SwitchSpec, TargetSpec } from '../config/spec.ts'
import type { Draft } from '../entry.ts'
import { messageOf } from '../fault.ts'
import type { Patient } from '../heal/patient.ts'
import type { RunCheck, Surroundings } from '../heal/probe/verdict.ts'
import type { LoopAnswer } from '../heal/records.ts'
import type { DeadMan } from './dead-man.ts'
import { judgeFalls } from './falls.ts'
import { isAtRest, type Journal, plain, type Ref } from './journal.ts'
import { createJudge } from './judge.ts'
import { rememberLooks } from './looks.ts'
import { memoryOf, placeOf, type TargetMemories, type TargetMemory } from './memory.ts'
import { createOrders, type Orders } from './orders.ts'
import { isIrreversible, mayRollBack, whyNotFrom } from './permit.ts'
import { PHASES } from './phases.ts'
import { watchPointers } from './pointer-watch.ts'
import { createRecorder } from './recorder.ts'
import { type Shown, shownOf } from './shown.ts'
import { createSwitcher, type Switcher } from './switch.ts'
import type { Target, View } from './target.ts'
import { troubleTeller } from './trouble.ts'

/** A target as an adapter hands it over. */
export interface OpenTarget {
  readonly target: Target
  readonly deadMan: DeadMan
  /** The user of its own checks that run a program; left out: heald's own. */
  readonly account?: () => Promise<Surroundings['account'] | null>
  /** What differs between two generations, a line each; empty when that can't be told. Bounded; never rejects. */
  readonly changes: (from: string, to: string) => Promise<readonly string[]>
  /** Does ahead what a first rollback to one of these paths would wait for. Costs little; never rejects. */
  readonly prepare?: (good: readonly string[]) => Promise<void>
  /** Removes what is kept outside the target for its sake: it is not switched any more. */
  readonly forget?: () => Promise<void>
}

export interface ManagedTools {
  readonly clock: Clock
  readonly random: () => number
  readonly memories: TargetMemories
  readonly patients: () => readonly Patient[]
  /** Resolves when the entry is durable and remembered. */
  readonly append: (draft: Draft) => Promise<unknown>
  readonly spendReserve: () => Promise<boolean>
  /** Hands what is known of services to the ledger now. */
  readonly flush: () => void
  readonly isRecording: () => boolean
  /** The ledger was found damaged, and nobody has acknowledged that. */
  readonly isDamaged: () => boolean
  /** Somebody has stopped all automatic changes. */
  readonly isFrozen: () => boolean
  readonly runCheck: RunCheck
  readonly switchSpec: () => SwitchSpec
  /** First 8 hex of the kernel's boot id. */
  readonly boot: string
  readonly warn: (text: string) => void
}

/** One configured target: its switcher, its watch, and what people ask of it. */
export interface Managed extends Orders, Shown {
  readonly spec: TargetSpec
  changes(from: string, to: string): Promise<readonly string[]>
  /** Looks once, so that services can be told which generation they are started with. Never rejects. */
  look(): Promise<void>
  /** Goes on where the ledger says that it stopped, and watches the pointer. May be called twice. */
  begin(): void
  generation(): Ref | null
  /** It is being switched, or an order says that it is to be; what others switched to does not count before it is committed. */
  isMoving(): boolean
  onLoop(service: string): LoopAnswer
  /** Ends what is under way without finishing it: a later daemon does. Resolves when the act at hand has ended. */
  release(): Promise<void>
  /** The same, for good: no dead-man is left that could move what nobody watches any more. Never rejects. */
  retire(): Promise<void>
}

/** As many generations as a view shows. */
const MOST_SHOWN = 100
const RETRY_FIRST_MS = 2000
const RETRY_CAP_MS = 60_000
/** A pointer that was removed may be in the middle of being made anew by hand. */
const GONE_MS = 2000
/** The start of a daemon and its services comes first. */
const PREPARE_AFTER_MS = 1000
/** While nothing is known to be good, what runs is watched this often. */
const SOAK_EVERY_MS = 600_000

export function createManaged(spec: TargetSpec, opened: OpenTarget, tools: ManagedTools): Managed {
  const { clock, memories } = tools
  const { name } = spec
  const { deadMan } = opened
  const tellTrouble = troubleTeller(spec, tools)
  const { target, view, blind, activated } = rememberLooks(opened.target, tools, found => {
    if (switcher !== null) tellTrouble(found)
  })
  /** Why a switch goes no further, in words. */
  let stuck: string | null = null
  let switcher: Switcher | null = null
  let isReleased = false
  let cancelRetry = () => {}
  let cancelSoak = () => {}
  let cancelGone = () => {}
  let cancelPrepare = () => {}
  let stopWatch = () => {}
  let retryMs = RETRY_FIRST_MS
  const memory = (): TargetMemory => memoryOf(memories, name, placeOf(spec))
  const journal = (): Journal => switcher?.journal() ?? memory().journal
  const runCheck: RunCheck = async (check, timeoutMs, signal, at = { cwd: '/' }) => {
    const account = await opened.account?.()
    return tools.runCheck(check, timeoutMs, signal, account == null ? at : { ...at, account })
  }
  const judge = createJudge({
    ...tools,
    runCheck,
    checks: spec.checks,
    cwd: spec.kind === 'releases' ? spec.path : '/',
    restartsUnits: spec.kind === 'nixos',
  })

  const recorder = createRecorder({
    ...tools,
    ...{ spec, journal, memory, changes: opened.changes, isReleased: () => isReleased },
  })

  const question = () => ({
    ...{ spec, memory: whereThere(memory()), running: plain(view()?.running) },
    now: { wallMs: clock.wallMs(), monoMs: clock.monoMs(), boot: tools.boot },
    ...{ budget: tools.switchSpec().budget, isRecording: tools.isRecording() },
    ...{ isDamaged: tools.isDamaged(), isFrozen: tools.isFrozen() },
  })

  function older(found: View): readonly Ref[] {
    const { running, movedMs, generations } = found
    if (running === null || movedMs === null || clock.wallMs() - movedMs > spec.blameWindowMs) return []
    const at = generations.findIndex(({ path }) => path === running.path)
    return at < 0 ? [] : generations.slice(at + 1, at + 1 + spec.keepGood).flatMap(each => plain(each) ?? [])
  }

  /** Of releases a folder that was removed is gone; what Nix keeps may have no generation of its own any more. */
  function isThere({ path }: Ref): boolean {
    const seen = view()
    if (spec.kind !== 'releases' || seen === null || seen.generations.length >= MOST_SHOWN) return true
    return seen.generations.some(each => each.path === path)
  }

  function whereThere(of: TargetMemory): TargetMemory {
    return { ...of, journal: { ...of.journal, good: of.journal.good.filter(isThere).slice(0, spec.keepGood) } }
  }

  function newSwitcher(): Switcher {
    const { journal: first, boot } = memory()
    return createSwitcher(first, {
      target,
      deadMan,
      clock,
      record: recorder.record,
      recordDeadMan: recorder.recordDeadMan,
      judge: async (at, signal) => judgeFalls(memory().falls, at) ?? judge.judge(at, memory().baseline, signal),
      onActivated: activated,
      activationDeadlineMs: spec.activationDeadlineMs,
      deadManMs: () => tools.switchSpec().deadManMs,
      units: () => tools.patients().flatMap(patient => patient.spec().unit ?? []),
      keepGood: spec.keepGood,
      isRebooted: boot !== '' && boot !== tools.boot,
      refusal: from => whyNotFrom(from, question())?.refused ?? null,
      // While frozen no dead-man is armed for what others switched to: it could not be asked whether it may.
      isIrreversible: to => isIrreversible(spec, to) || (tools.isFrozen() && journal().isObserved),
      isThere,
      warn: tools.warn,
      older,
    })
  }

  /** Runs until there is nothing to do; what is in the way is tried again later. */
  async function drive(): Promise<void> {
    cancelRetry()
    try {
      await switcher?.run()
      retryMs = RETRY_FIRST_MS
      stuck = null
    } catch (error) {
      if (isReleased) return
      const words = messageOf(error)
      if (stuck !== words && blind() !== words) tools.warn(`${name}: ${words}`)
      stuck = words
      cancelRetry()
      cancelRetry = clock.after(retryMs, () => void drive())
      retryMs = Math.min(retryMs * 2, RETRY_CAP_MS)
    }
  }

  /** Somebody may have moved the pointer. */
  async function onNews(): Promise<void> {
    if (isReleased || switcher === null) return
    const wasBlind = blind() !== null
    const before = view()?.mark
    try {
      const { running, mark } = await target.look()
      const { phase, at, to } = switcher.journal()
      const expected = phase === 'probation' ? to?.path : at
      if (phase === 'probation' && (running?.path !== expected || mark !== before)) return switcher.wake()
      if (running?.path === expected && !wasBlind) return cancelGone()
      if (!isAtRest(switcher.journal())) return
      if (running !== null) return void drive()
      cancelGone()
      cancelGone = clock.after(GONE_MS, () => void drive())
    } catch {
      // `blind` keeps it, and the status shows that.
    }
  }

  function soakAgain(): void {
    cancelSoak = clock.after(SOAK_EVERY_MS, soakAgain)
    if (switcher === null || switcher.journal().good.length > 0) return
    switcher.soak()
    void drive()
  }

  const orders = createOrders({
    ...{ target, clock, judge, recorder, journal, memory },
    ...{ switcher: () => switcher, isRecording: tools.isRecording, drive: () => void drive() },
  })

  return {
    ...{ spec, changes: opened.changes },
    look: async () => void (await target.look().catch(() => {})),
    begin() {
      if (switcher !== null) return
      switcher = newSwitcher()
      void drive()
      const folders =
        spec.kind === 'releases'
          ? [spec.path, join(spec.path, 'releases')]
          : [dirname(spec.path), ...(spec.running ? [dirname(spec.running)] : [])]
      const watch = watchPointers({
        ...{ folders, clock, onNews: () => void onNews() },
        isTrouble: () =>
          blind() !== null || stuck !== null || view()?.running == null || !existsSync(folders[0] ?? '/'),
      })
      stopWatch = watch.stop
      cancelSoak = clock.after(SOAK_EVERY_MS, soakAgain)
      const paths = () => journal().good.map(({ path }) => path)
      cancelPrepare = clock.after(PREPARE_AFTER_MS, () => void opened.prepare?.(paths()))
    },
    generation: () => plain(view()?.running),
    isMoving() {
      const { phase, isObserved } = journal()
      return (
        orders.isAtWork() || !(isAtRest(journal()) || (isObserved && (phase === 'observed' || phase === 'probation')))
      )
    },
    onLoop(service) {
      const { phase, from, isObserved, to } = journal()
      const slow = (why: string): LoopAnswer => ({ verdict: 'slow restarts', why })
      const slowNow = (why: string): LoopAnswer => ({ ...slow(why), isPassing: true })
      if (switcher === null) return slowNow('the ledger is still being read')
      if (phase === 'rollingBack') return slow(`${name} is ${PHASES[phase]} already`)
      if (phase === 'committing') return slowNow(`${name} is ${PHASES[phase]} already`)
      if (!isAtRest(journal())) {
        if (memory().baseline.includes(service)) return slow(`it was not well before ${name} was switched either`)
        if (from === null) return slow('nothing else is known to be good')
        if (to !== null && isIrreversible(spec, to)) return slow(`${to.generation} is marked irreversible`)
        const refused = isObserved && to !== null ? whyNotFrom(to, question()) : null
        return refused === null ? { verdict: 'rollback', why: `to ${from.generation}` } : slow(refused.refused)
      }
      const permit = mayRollBack(question())
      if ('to' in permit) {
        const order = { verb: 'rollback', cause: 'crashloop', to: permit.to, why: `${service} crash-loops` } as const
        void switcher.order(order).catch(() => drive())
        return { verdict: 'rollback', why: `to ${permit.to.generation}` }
      }
      if (permit.isEnvironment) void switcher.order({ verb: 'hold', why: permit.refused }).catch(() => drive())
      return permit.isPassing ? slowNow(permit.refused) : slow(permit.refused)
    },
    ...shownOf({ spec, look: target.look, journal, memory, view, trouble: () => stuck ?? blind() }),
    ...orders,
    release,
    async retire() {
      await release()
      await deadMan.disarm().catch((error: unknown) => tools.warn(`${name}: ${messageOf(error)}`))
    },
  }

  async function release(): Promise<void> {
    isReleased = true
    stopWatch()
    cancelRetry()
    cancelSoak()
    cancelGone()
    cancelPrepare()
    await switcher?.release()
  }
}
