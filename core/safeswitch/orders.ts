import type { SwitchControl, Switched } from '../api/switch-control.ts'
import type { Clock } from '../clock.ts'
import type { Data } from '../entry.ts'
import { asFault, Fault } from '../fault.ts'
import type { Order } from './decide.ts'
import { includes, type Journal, plain, type Ref, type Step } from './journal.ts'
import type { Judge } from './judge.ts'
import { isQuarantined, type TargetMemory } from './memory.ts'
import { PHASES } from './phases.ts'
import type { Recorder } from './recorder.ts'
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
}

export function createOrders(tools: OrderTools): Orders {
  const { target, clock, judge, recorder, journal, memory } = tools
  const { name } = target

  /** Gives an order and waits for its end. */
  async function carryOut(order: Order, by: string, data: Data): Promise<Switched> {
    const from = plain((await target.look()).running)
    const to = order.verb === 'hold' ? null : order.to
    const startedMs = clock.monoMs()
    const before = recorder.steps()
    recorder.ask(by, data)
    try {
      await tools.switcher()?.order(order)
    } catch (error) {
      tools.drive()
      throw error
    }
    const current = plain((await target.look()).running)
    const ended = recorder.endSince(before)
    const tookMs = Math.round((clock.monoMs() - startedMs) * 1000) / 1000
    return {
      target: name,
      from,
      to,
      current,
      tookMs,
      ...outcomeOf(ended, order.verb === 'deploy' ? memory().rollbackWhy : null),
    }
  }

  function refuseUnlessReady(isDeploy: boolean): void {
    const { phase, isObserved } = journal()
    if (tools.switcher() === null)
      throw new Fault('switch.not-yet', `${name} can not be switched before the ledger is read`, { retry: 1000 })
    if (!tools.isRecording())
      throw new Fault('ledger.degraded', 'nothing is switched while nothing can be recorded', { retry: 5000 })
    const isAtRest = phase === 'idle' || phase === 'held'
    const isOpen = isDeploy ? isObserved : phase !== 'committing' && phase !== 'rollingBack'
    if (isAtRest || isOpen) return
    throw new Fault('switch.busy', `${name} is ${PHASES[phase]} already`, {
      hint: isDeploy ? `wait for its end, or end it: heald rollback ${name}` : 'wait for its end',
      retry: 5000,
    })
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
      throw asFault(error)
    }
  }

  return {
    async deploy({ ref, force, unchecked }, by) {
      refuseUnlessReady(true)
      const to = await resolve(ref)
      if (isQuarantined(memory(), to.path) && !force) {
        const why = memory().quarantined.find(({ path }) => path === to.path)?.why ?? 'it failed'
        throw new Fault('switch.quarantined', `${to.generation} of ${name} is quarantined: ${why}`, {
          hint: `mend it and deploy it under another name, or insist: heald deploy ${name} ${ref} --force`,
        })
      }
      if (!judge.hasChecks() && !unchecked)
        throw new Fault('switch.unchecked', `${name} has no checks, so ${to.generation} could prove nothing`, {
          hint: `give its services a health check or the target checks, or accept that: heald deploy ${name} ${ref} --unchecked`,
        })
      const baseline = await judge.baseline()
      refuseUnlessReady(true)
      return carryOut({ verb: 'deploy', to }, by, { by, ...(unchecked ? { unchecked } : {}), baseline })
    },
    async rollback({ to: ref, dryRun }, by) {
      refuseUnlessReady(false)
      const startedMs = clock.monoMs()
      const { running } = await target.look()
      const { good } = journal()
      const to =
        ref === null ? good.find(({ path }) => path !== running?.path && path !== memory().left) : await resolve(ref)
      if (to === undefined)
        throw new Fault('switch.no-way-back', `no other generation of ${name} is known to be good${leftOf(good)}`, {
          hint: `name one: heald generations ${name}, then heald rollback ${name} --to GENERATION`,
        })
      if (ref !== null && isQuarantined(memory(), to.path))
        throw new Fault('switch.quarantined', `${to.generation} of ${name} is quarantined`, {
          hint: `insist with: heald deploy ${name} ${to.generation} --force`,
        })
      if (ref !== null && !includes(good, to))
        throw new Fault('switch.unproven', `${to.generation} of ${name} is not known to be good`, {
          hint: `put it on probation: heald deploy ${name} ${to.generation}`,
        })
      if (dryRun) {
        const from = plain(running)
        const tookMs = Math.round((clock.monoMs() - startedMs) * 1000) / 1000
        return { target: name, outcome: 'planned', from, to: plain(to), current: from, why: null, tookMs }
      }
      refuseUnlessReady(false)
      return carryOut({ verb: 'rollback', to, cause: 'operator', why: `asked for by ${by}` }, by, {})
    },
  }
}

function outcomeOf(step: Step | null, rollbackWhy: string | null): Pick<Switched, 'outcome' | 'why'> {
  switch (step?.kind) {
    case 'switch.committed':
      return { outcome: 'committed', why: null }
    case 'rollback.verified':
      return { outcome: 'rolled back', why: rollbackWhy }
    case 'switch.failed':
      return { outcome: 'failed', why: step.why }
    case 'rollback.held':
      return { outcome: 'held', why: step.why }
    default:
      return { outcome: 'nothing to do', why: null }
  }
}
