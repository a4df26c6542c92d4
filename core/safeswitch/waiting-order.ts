import type { Standing } from '../api/switch-control.ts'
import { Fault } from '../fault.ts'
import type { Order } from './decide.ts'
import { mustStandAs } from './standing.ts'

/** The order that waits to be looked at. Only one does: the newest. */
export interface WaitingOrder {
  /** Null: none waits. */
  get(): Order | null
  /** `seen`: how the target stood for whoever gave it; null: it is meant however that stands. The answer rejects when it is refused for that. */
  put(order: Order, seen: Standing | null): Promise<never>
  /** It has led to what it leads to. Those whose place it had taken are refused; one that came since waits. */
  answered(order: Order): void
  /** It is taken back. */
  drop(order: Order): void
  /**
   * Refuses it where the target stands otherwise; the one whose place it had taken waits again. Asked of each look: what that
   * look leads to is recorded before anything else can be.
   */
  mustFit(now: Standing): void
}

interface Waiting {
  readonly order: Order
  readonly seen: Standing | null
  readonly refuse: (fault: unknown) => void
  readonly before: Waiting | null
}

export function createWaitingOrder(): WaitingOrder {
  let waiting: Waiting | null = null

  function mustFit(now: Standing): void {
    if (waiting === null || waiting.seen === null) return
    try {
      mustStandAs(waiting.seen, now)
    } catch (fault) {
      waiting.refuse(fault)
      waiting = waiting.before
      mustFit(now)
    }
  }

  function found(order: Order): Waiting | null {
    let at = waiting
    while (at !== null && at.order !== order) at = at.before
    return at
  }

  return {
    get: () => waiting?.order ?? null,
    put(order, seen) {
      const { promise, reject } = Promise.withResolvers<never>()
      waiting = { order, seen, refuse: reject, before: waiting }
      return promise
    },
    answered(order) {
      for (let under = found(order)?.before ?? null; under !== null; under = under.before) under.refuse(displaced())
      waiting = without(waiting, order, false)
    },
    drop(order) {
      waiting = without(waiting, order, true)
    },
    mustFit,
  }
}

/** The ones that wait, without one of them, and without those under it unless they are kept. */
function without(top: Waiting | null, order: Order, isUnderKept: boolean): Waiting | null {
  if (top === null) return null
  if (top.order === order) return isUnderKept ? top.before : null
  return { ...top, before: without(top.before, order, isUnderKept) }
}

function displaced(): Fault {
  return new Fault('switch.changed', 'not done, since another order took its place before it had begun')
}
