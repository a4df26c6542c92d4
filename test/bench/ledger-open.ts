import { bootId, systemClock } from '../../core/clock.ts'
import type { Ledger } from '../../core/ledger/ledger.ts'
import { openLedger } from '../../core/ledger/open.ts'

/** A ledger as a daemon has it. */
export function open(dir: string, fsync = true): Promise<Ledger> {
  return openLedger({
    dir,
    host: 'bench',
    version: '0.0.0',
    clock: systemClock,
    bootId: bootId(),
    redact: [],
    fsync,
    snapshot: () => ({ known: true }),
  })
}
