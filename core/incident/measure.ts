import { formatDuration } from '../config/duration.ts'
import { formatSize } from '../config/size.ts'

/** A time from a ledger entry as people read it: `0.8 ms`, `1.25 s`, `3 m 5 s`. What is no time says so. */
export function spanOf(ms: unknown): string {
  return isMeasure(ms) ? formatDuration(ms) : 'an unknown time'
}

/** A size from a ledger entry as people read it: `64 KiB`, `71.5 MiB`. */
export function sizeOf(bytes: unknown): string {
  return isMeasure(bytes) ? formatSize(bytes) : '?'
}

function isMeasure(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}
