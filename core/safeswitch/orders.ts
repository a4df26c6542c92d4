import type { Standing, SwitchControl, Switched } from '../api/switch-control.ts'
import { type Clock, round } from '../clock.ts'
import type { Data } from '../entry.ts'
import { asFault, Fault } from '../fault.ts'
import type { Order } from './decide.ts'
import { includes, isAtRest, type Journal, plain, type Ref } from './journal.ts'
import type { Judge } from './judge.ts'
import { quarantineOf, type TargetMemory } from './memory.ts'
import { outcomeOf } from './outcome.ts'
import { PHASES } from './phases.ts'
import type { Recorder } from './recorder.ts'
import { standingOf } from './standing.ts'
import type { Switcher } from './switch.ts'
import type { Target } from './target.ts'

export interface OrderTools {
  readonly target: Target
  readonly clock: Clock
  readonly judge: Judge
  readonly recorder: Recorder
  readonly journal: () => Journal
  readonly memory: () => TargetMemory
  /** Null before the ledger is read. */
  readonly switcher: () => Switcher | null
  readonly isRecording: () => boolean
  /** Goes on with what an order left undone. */
  readonly drive: () => void
}

/** What operators order for one target: refused with a Fault, or carried out to its end. */
export interface Orders {
  deploy(order: Parameters<SwitchControl['deploy']>[1], by: string): Promise<Switched>
  rollback(order: Parameters<SwitchControl['rollback']>[1], by: string): Promise<Switched>
  /** An order was taken and has not come to its end. */
  isAtWork(): boolean
}

/** What somebody named is no generation of the target: others may be. */
const NONE: ReadonlySet<string> = new Set(['target.missing', 'target.gone', 'target.outside'])

