import { constants } from 'node:os'
import type { SystemdBus } from './systemd-bus.ts'
import type { Life } from './unit-life.ts'
import type { UnitStart } from './unit-start.ts'
import { isUp, type UnitView } from './unit-view.ts'

export interface KillTools {
  readonly unit: string
  readonly bus: SystemdBus
  readonly view: () => UnitView
  readonly refresh: () => Promise<void>
  readonly life: () => Life
  /** While it is under way, systemd starts it anew once it has stopped. */
  readonly order: Pick<UnitStart, 'isUnderWay'>
  readonly isEmpty: () => boolean
  /** Has it stopped. */
  readonly stop: () => void
}

const LOOK_EVERY_MS = 20
/** A unit has its own TimeoutStopSec; after this long it is killed all the same. */
const STOP_MS = 540_000

/** Resolves once nothing is left of what runs now, or was to be stopped; rejects `timeoutMs` after it was killed. */
export async function killUnit(timeoutMs: number, killTools: KillTools): Promise<void> {
  const { unit, bus, life, order, isEmpty, ...tools } = killTools
  let deadline = 0
  let run = life().instance?.run
  let wasOrdered = false
  let isRestart = false
  let turnMs = Number.NEGATIVE_INFINITY
  let isKilled = false
  while (!isEmpty()) {
    const { instance, stop, rest } = life()
    wasOrdered ||= stop?.isOurs === true
    if (stop?.isOurs) isRestart = order.isUnderWay()
    // systemd has not got to the restart: what runs is not being stopped yet, and that has a deadline of its own.
    if (order.isUnderWay() && isUp(tools.view())) turnMs = performance.now()
    if (instance !== null && instance.run !== run) {
      // systemd has started it again by then: that is another tree, which is to be stopped where this one was to be.
      if (!wasOrdered || isRestart) return
      run = instance.run
      isKilled = false
      if (stop === null) tools.stop()
    } else if (wasOrdered && instance !== null && stop === null) {
      // systemd has refused it: what runs goes on.
      return
    }
    // systemd sees to a stop under way, whoever asked for it, for as long as the unit allows.
    const sinceMs = life().stop?.sinceMs ?? rest?.sinceMs ?? null
    const isStopping = sinceMs !== null && performance.now() - Math.max(sinceMs, turnMs) < STOP_MS
    if (!isStopping && !isKilled) {
      isKilled = true
      deadline = performance.now() + timeoutMs
      await bus.manager('KillUnit', 'ssi', [unit, 'all', constants.signals.SIGKILL]).catch(() => {})
      continue
    }
    if (!isStopping && performance.now() > deadline) {
      await tools.refresh()
      const { active, sub } = tools.view()
      throw new Error(`the unit ${unit} is still there ${timeoutMs} ms after SIGKILL (${active}, ${sub})`)
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
