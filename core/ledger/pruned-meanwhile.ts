import { codeOf, Fault } from '../fault.ts'
import { countingSegments } from './base.ts'

/** What somebody was reading is gone: a prune took it. Nothing is damaged. */
export function prunedMeanwhile(cause?: unknown): Fault {
  return new Fault('ledger.pruned', 'entries that were to be read were pruned', {
    ...{ hint: 'do it again: it begins with what is left', retry: 'now' },
    ...(cause === undefined ? {} : { cause }),
  })
}

/** Whether `error` came of a prune since the ledger began with entry `first`. */
export function isOfPrune(error: unknown, dir: string, first: number): boolean {
  return ['ledger.pruned', 'ENOENT'].includes(codeOf(error)) && beginOf(dir) > first
}

/** Does `work` anew from its beginning, as often as a prune takes what it reads. */
export async function despitePrunes<T>(dir: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    const first = beginOf(dir)
    try {
      return await work()
    } catch (error) {
      if (!isOfPrune(error, dir, first)) throw error
    }
  }
}

function beginOf(dir: string): number {
  return countingSegments(dir)[0]?.first ?? 0
}