export function createOrders(tools: OrderTools): Orders {
  const { target, clock, judge, recorder, journal, memory } = tools
  const { name } = target

  /** What is being carried out. A rollback may come while a deploy is; nothing else may: it would take its place unseen. */
  const atWork = new Set<Order['verb']>()

  /** Gives an order and waits for its end. */
  async function carryOut(
    order: Extract<Order, { to: Ref }>,
    { by, seen = null, data }: { by: string; seen?: Standing | null | undefined; data: Data },
  ): Promise<Switched> {
    atWork.add(order.verb)
    const takeBack = recorder.ask(order.verb, by, data)
    try {
      const from = plain((await target.look()).running)
      const startedMs = clock.monoMs()
      const before = recorder.steps()
      await given(order, seen, before)
      const current = plain((await target.look()).running)
      const ended = outcomeOf(recorder.endSince(before), order.verb === 'deploy' ? memory().rollbackWhy : null)
      const tookMs = round(clock.monoMs() - startedMs)
      return { target: name, from, to: order.to, current, tookMs, ...ended }
    } finally {
      takeBack()
      atWork.delete(order.verb)
    }
  }

  async function given(order: Order, seen: Standing | null, before: number): Promise<void> {
    const switcher = tools.switcher()
    try {
      await switcher?.order(order, seen)
    } catch (error) {
      // Somebody was told that nothing was done: so nothing is done later either. What has begun goes on.
      const isBegun = recorder.steps() > before
      if (!isBegun) switcher?.drop(order)
      tools.drive()
      const fault = asFault(error)
      if (!isBegun || !(fault instanceof Fault) || fault.code === 'switch.changed') throw fault
      const { code, hint, retry } = fault
      throw new Fault(code, `the switch of ${name} has begun and goes on by itself; in its way: ${fault.message}`, {
        ...{ retry, cause: fault, ...(hint === undefined ? {} : { hint }) },
      })
    }
  }

  function refuseUnlessReady(isDeploy: boolean): void {
    const { phase, isObserved } = journal()
    if (tools.switcher() === null)
      throw new Fault('switch.not-yet', `${name} can not be switched before the ledger is read`, { retry: 1000 })
    if (!tools.isRecording())
      throw new Fault('ledger.degraded', 'nothing is switched while nothing can be recorded', {
        hint: 'make room or repair the disk of the state folder; healing goes on meanwhile',
        retry: 5000,
      })
    const isOpen = isDeploy ? isObserved && phase !== 'committing' : phase !== 'committing' && phase !== 'rollingBack'
    const isTaken = atWork.has('rollback') || (isDeploy && atWork.has('deploy'))
    if ((isAtRest(journal()) || isOpen) && !isTaken) return
    throw new Fault(
      'switch.busy',
      `${name} is ${isAtRest(journal()) ? 'about to be switched' : PHASES[phase]} already`,
      {
        hint: isDeploy ? `wait for its end, or end it: heald rollback ${name}` : 'wait for its end',
        retry: 5000,
      },
    )
  }

  /** In words: why a second rollback in a row does not lead forward again. */
  function leftOf(good: readonly Ref[]): string {
    const left = good.find(({ path }) => path === memory().left)
    return left === undefined ? '' : ` but ${left.generation}, which was rolled back from`
  }

  async function resolve(ref: string): Promise<Ref> {
    try {
      const { generation, path } = await target.resolve(ref)
      return { generation, path }
    } catch (error) {
      const fault = asFault(error)
      if (!(fault instanceof Fault) || !NONE.has(fault.code)) throw fault
      // Where the target itself is not there it says so here: then no name would be right.
      await target.look()
      const hint = fault.hint ?? `name one that is there: heald generations ${name}`
      throw new Fault('generation.unknown', fault.message, { hint, cause: fault })
    }
  }

  function planned(running: Ref | null, to: Ref, startedMs: number): Switched {
    const from = plain(running)
    const tookMs = round(clock.monoMs() - startedMs)
    const standing = standingOf(journal(), running)
    return { target: name, outcome: 'planned', from, to: plain(to), current: from, why: null, tookMs, standing }
  }

  return {
    async deploy({ ref, force, unchecked, dryRun = false, seen }, by) {
      refuseUnlessReady(true)
      const startedMs = clock.monoMs()
      const to = await resolve(ref)
      const quarantine = quarantineOf(memory(), to.path)
      if (quarantine !== null && !force) {
        const { why } = quarantine
        throw new Fault('switch.quarantined', `${to.generation} of ${name} is quarantined: ${why}`, {
          hint: `mend it and deploy it under another name, or insist: heald deploy ${name} ${ref} --force`,
        })
      }
      if (!judge.hasChecks() && !unchecked)
        throw new Fault('switch.unchecked', `${name} has no checks that run, so ${to.generation} could prove nothing`, {
          hint: `give its services a health check or the target checks, start those that are stopped, or accept that: heald deploy ${name} ${ref} --unchecked`,
        })
      if (dryRun) return planned((await target.look()).running, to, startedMs)
      const baseline = await judge.baseline()
      refuseUnlessReady(true)
      const data = { by, ...(unchecked ? { unchecked } : {}), baseline }
      return carryOut({ verb: 'deploy', to }, { by, seen, data })
    },
    isAtWork: () => atWork.size > 0,
    async rollback({ to: ref, dryRun, seen }, by) {
      refuseUnlessReady(false)
      const startedMs = clock.monoMs()
      const { running } = await target.look()
      const { good, to: candidate } = journal()
      // Of a switch under way its candidate is what is left, whether a pointer leads there yet or not.
      const leaving = isAtRest(journal()) ? running?.path : candidate?.path
      const known = good.find(({ path }) => path !== leaving && path !== memory().left)
      const to = ref === null ? known : await resolve(ref)
      if (to === undefined)
        throw new Fault('switch.no-way-back', `no other generation of ${name} is known to be good${leftOf(good)}`, {
          hint: `name one: heald generations ${name}, then heald rollback ${name} --to GENERATION`,
        })
      const quarantine = ref === null ? null : quarantineOf(memory(), to.path)
      if (quarantine !== null)
        throw new Fault('switch.quarantined', `${to.generation} of ${name} is quarantined: ${quarantine.why}`, {
          hint: `insist with: heald deploy ${name} ${to.generation} --force`,
        })
      if (ref !== null && !includes(good, to))
        throw new Fault('switch.unproven', `${to.generation} of ${name} is not known to be good`, {
          hint: `put it on probation: heald deploy ${name} ${to.generation}`,
        })
      if (dryRun) return planned(running, to, startedMs)
      refuseUnlessReady(false)
      const why = `asked for by ${by}`
      return carryOut({ verb: 'rollback', to, cause: 'operator', why }, { by, seen, data: {} })
    },
  }
}
