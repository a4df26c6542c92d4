import type { Standing } from '../api/switch-control.ts'
import type { Order } from './decide.ts'
import { mustStandAs } from './standing.ts'

/** The order that waits to be looked at. Only one does: the newest. */
export interface WaitingOrder {
  /** Null: none waits. */
  get(): Order | null
  /** `seen`: how the target stood for whoever gave it; null: it is meant however that stands. The answer rejects when it is refused for that. */
  put(order: Order, seen: Standing | null): Promise<never>
  /** It has led to what it leads to, or is taken back. */
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

  return {
    get: () => waiting?.order ?? null,
    put(order, seen) {
      const { promise, reject } = Promise.withResolvers<never>()
      waiting = { order, seen, refuse: reject, before: waiting }
      return promise
    },
    drop(order) {
      if (waiting?.order === order) waiting = null
    },
    mustFit,
  }
}
