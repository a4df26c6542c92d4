import type { Entry } from '../entry.ts'
import { entryInWords } from '../incident/words.ts'
import { receiptOf } from '../ledger/receipt.ts'
import type { Context } from './command.ts'
import { cleanLine } from './text.ts'
import { clockTime } from './time.ts'

/** Kinds that say nothing to a person who watches: they are in the ledger all the same. */
const QUIET: ReadonlySet<string> = new Set([
  'segment.opened',
  'genesis',
  'service.started',
  'service.ready',
  'service.restarting',
  'channel.delivered',
  'checkpoint.posted',
])

/** Prints what happens, one line an entry: time, what, receipt. With `--json`: the entries themselves. */
export function narrator(context: Context): (entries: readonly Entry[]) => void {
  return entries => {
    if (context.json) {
      context.out(entries.map(entry => `${JSON.stringify(entry)}\n`).join(''))
      return
    }
    const lines = entries
      .filter(entry => !QUIET.has(entry.kind))
      .map(entry => {
        // Not on a terminal the time is written as in the ledger: no tables of time zones in a daemon's memory.
        const time = context.tty ? clockTime(entry.ts, context.nowMs(), context.tz) : entry.ts
        return `${time}  ${cleanLine(entryInWords(entry))}  ${receiptOf(entry.seq, entry.h)}\n`
      })
    context.out(lines.join(''))
  }
}
