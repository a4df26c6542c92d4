import { Fault } from './fault.ts'
import type { Head } from './ledger/ledger.ts'

/** Orders that change what is to run go one at a time; the first one waits for `begun`. */
export function inTurns(begun: () => Promise<void>): <T>(order: () => Promise<T>) => Promise<T> {
  let orders: Promise<unknown> = Promise.resolve()
  return order => {
    const mine = orders.then(begun).then(order)
    orders = mine.catch(() => {})
    return mine
  }
}

/** Orders are given only while they can be recorded: a Fault `ledger.degraded` when they can't. */
export function mustRecord({ recording, why }: Head): void {
  if (recording === 'ok') return
  throw new Fault(
    'ledger.degraded',
    `orders are refused while nothing can be recorded: ${why ?? 'the ledger is degraded'}`,
    {
      hint: 'make room or repair the disk; healing goes on meanwhile, and "heald down" still works',
      retry: 5000,
    },
  )
}
