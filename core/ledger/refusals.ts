import { Fault } from '../fault.ts'

/** Why the ledger does not take an entry: each says what the caller can do. */
export function closedFault(): Fault {
  return new Fault('ledger.closed', 'the ledger is closed: the daemon is ending', { hint: 'ask again when it is back' })
}

export function busyFault(waiting: number): Fault {
  return new Fault('ledger.busy', `not recorded: ${waiting} entries wait for the disk`, {
    hint: 'ask again in a moment',
    retry: 1000,
  })
}

/** The disk has it and does not answer: it may be stored, now or later, also when heald is ended meanwhile. */
export function stalledFault(why: string): Fault {
  return new Fault('ledger.stalled', `not known yet whether it is recorded: ${why}`, {
    hint: 'before you ask again, look with "heald commands", or "heald ledger list", once the disk answers',
  })
}

export function degradedFault(dir: string, why: string): Fault {
  const hint = `free or repair the disk that holds ${dir}; the ledger then goes on by itself`
  return new Fault('ledger.degraded', `not recorded, so not done: ${why}`, { hint, retry: 5000 })
}
